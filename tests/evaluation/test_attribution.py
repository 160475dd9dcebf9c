import pytest

from hybrid.evaluation.attribution import citation_pairs, citation_precision, citation_recall
from hybrid.judging.judge import Judgement, judge_all
from hybrid.records import Passage, Statement, Status, Value, Verdict

PASSAGES = {
    n: Passage(id=n, document="d", title="", text=text, start=0, end=len(text))
    for n, text in {1: "a", 2: "b", 3: "ab", 4: "c"}.items()
}


class Letters:
    """Supports a claim if the evidence holds each of its letters, and fails on a question mark."""

    name, digest, validated = "letters", "0", True

    def verdicts(self, pairs):
        if any("?" in claim for claim, _ in pairs):
            raise ValueError("?")
        return [
            Judgement(Verdict.SUPPORTED if set(claim) <= set(held) else Verdict.UNVERIFIABLE, None)
            for claim, held in pairs
        ]


def measure(*claims):
    statements = [Statement(claim, claim, cited) for claim, cited in claims]
    judgements = judge_all(Letters(), citation_pairs(statements, PASSAGES))
    return tuple(metric(statements, PASSAGES, judgements) for metric in (citation_recall, citation_precision))


@pytest.mark.parametrize(
    ("cited", "recall", "precision", "weight"),
    [
        ((1,), 0.0, 0.0, 1),
        ((3,), 1.0, 1.0, 1),
        ((1, 2), 1.0, 1.0, 2),  # neither suffices, each is needed
        ((3, 4), 1.0, 0.5, 2),  # 4 neither suffices nor is needed
        ((3, 3), 1.0, 1.0, 2),
        ((1, 2, 3), 1.0, 1 / 3, 3),  # 3 suffices, so that 1 and 2 are not needed
        ((1, 4), 0.0, 0.0, 2),
    ],
)
def test_one_statement(cited, recall, precision, weight):
    assert measure(("ab", cited)) == (Value(recall), Value(precision, weight=weight))


def test_the_weights_are_statements_and_citations():
    # recall: "a" and "ab" of 3 statements; precision: 1 and 3 are good, 4 is not, of 3 citations
    found = measure(("a", (1, 4)), ("ab", (3,)), ("b", ()))
    assert found == (Value(2 / 3, weight=3), Value(2 / 3, weight=3))


def test_without_citations_there_is_recall_but_no_precision():
    recall, precision = measure(("a", ()))
    assert (recall.value, precision.status) == (0.0, Status.NOT_APPLICABLE)


def test_without_statements_there_is_neither():
    assert [value.status for value in measure()] == [Status.NOT_APPLICABLE] * 2


def test_a_failed_judgement_fails_the_row():
    assert {value.status for value in measure(("a", (1,)), ("?", (2,)))} == {Status.JUDGE_ERROR}
