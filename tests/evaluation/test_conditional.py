import pytest

from hybrid.evaluation.conditional import LEAST, conditional_rate, unless_few
from hybrid.records import Value


def rate(n, right):
    return conditional_rate({f"q{i}": Value(float(i < right)) for i in range(n)}, {}, "known")


@pytest.mark.parametrize(("n", "status"), [(LEAST - 1, "withheld"), (LEAST, "ok")])
def test_a_rate_needs_thirty_questions(n, status):
    assert (rate(n, 3)["status"], rate(n, 3)["n"]) == (status, n)


def test_what_is_withheld_has_a_reason_and_no_figure():
    assert (rate(40, 10)["mean"], rate(40, 10)["reason"]) == (0.25, "")
    few = rate(4, 1)
    assert (few["mean"], few["low"], few["high"]) == (None, None, None)
    assert few["reason"] == "4 questions are known; at least 30 are needed"


def test_the_reason_of_a_failed_judge_is_kept():
    failed = {"n": 3, "status": "withheld", "reason": "no verdict on 9 of 12 questions"}
    assert unless_few(failed, "were answered") == failed
