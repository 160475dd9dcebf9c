import pytest

from hybrid.evaluation.outcomes import Outcome, outcome
from hybrid.judging.judge import Judgement
from hybrid.records import Verdict

JUDGED = {
    "+": Judgement(Verdict.SUPPORTED, 1.0),
    "-": Judgement(Verdict.UNVERIFIABLE, 0.0),
    "?": Judgement(None, None, "failed"),
}


def of(correct=False, shown="", pool="", abstained=False, answerable=True):
    return outcome(
        abstained=abstained,
        answerable=answerable,
        correct=correct,
        shown=[JUDGED[sign] for sign in shown],
        pool=[JUDGED[sign] for sign in pool],
    )


def test_abstentions():
    assert of(abstained=True, answerable=False, correct=True) is Outcome.RIGHT_ABSTENTION
    assert of(abstained=True, correct=None, pool="?") is Outcome.WRONG_ABSTENTION


@pytest.mark.parametrize(
    ("correct", "shown", "pool", "expected"),
    [
        (False, "++", "++", Outcome.MISLED),
        (False, "+-", "++", Outcome.HALLUCINATED),
        (False, "", "+", Outcome.HALLUCINATED),
        (False, "", "", Outcome.HALLUCINATED),
        (True, "++", "+-", Outcome.SUPPORTED),
        (True, "+-", "+-", Outcome.WITH_UNSUPPORTED_PARTS),
        (True, "-", "+", Outcome.FROM_MEMORY),
        (True, "", "+", Outcome.FROM_MEMORY),
        (None, "+", "+", Outcome.UNDECIDED),
        (True, "+?", "++", Outcome.UNDECIDED),
        (False, "", "?", Outcome.UNDECIDED),
    ],
)
def test_answers(correct, shown, pool, expected):
    assert of(correct, shown, pool) is expected
