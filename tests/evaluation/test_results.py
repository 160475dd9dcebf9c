import random
from dataclasses import replace

import pytest

from hybrid.evaluation.columns import pick_columns, probe_columns
from hybrid.evaluation.results import Measured, row_json, summed_up, tabulated
from hybrid.evaluation.scoring import METRICS, AnswerRecord, score
from hybrid.evaluation.table import blocks, plain
from hybrid.generation.citations import resolve
from hybrid.generation.generator import Generation
from hybrid.judging.judge import for_language
from hybrid.judging.overlap import OverlapJudge
from hybrid.records import Answer, Gold, Passage, Question
from hybrid.specs import SuiteSpec

CELLS = ("base", "base+rag", "tuned", "tuned+rag", "few-shot+rag")
SPEC = SuiteSpec(corpus="c", questions="q.jsonl")
JUDGE = OverlapJudge()


def passage(n):
    text = f"The X{n} has a warranty of {n} years."
    return Passage(id=n, document=f"d{n}", title="", text=text, start=0, end=len(text))


def record(n, cell):
    shown = (passage(n),) if "rag" in cell else ()
    # Right with a citation, right without, wrong, silent: a different mixture in every cell.
    raw = (f"{n} years [1]", f"{n} years", "99 years", "I don't know.")[(n + len(cell)) % 4]
    found = resolve(raw, shown)
    answer = Answer(found.text, found.citations, shown, False, raw, prompt_tokens=10, output_tokens=n)
    question = Question(f"q{n}", f"What warranty has the X{n}?", (f"{n} years",), group=f"g{n // 2}")
    return AnswerRecord(question, cell, answer, (passage(n),), shown or None)


@pytest.fixture(scope="module")
def measured():
    rows = score([record(n, cell) for cell in CELLS for n in range(1, 25)], JUDGE)
    questions = {row.record.question.id: row.record.question for row in rows}
    costs = {cell: Generation((), 2.5, 100.0) for cell in CELLS}
    columns = tuple(pick_columns(CELLS))
    return Measured(tuple(rows), costs, tuple(questions.values()), columns, dict.fromkeys(questions, ()))


@pytest.fixture(scope="module")
def figures(measured):
    return summed_up(measured, SPEC, JUDGE, 0)


def test_the_order_of_rows_and_questions_changes_nothing(measured, figures):
    rows, questions = list(measured.rows), list(measured.questions)
    random.Random(0).shuffle(rows)
    random.Random(1).shuffle(questions)
    shuffled = replace(measured, rows=tuple(rows), questions=tuple(questions))
    assert summed_up(shuffled, SPEC, JUDGE, 0) == figures


def test_the_verdict_says_what_error_of_the_judge_would_flip_it(figures):
    verdict = figures["verdict"]
    assert set(verdict["flips"]) == set(CELLS)
    assert "flip this verdict" in verdict["flip"] or "verdict would flip" in verdict["flip"]


def test_means_are_those_of_the_rows(measured, figures):
    values = [row.metrics["correct"].value for row in measured.rows if row.record.cell == "tuned"]
    assert figures["cells"]["tuned"]["metrics"]["correct"]["mean"] == pytest.approx(sum(values) / 24)


def test_totals_are_sums_over_the_column(figures):
    metrics = figures["cells"]["base+rag"]["metrics"]
    assert metrics["prompt_tokens"]["mean"] == 240  # 24 · 10
    assert metrics["output_tokens"]["mean"] == 300  # 24 · 25 / 2
    assert (metrics["seconds"]["mean"], metrics["peak_memory_mb"]["mean"]) == (2.5, 100.0)


def test_a_column_that_was_not_run_has_every_key_and_no_value(figures):
    metrics = figures["references"]["few-shot"]["metrics"]
    assert set(metrics) == {*METRICS, "prompt_tokens", "output_tokens", "seconds", "peak_memory_mb"}
    assert {(entry["status"], entry["mean"]) for entry in metrics.values()} == {("not_applicable", None)}


def test_every_question_has_one_outcome_in_each_column(figures):
    for cell in CELLS[:4]:
        assert sum(figures["cells"][cell]["outcomes"].values()) == 24


def changed(measured, change):
    """The same run, with other questions of the same ids."""
    rows = tuple(
        replace(row, record=replace(row.record, question=change(row.record.question)))
        for row in measured.rows
    )
    return replace(measured, rows=rows, questions=tuple(map(change, measured.questions)))


def test_seen_and_unseen_are_summed_up_apart(measured):
    def moved(question):
        return replace(question, split="seen") if int(question.id[1:]) > 20 else question

    found = summed_up(changed(measured, moved), SPEC, JUDGE, 0)
    assert (found["questions"]["n_seen"], found["questions"]["n_unseen"]) == (4, 20)
    assert (found["by_split"]["seen"]["n"], found["by_split"]["unseen"]["n"]) == (4, 20)
    assert found["by_split"]["seen"]["cells"]["base"]["metrics"]["correct"]["n"] == 4


def test_thresholds_are_least_or_greatest_means(measured):
    wanted = {
        "base.correct": (0.1, True),
        "tuned.correct": (0.9, False),
        "base+rag.hallucination_rate": (0.9, True),
        "tuned+rag.hallucination_rate": (0.1, False),
        "few-shot+rag.correct": (0.1, True),
        "base.seconds": (3, True),
        "tuned.seconds": (2, False),
    }
    spec = SPEC.model_copy(update={"thresholds": {name: bound for name, (bound, _) in wanted.items()}})
    checked = summed_up(measured, spec, JUDGE, 0)["thresholds"]
    assert {found["name"]: (found["bound"], found["passed"]) for found in checked} == wanted


def test_an_interval_of_the_score_reaches_down_to_the_weight():
    wrong = replace(record(1, "base"), answer=Answer("99 years", (), (), False, "99 years"))
    heavy = SPEC.model_copy(update={"hallucination_weight": 3.0})
    rows = score([wrong], JUDGE, hallucination_weight=3.0)
    measured = Measured(tuple(rows), {}, (wrong.question,), tuple(pick_columns(["base"])), {})
    found = summed_up(measured, heavy, JUDGE, 0)["cells"]["base"]["metrics"]["score"]
    assert found["mean"] == -3.0
    assert found["low"] is None or -3.0 <= found["low"] <= found["high"] <= 1.0


def test_values_are_joined_by_question_and_column(measured):
    table = tabulated(measured.rows)
    assert set(table) == set(CELLS)
    assert set(table["base"]["correct"]) == {question.id for question in measured.questions}


def test_a_row_keeps_text_evidence_and_verdicts(measured):
    row = next(row for row in measured.rows if row.record.answer.citations)
    line = row_json(row, [7])
    n = row.record.answer.passages[0].id
    assert (line["question_id"], line["gold"], line["shown"]) == (f"q{n}", [7], [n])
    assert line["citations"] == [{"marker": "[1]", "passage": n}]
    assert line["statements"][0]["pool"] == line["statements"][0]["shown"] == "supported"
    assert line["statements"][0]["pool_score"] == 1.0
    assert line["metrics"]["correct"] == {"value": 1.0, "status": "ok", "reason": ""}


def test_figures_are_summed_up_for_each_tag(measured):
    tags = {"q1": ("new", "near-miss"), "q2": ("new",), "q3": ("new",)}

    def tagged(question):
        return replace(question, tags=tags.get(question.id, ()))

    found = summed_up(changed(measured, tagged), SPEC, JUDGE, 0)["by_tag"]
    assert list(found) == ["near-miss", "new"]
    assert (found["new"]["n"], found["near-miss"]["n"]) == (3, 1)
    assert set(found["new"]["cells"]) == {*CELLS, "few-shot"}
    # (n + 4) % 4 of q1, q2, q3 in the base: right without a marker, wrong, silent.
    correct = found["new"]["cells"]["base"]["metrics"]["correct"]
    assert (correct["mean"], correct["n"]) == (pytest.approx(1 / 3), 3)
    alone = found["near-miss"]["cells"]["base"]["metrics"]["correct"]
    assert (alone["mean"], alone["n"]) == (1.0, 1)
    assert found["new"]["cells"]["few-shot"]["metrics"]["correct"]["status"] == "not_applicable"


def test_without_tags_nothing_is_summed_up_by_them(figures):
    assert figures["by_tag"] == {}


def test_a_row_keeps_its_tags(measured):
    (row,) = changed(measured, lambda question: replace(question, tags=("new", "old"))).rows[:1]
    assert row_json(row, [])["tags"] == ["new", "old"]


def test_memory_takes_the_list_of_the_known_or_else_the_base_itself(measured, figures):
    # Of every four answers of the base two are right: 12 of 24.
    assert [figures["memory"]["base"][rate]["n"] for rate in ("harm", "help")] == [12, 12]
    listed = summed_up(measured, SPEC, JUDGE, 0, {"q1", "q2", "q3"})["memory"]["base"]
    assert [listed[rate]["n"] for rate in ("harm", "help")] == [3, 21]


RIGHT, WRONG, SILENT = "{0} years [1]", "99 years", "I don't know."
BOUND = Question("bound", "What warranty has the Y?", (), answerable=False, gold=(Gold("d5", 0, 9),))
SAID = {
    "base+rag": {1: RIGHT, 2: WRONG, 3: WRONG, 4: RIGHT},
    "oracle/base+rag": {1: RIGHT, 2: RIGHT, 3: RIGHT, 5: SILENT},
}


@pytest.fixture(scope="module")
def probed():
    """Four questions, the last without gold, and a bound one that only the probe asks."""

    def asked(n):
        if n == 5:
            return BOUND
        return Question(f"q{n}", f"What warranty has the X{n}?", (f"{n} years",), group=f"g{n}")

    def said(cell, n, raw):
        found = resolve(raw.format(n), (passage(n),))
        answer = Answer(found.text, found.citations, (passage(n),), False, raw, prompt_tokens=10)
        ranked = None if cell.startswith("oracle") else (passage(n),)
        return AnswerRecord(asked(n), cell, answer, (passage(n),), ranked)

    rows = score([said(cell, n, raw) for cell, raws in SAID.items() for n, raw in raws.items()], JUDGE)
    cells = pick_columns(["base+rag"])
    columns = (*cells, *probe_columns(["oracle"], cells))
    costs = {column.name: Generation((), 2.5, 100.0) for column in columns}
    questions = tuple(asked(n) for n in range(1, 5))
    return Measured(tuple(rows), costs, questions, columns, {})


def test_a_probe_has_its_own_figures_beside_its_cell(probed):
    found = summed_up(probed, SPEC, JUDGE, 0)
    assert {name: list(cells) for name, cells in found["probes"].items()} == {"oracle": ["base+rag"]}
    probe = found["probes"]["oracle"]["base+rag"]
    assert (probe["metrics"]["correct"]["mean"], probe["metrics"]["correct"]["n"]) == (1.0, 3)
    assert probe["metrics"]["recall_at_k"]["status"] == "not_applicable"
    assert (probe["metrics"]["prompt_tokens"]["mean"], probe["dropped_passages"]) == (40, 0)
    assert (probe["outcomes"]["supported"], probe["outcomes"]["right_abstention"]) == (3, 1)


def test_the_gain_of_a_probe_is_over_the_questions_that_both_asked(probed):
    gain = summed_up(probed, SPEC, JUDGE, 0)["probes"]["oracle"]["base+rag"]["gain"]["correct"]
    # q1: 1 − 1, q2: 1 − 0, q3: 1 − 0; q4 was not asked in the probe, the bound one not in the cell.
    assert (gain["mean"], gain["n"]) == (pytest.approx(2 / 3), 3)
    assert gain["low"] <= 2 / 3 <= gain["high"]


def test_a_bound_question_counts_in_no_cell(probed):
    found = summed_up(probed, SPEC, JUDGE, 0)
    assert (found["questions"]["n"], found["questions"]["n_answerable"]) == (4, 4)
    assert sum(found["cells"]["base+rag"]["outcomes"].values()) == found["by_split"]["unseen"]["n"] == 4
    assert found["interval"]["clusters"] == 4
    assert found["cells"]["base+rag"]["metrics"]["abstention_recall"]["n"] == 0
    silent = found["probes"]["oracle"]["base+rag"]["metrics"]["abstention_recall"]
    assert (silent["mean"], silent["n"]) == (1.0, 1)


def test_a_probe_without_its_cell_gains_nothing_measurable(probed):
    alone = tuple(row for row in probed.rows if row.record.cell != "base+rag")
    found = summed_up(replace(probed, rows=alone), SPEC, JUDGE, 0)["probes"]["oracle"]["base+rag"]
    assert found["metrics"]["correct"]["n"] == 3
    assert (found["gain"]["correct"]["status"], found["gain"]["correct"]["mean"]) == ("not_applicable", None)


JUDGED = ("groundedness", "faithfulness_shown", "hallucination_rate", "hallucination_rate_answered", "score")


def test_a_judge_of_another_language_gives_no_figure_but_a_reason(measured):
    silent = for_language(JUDGE, "zh")
    rows = tuple(score([row.record for row in measured.rows], silent))
    found = summed_up(replace(measured, rows=rows), SPEC, silent, 0)
    metrics = found["cells"]["base+rag"]["metrics"]
    for name in (*JUDGED, "citation_precision", "citation_recall"):
        assert (metrics[name]["status"], metrics[name]["mean"]) == ("withheld", None), name
        assert metrics[name]["reason"].endswith("questions: not validated for zh"), name
    # All 24, also the fourth of them that is silent: silence alone would look free of hallucinations.
    assert metrics["hallucination_rate"]["reason"].startswith("no verdict on 24 of 24 questions")
    assert (metrics["correct"]["mean"], metrics["correct"]["n"]) == (0.5, 24)
    assert metrics["cited_rate"]["status"] == metrics["answer_rate"]["status"] == "ok"
    assert found["verdict"]["choice"] == "not measured"


def test_where_the_judge_is_silent_nothing_is_printed_as_its_figure(measured):
    silent = for_language(JUDGE, "zh")
    rows = tuple(score([row.record for row in measured.rows], silent))
    found = summed_up(replace(measured, rows=rows), SPEC, silent, 0)
    first, *_ = blocks(found)
    shown = {row[0]: dict(zip(first.header, row, strict=True)) for row in first.rows}
    for cell in CELLS:
        assert shown[cell]["correct"][0].isdecimal(), cell
        for metric in ("groundedness", "hallucination rate", "score"):
            assert shown[cell][metric].startswith("– ("), (cell, metric)
    assert "questions: not validated for zh" in plain(found)


def test_silence_is_not_judged_where_there_is_no_judge(measured):
    def hushed(row):
        answer = replace(row.record.answer, text="I don't know.", citations=())
        return replace(row.record, answer=answer) if row.record.cell == "tuned" else row.record

    records = [hushed(row) for row in measured.rows]
    judged = summed_up(replace(measured, rows=tuple(score(records, JUDGE))), SPEC, JUDGE, 0)
    assert judged["verdict"]["silent"] == ["tuned"]
    none = for_language(JUDGE, "zh")
    found = summed_up(replace(measured, rows=tuple(score(records, none))), SPEC, none, 0)
    assert (found["verdict"]["choice"], found["verdict"]["silent"]) == ("not measured", [])
