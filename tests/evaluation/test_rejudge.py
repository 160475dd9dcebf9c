import json
from dataclasses import asdict, replace

import pytest

from hybrid.errors import BadInput, JudgeUnusable, RunError
from hybrid.evaluation.columns import columns_named
from hybrid.evaluation.rejudge import answer_record, judge_again
from hybrid.evaluation.report import Report, open_report
from hybrid.evaluation.results import Measured, row_json, summed_up
from hybrid.evaluation.scoring import AnswerRecord, score
from hybrid.generation.citations import resolve
from hybrid.generation.generator import Generation, Generator
from hybrid.judging.overlap import OverlapJudge
from hybrid.records import Answer, Gold, Passage, Question, Turn
from hybrid.specs import SuiteSpec

COLUMNS = ("base", "base+rag", "tuned", "tuned+rag", "few-shot+rag", "oracle/tuned+rag")
SPEC = SuiteSpec(
    corpus="c",
    questions="q.jsonl",
    hallucination_weight=0.5,
    thresholds={"base.correct": 0.1, "tuned+rag.hallucination_rate": 0.2},
)
SAYS = ("{0} years [1]", "It has {0} years [1][2]. It is blue [7].", "99 years", "{0} years", "I don't know.")
DECISION = ("assumptions", "costs", "effects_cost", "eight_questions")
TIMES = {"created", "judged_again"}


def passage(n):
    text = f"The X{n} has a warranty of {n} years."
    return Passage(n, f"d{n}", f"X{n}", text, 10 * n, 10 * n + len(text), "p. 1")


def question(n):
    if n == 25:
        return Question("bound", "Who leads?", (), answerable=False, gold=(Gold("d1", 10, 20),), kind="bound")
    known = {"answers": (f"{n} years",), "gold": (Gold(f"d{n}", 10 * n, 10 * n + 20), Gold("d1"))}
    if n % 6 == 0:
        known = {"answers": (), "answerable": False, "gold": ()}
    if n % 7 == 0:
        known = {"answers": None, "gold": None}
    history = (Turn("Hello?", "Yes."),) if n % 4 == 0 else ()
    tags = ("new",) if n % 3 == 0 else ()
    split = "seen" if n > 18 else "unseen"
    return Question(
        f"q{n}", f"Years of X{n}?", history=history, group=f"g{n // 2}", split=split, tags=tags, **known
    )


def record(n, cell):
    ranked = (passage(n + 1), passage(n), passage(n + 2)) if "rag" in cell else ()
    shown = ranked[:2]
    found = resolve(SAYS[(n + len(cell)) % len(SAYS)].format(n), shown)
    counts = {"phantom_markers": found.phantom_markers, "dropped_passages": len(ranked) - len(shown)}
    raw = found.text + " raw"
    answer = Answer(
        found.text, found.citations, shown, False, raw, **counts, prompt_tokens=n, output_tokens=3
    )
    pool = tuple(passage(n + more) for more in range(3))
    return AnswerRecord(
        question(n), cell, answer, pool, None if cell.startswith("oracle") else ranked or None
    )


@pytest.fixture
def ended(tmp_path):
    """A finished run of all kinds of columns and questions, made without a model."""
    asked = {cell: range(1, 26 if cell.startswith("oracle") else 25) for cell in COLUMNS}
    records = [record(n, cell) for cell in COLUMNS for n in asked[cell]]
    judge, columns = OverlapJudge(), tuple(columns_named(COLUMNS))
    rows = score(records, judge, hallucination_weight=0.5)
    questions = tuple(question(n) for n in range(1, 25))
    costs = {cell: Generation((), 1.25 * n, 100.0 + n) for n, cell in enumerate(COLUMNS)}
    gold = {row.record.question.id: (3, 1) for row in rows}
    results = summed_up(Measured(tuple(rows), costs, questions, columns, gold), SPEC, judge, 7, {"q1", "q2"})
    results["questions"] |= {"part": "test", "limit": None, "skipped": 0, "bound": 1}
    results |= {"suite": "s", "pipeline": "p", "power": "some", "retrieval": {"k": 3}}
    results["provenance"] = {
        "suite": SPEC.model_dump(mode="json"),
        "columns": list(COLUMNS),
        "seed": 7,
        "known": {"m": ["q1", "q2"]},
        "model": {"name": "m", "note": ""},
        "judge": judge.digest,
        "created": "2031-02-06T00:00:00Z",
    }
    lines = [row_json(row, gold[row.record.question.id]) for row in rows]
    return open_report(Report(results, lines).save(tmp_path / "run").folder)


def figures(report):
    """``results.json`` as it is read back, without what differs from run to run."""
    results = json.loads((report.folder / "results.json").read_text())
    # The run of these tests was summed up without them.
    for key in DECISION:
        results.pop(key, None)
    return results | {"provenance": {k: v for k, v in results["provenance"].items() if k not in TIMES}}


def test_the_same_judge_gives_the_same_figures_and_rows(ended, state_folder):
    again = judge_again(ended, OverlapJudge())
    assert figures(again) == figures(ended)
    assert open_report(again.folder).rows == ended.rows
    assert again.folder.parent == state_folder / "runs"


def test_a_run_of_the_main_job_is_judged_again_without_a_model(at_home, monkeypatch):
    monkeypatch.setattr(Generator, "__init__", None)
    ended = open_report(at_home.report.folder)
    again = judge_again(ended, OverlapJudge())
    assert figures(again) == figures(ended)
    assert open_report(again.folder).rows == ended.rows


def test_another_judge_is_named_and_changes_its_figures_alone(ended, tmp_path):
    lax = OverlapJudge(threshold=0.0, question_threshold=0.01)
    again = judge_again(ended, lax, out=tmp_path / "lax")
    before, after = figures(ended), figures(again)
    assert after["judge"]["digest"] == after["provenance"]["judge"] == lax.digest
    assert before["judge"]["digest"] == OverlapJudge().digest
    origin = again.results["provenance"]["judged_again"]
    assert origin["judge"]["digest"] == OverlapJudge().digest
    metrics = {cell: column["metrics"] for cell, column in after["cells"].items()}
    for cell, column in before["cells"].items():
        assert column["metrics"]["correct"] == metrics[cell]["correct"]
        assert column["metrics"]["seconds"] == metrics[cell]["seconds"]
    assert before["cells"]["base+rag"]["metrics"]["groundedness"] != metrics["base+rag"]["groundedness"]
    assert set(after) == set(before)


def test_a_suite_s_language_holds_here_too(ended, tmp_path):
    made = dict(ended.results["provenance"])
    made["suite"] = SuiteSpec(**made["suite"]).model_copy(update={"language": "zh"}).model_dump(mode="json")
    chinese = Report({**ended.results, "provenance": made}, ended.rows, ended.folder)
    found = judge_again(chinese, OverlapJudge(), out=tmp_path / "zh").results
    assert found["cells"]["base"]["metrics"]["groundedness"]["status"] == "withheld"
    assert found["judge"]["name"].endswith("not validated for zh")


def test_a_full_folder_is_not_written_over(ended, tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(RunError, match="not empty"):
        judge_again(ended, OverlapJudge(), out=tmp_path)
    with pytest.raises(RunError, match="run is not empty"):
        judge_again(ended, OverlapJudge(), out=ended.folder)


def test_a_judge_that_was_out_of_reach_is_asked_again_into_the_same_folder(ended, tmp_path):
    class Away(OverlapJudge):
        def verdicts(self, pairs):
            raise JudgeUnusable("nobody there")

    with pytest.raises(JudgeUnusable, match="nobody there"):
        judge_again(ended, Away(), out=tmp_path / "out")
    assert figures(judge_again(ended, OverlapJudge(), out=tmp_path / "out")) == figures(ended)


def test_rows_of_an_older_version_are_named(ended, tmp_path):
    rows = [dict(row) for row in ended.rows]
    del rows[2]["gold_spans"]
    with pytest.raises(BadInput, match=r"rows.jsonl:3: .*'gold_spans' is missing"):
        judge_again(replace(ended, rows=rows), OverlapJudge(), out=tmp_path / "out")
    assert not (tmp_path / "out").exists()
    with pytest.raises(BadInput, match="provenance has no 'columns'"):
        judge_again(replace(ended, results={**ended.results, "provenance": {"suite": {}}}), OverlapJudge())


def test_a_row_gives_back_the_passages_and_spans_that_were_scored(ended):
    for row, line in zip(ended.rows, map(asdict, map(given_back, ended.rows)), strict=True):
        n = 25 if row["question_id"] == "bound" else int(row["question_id"][1:])
        wanted = record(n, row["cell"])
        settled = replace(wanted.answer, abstained=row["abstained"])
        assert line == asdict(replace(wanted, answer=settled))


def given_back(row):
    return answer_record(row, "")
