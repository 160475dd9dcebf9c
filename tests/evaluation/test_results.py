import random
from dataclasses import replace

import pytest

from hybrid.evaluation.judge import OverlapJudge
from hybrid.evaluation.results import Measured, row_json, summed_up, tabulated
from hybrid.evaluation.scoring import METRICS, AnswerRecord, score
from hybrid.generation.citations import resolve
from hybrid.generation.generator import Generation
from hybrid.records import Answer, Passage, Question
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
    return Measured(tuple(rows), costs, tuple(questions.values()), dict.fromkeys(questions, ()))


@pytest.fixture(scope="module")
def figures(measured):
    return summed_up(measured, SPEC, JUDGE, 0)


def test_the_order_of_rows_and_questions_changes_nothing(measured, figures):
    rows, questions = list(measured.rows), list(measured.questions)
    random.Random(0).shuffle(rows)
    random.Random(1).shuffle(questions)
    shuffled = replace(measured, rows=tuple(rows), questions=tuple(questions))
    assert summed_up(shuffled, SPEC, JUDGE, 0) == figures


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


def test_seen_and_unseen_are_summed_up_apart(measured):
    def moved(question):
        return replace(question, split="seen") if int(question.id[1:]) > 20 else question

    rows = tuple(
        replace(row, record=replace(row.record, question=moved(row.record.question))) for row in measured.rows
    )
    split = replace(measured, rows=rows, questions=tuple(map(moved, measured.questions)))
    found = summed_up(split, SPEC, JUDGE, 0)
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
    measured = Measured(tuple(rows), {}, (wrong.question,), {})
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
    assert line["metrics"]["correct"] == {"value": 1.0, "status": "ok", "reason": ""}
