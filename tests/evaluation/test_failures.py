"""Every third judgement raises: nothing of it may become a number, in figures, rows, table or page."""

import json
import math
import re
from dataclasses import replace

import pytest

from hybrid.evaluation.columns import pick_columns
from hybrid.evaluation.failures import widened
from hybrid.evaluation.page.document import render
from hybrid.evaluation.results import Measured, row_json, summed_up
from hybrid.evaluation.scoring import JUDGED, AnswerRecord, score
from hybrid.evaluation.table import plain
from hybrid.generation.citations import resolve
from hybrid.generation.generator import Generation
from hybrid.judging.judge import Judgement
from hybrid.judging.overlap import OverlapJudge
from hybrid.records import Answer, Passage, Question, Status
from hybrid.specs import SuiteSpec

CELLS = ("base", "base+rag", "tuned", "tuned+rag")
SPEC = SuiteSpec(corpus="c", questions="q.jsonl", thresholds={"tuned+rag.groundedness": 0.0})
FROM_VERDICTS = {*JUDGED, "score"}
SAYS = ("{0} years [1]", "It has {0} years [1].", "99 years [1]", "{0} years", "I don't know.")


class EveryThird(OverlapJudge):
    """Raises on every third pair that it meets, whether alone or in company."""

    __slots__ = ("met",)

    def __init__(self):
        super().__init__()
        object.__setattr__(self, "met", {})

    def verdicts(self, pairs):
        if any(self.met.setdefault(pair, len(self.met)) % 3 == 0 for pair in pairs):
            raise TimeoutError("the judge is busy")
        return super().verdicts(pairs)


class NotTheSeventh(OverlapJudge):
    """Raises on whatever is about the X7: one question of forty."""

    def verdicts(self, pairs):
        if any("X7 " in evidence for _, evidence in pairs):
            raise TimeoutError("the judge is busy")
        return super().verdicts(pairs)


def passage(n):
    text = f"The X{n} has a warranty of {n} years."
    return Passage(id=n, document=f"d{n}", title="", text=text, start=0, end=len(text))


def record(n, cell):
    shown = (passage(n),) if "rag" in cell else ()
    found = resolve(SAYS[(n + len(cell)) % len(SAYS)].format(n), shown)
    answer = Answer(found.text, found.citations, shown, False, found.text)
    question = Question(f"q{n}", f"What warranty has the X{n}?", (f"{n} years",), group=f"g{n}")
    return AnswerRecord(question, cell, answer, (passage(n),), shown or None)


RECORDS = [record(n, cell) for cell in CELLS for n in range(1, 41)]


def run(judge):
    rows = tuple(score(RECORDS, judge))
    questions = tuple({row.record.question.id: row.record.question for row in rows}.values())
    costs = {cell: Generation((), 1.0, 1.0) for cell in CELLS}
    measured = Measured(rows, costs, questions, tuple(pick_columns(CELLS)), {})
    return rows, summed_up(measured, SPEC, judge, 0)


@pytest.fixture(scope="module")
def broken():
    return run(EveryThird())


@pytest.fixture(scope="module")
def whole():
    return run(OverlapJudge())


def failed(row):
    """Whether some verdict that the row's figures need is missing."""
    return any(each.pool.failed or (each.shown and each.shown.failed) for each in row.statements)


def test_a_row_with_a_missing_verdict_has_no_number_and_the_reason(broken):
    rows, _ = broken
    hit = [row for row in rows if failed(row)]
    assert 0.2 < len(hit) / len(rows) < 0.8
    for row in hit:
        for name in FROM_VERDICTS:
            value = row.metrics[name]
            if value.status is Status.JUDGE_ERROR:
                assert (value.value, value.reason) == (None, "TimeoutError: the judge is busy")
        assert Status.JUDGE_ERROR in {row.metrics[name].status for name in FROM_VERDICTS}
        assert row.outcome == "undecided"


def test_other_rows_are_what_they_would_be(broken, whole):
    for row, sound in zip(broken[0], whole[0], strict=True):
        for name, value in row.metrics.items():
            assert value.status is Status.JUDGE_ERROR or value == sound.metrics[name]


def test_figures_are_withheld_and_say_how_many_failed(broken):
    rows, results = broken
    for cell in CELLS:
        for name in FROM_VERDICTS:
            figure = results["cells"][cell]["metrics"][name]
            errors = sum(
                row.metrics[name].status is Status.JUDGE_ERROR for row in rows if row.record.cell == cell
            )
            assert figure["n_failed"] == errors
            if errors:
                assert (figure["status"], figure["mean"], figure["low"], figure["high"]) == (
                    "withheld",
                    *[None] * 3,
                )
                assert figure["reason"].endswith(
                    f"{errors + figure['n']} questions: TimeoutError: the judge is busy"
                )
    withheld = {cell for cell in CELLS if results["cells"][cell]["metrics"]["score"]["status"] == "withheld"}
    assert withheld == set(CELLS)


def test_effects_and_verdict_are_not_made_of_what_is_left(broken):
    _, results = broken
    for metrics in results["effects"].values():
        for name in ("score", "groundedness", "hallucination_rate"):
            assert (metrics[name]["status"], metrics[name]["mean"]) in {
                ("withheld", None),
                ("not_applicable", None),
            }
            assert metrics[name]["low_corrected"] is None and not metrics[name]["log_odds"]
    assert results["verdict"]["choice"] == "not measured"
    assert [threshold["passed"] for threshold in results["thresholds"]] == [False]


def test_what_needs_no_judge_is_measured_all_the_same(broken, whole):
    for cell in CELLS:
        found, sound = (results["cells"][cell]["metrics"] for _, results in (broken, whole))
        for name in ("correct", "answer_rate", "cited_rate", "recall_at_k"):
            assert found[name] == sound[name]


def test_results_rows_table_and_page_hold_no_nan_and_say_it(broken):
    rows, results = broken
    lines = [row_json(row, []) for row in rows]
    json.dumps([results, lines], allow_nan=False)
    first = plain(results).split("\n\n")[0].splitlines()
    header = [cell.strip() for cell in first[0].split("|")]
    for line in first[2:]:
        shown = dict(zip(header, [cell.strip() for cell in line.split("|")], strict=True))
        for name in ("score", "groundedness", "hallucination rate"):
            assert re.fullmatch(r"– \(\d+\)", shown[name]), (shown, name)
    page = render(results, lines)
    for text in (plain(results), page):
        assert re.search(r"no verdict on \d+ of \d+ questions: TimeoutError: the judge is busy", text)
        assert "NaN" not in text and "None" not in text
    assert "judge error: TimeoutError: the judge is busy" in page


def test_a_few_failures_widen_the_interval_over_all_that_they_could_be():
    # 0.2 to 0.4 over 19 questions; the twentieth is somewhere between 0 and 1.
    low, high = widened((0.2, 0.4), 19, 1, (0.0, 1.0))
    assert (low, high) == (pytest.approx(0.95 * 0.2), pytest.approx(0.95 * 0.4 + 0.05))
    assert widened((0.0, 1.0), 19, 1, (0.0, 1.0)) == (0.0, 1.0)


def test_few_failures_are_counted_and_bounded_in_every_figure(whole):
    few = run(NotTheSeventh())[1]
    for cell in CELLS:
        for name in FROM_VERDICTS:
            before, after = (found["cells"][cell]["metrics"][name] for found in (whole[1], few))
            assert after["status"] == before["status"]
            if after["n_failed"]:
                assert after["low"] <= before["mean"] <= after["high"]
                assert after["high"] - after["low"] > before["high"] - before["low"]
                assert "the judge failed on 1 of" in after["reason"]
        assert few["cells"][cell]["metrics"]["score"]["n_failed"] == 1
    before, after = (found["effects"]["retrieval"]["score"] for found in (whole[1], few))
    assert (after["n"], after["n_failed"], after["status"]) == (39, 1, "ok")
    assert after["low"] < before["mean"] < after["high"]
    assert after["reason"] == "the judge failed on 1 of 40 questions: the interval holds whatever they are"


@pytest.mark.parametrize(
    "nonsense",
    [
        Judgement("yes", 1.0),  # type: ignore[arg-type]
        Judgement("supported", math.nan),  # type: ignore[arg-type]
        Judgement(None, 1.0),
        None,
    ],
)
def test_a_judge_that_talks_nonsense_has_failed(nonsense):
    class Nonsense(OverlapJudge):
        def verdicts(self, pairs):
            return [nonsense for _ in pairs]

    (row,) = score([record(2, "base+rag")], Nonsense())
    assert row.metrics["groundedness"].status is Status.JUDGE_ERROR
    assert row.metrics["groundedness"].value is None


def test_a_verdict_may_be_said_as_a_plain_word():
    class Plain(OverlapJudge):
        def verdicts(self, pairs):
            return [
                replace(judgement, verdict=str(judgement.verdict)) for judgement in super().verdicts(pairs)
            ]

    (plain_row,), (row,) = score(RECORDS[:1], Plain()), score(RECORDS[:1], OverlapJudge())
    assert plain_row.metrics == row.metrics
