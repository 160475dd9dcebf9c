from dataclasses import replace

import pytest

from hybrid.evaluation.outcomes import Outcome
from hybrid.evaluation.scoring import BINARY, METRICS, AnswerRecord, score
from hybrid.generation.citations import resolve
from hybrid.judging.overlap import OverlapJudge
from hybrid.records import Answer, Gold, Passage, Question, Status

TEXTS = ("The X100 has a warranty of five years.", "The X200 has a warranty of two years.")
FIVE, TWO = (
    Passage(id=n, document=f"d{n}", title="", text=text, start=0, end=len(text))
    for n, text in enumerate(TEXTS, 1)
)
QUESTION = Question(
    id="q", text="What warranty has the X100?", answers=("five years",), gold=(Gold("d1", 0, 38),), group="g"
)
UNANSWERABLE = Question(id="u", text="Who leads it?", answers=(), answerable=False, gold=())


def record(raw, shown=(), question=QUESTION, cell="base+rag", pool=(FIVE, TWO)):
    found = resolve(raw, shown)
    answer = Answer(found.text, found.citations, tuple(shown), False, raw, found.phantom_markers)
    return AnswerRecord(question, cell, answer, pool, tuple(shown) if "rag" in cell else None)


def one(*args, judge=None, **kwargs):
    (row,) = score([record(*args, **kwargs)], judge or OverlapJudge())
    return row


def figures(row):
    return {name: value.value for name, value in row.metrics.items() if value.status is Status.OK}


def test_every_row_has_every_metric():
    row = one("five years [1]", [FIVE])
    assert tuple(row.metrics) == METRICS
    assert all(row.metrics[name].value in {0.0, 1.0, None} for name in BINARY)


def test_a_right_and_cited_answer():
    row = one("It has five years [1]. [9]", [FIVE, TWO])
    assert row.outcome is Outcome.SUPPORTED
    assert figures(row) == {
        "correct": 1.0,
        "exact_match": 0.0,
        "token_f1": pytest.approx(2 / 3),  # shared 2; precision 2/4, recall 2/2: 2·2 / (4 + 2)
        "score": 1.0,
        "groundedness": 1.0,
        "faithfulness_shown": 1.0,
        "hallucination_rate": 0.0,
        "hallucination_rate_answered": 0.0,
        "citation_precision": 1.0,
        "citation_recall": 1.0,
        "cited_rate": 1.0,
        "phantom_citation_rate": 1.0,
        "answer_rate": 1.0,
        "false_abstention": 0.0,
        "false_abstention_gold_shown": 0.0,
        "recall_at_k": 1.0,
        "mrr": 1.0,
    }


def test_the_pool_also_judges_a_cell_without_retrieval():
    row = one("five years", cell="base")
    assert row.outcome is Outcome.FROM_MEMORY
    assert row.statements[0].shown is None
    assert figures(row)["groundedness"] == 1.0
    for name in ("faithfulness_shown", "citation_recall", "cited_rate", "recall_at_k", "mrr"):
        assert row.metrics[name].status is Status.NOT_APPLICABLE
    assert row.metrics["false_abstention_gold_not_shown"].status is Status.NOT_APPLICABLE


def test_a_hallucination_costs_its_weight():
    (row,) = score([record("nine years", cell="base")], OverlapJudge(), hallucination_weight=0.5)
    assert row.outcome is Outcome.HALLUCINATED
    assert (figures(row)["hallucination_rate"], figures(row)["score"]) == (1.0, -0.5)


def test_a_wrong_answer_from_a_passage_is_misled():
    # Overlap takes "two years" for the X100 from the passage of the X200.
    assert one("two years", [FIVE, TWO]).outcome is Outcome.MISLED


def test_a_wrong_abstention():
    row = one("I don't know.", [TWO, FIVE])
    assert row.outcome is Outcome.WRONG_ABSTENTION
    assert row.record.answer.abstained
    assert row.metrics["groundedness"].status is Status.ABSTAINED
    assert row.metrics["cited_rate"].status is Status.ABSTAINED
    assert row.metrics["hallucination_rate_answered"].status is Status.ABSTAINED
    found = figures(row)
    assert (found["correct"], found["token_f1"], found["score"], found["hallucination_rate"]) == (0, 0, 0, 0)
    assert (found["answer_rate"], found["false_abstention"], found["mrr"]) == (0.0, 1.0, 0.5)
    assert found["false_abstention_gold_shown"] == 1.0
    assert "false_abstention_gold_not_shown" not in found
    assert figures(one("I don't know.", [TWO]))["false_abstention_gold_not_shown"] == 1.0


def test_an_unanswerable_question():
    silent = one("I don't know.", [FIVE], question=UNANSWERABLE)
    assert silent.outcome is Outcome.RIGHT_ABSTENTION
    assert (figures(silent)["score"], figures(silent)["abstention_recall"]) == (1.0, 1.0)
    assert silent.metrics["correct"].status is silent.metrics["recall_at_k"].status is Status.NOT_APPLICABLE
    loud = one("Ann Smith", [FIVE], question=UNANSWERABLE)
    assert loud.outcome is Outcome.HALLUCINATED
    assert (figures(loud)["score"], figures(loud)["abstention_recall"]) == (-1.0, 0.0)


def test_an_empty_answer_is_wrong_but_claims_nothing():
    row = one("", [FIVE])
    found = figures(row)
    assert (found["correct"], found["hallucination_rate"], found["score"], found["answer_rate"]) == (
        0,
        0,
        0,
        1,
    )
    assert row.metrics["groundedness"].status is Status.NOT_APPLICABLE


@pytest.mark.parametrize("raw", ["five years", "I don't know."])
def test_without_references_correctness_is_not_applicable(raw):
    row = one(raw, [FIVE], question=replace(QUESTION, answers=None, gold=None))
    for name in ("correct", "exact_match", "token_f1", "score", "recall_at_k"):
        assert row.metrics[name].status is Status.NOT_APPLICABLE


def test_without_a_pool_there_is_nothing_to_judge_by():
    row = one("five years", cell="base", pool=())
    for name in ("score", "groundedness", "hallucination_rate"):
        assert row.metrics[name].status is Status.NOT_APPLICABLE


class Flaky(OverlapJudge):
    """Raises on every claim that holds the word five."""

    def verdicts(self, pairs):
        if any("five" in claim for claim, _ in pairs):
            raise TimeoutError("five")
        return super().verdicts(pairs)


def test_a_judge_that_fails_gives_no_number():
    records = [record("five years [1]", [FIVE]), record("two years [1]", [TWO], cell="tuned+rag")]
    failed, fine = score(records, Flaky())
    judged = ["score", "groundedness", "faithfulness_shown", "hallucination_rate", "citation_recall"]
    for name in (*judged, "hallucination_rate_answered", "citation_precision"):
        assert failed.metrics[name].status is Status.JUDGE_ERROR
        assert failed.metrics[name].reason == "TimeoutError: five"
        assert fine.metrics[name].status is Status.OK
    assert failed.metrics["correct"].value == 1.0
    assert failed.outcome is Outcome.UNDECIDED


def test_rows_keep_the_order_of_records_and_repeat_nothing():
    records = [record("five years", cell=cell) for cell in ("tuned", "base")]
    assert [row.record.cell for row in score(records, OverlapJudge())] == ["tuned", "base"]
    with pytest.raises(ValueError, match="same question and cell"):
        score([records[0], records[0]], OverlapJudge())
