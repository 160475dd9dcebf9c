import math

import pytest

from hybrid.errors import JudgeUnusable
from hybrid.judging.judge import Judgement
from hybrid.judging.labels import judgement, probabilities, read_labels
from hybrid.records import Verdict

YES, NO, NEITHER = Verdict.SUPPORTED, Verdict.CONTRADICTED, Verdict.UNVERIFIABLE


@pytest.mark.parametrize(
    ("told", "labels"),
    [
        (["CONTRADICTION", "NEUTRAL", "ENTAILMENT"], (NO, NEITHER, YES)),
        (["entailment", "not_entailment"], (YES, NEITHER)),
        (["SUPPORTS", "REFUTES", "NOT ENOUGH INFO"], (YES, NO, NEITHER)),
        (["hallucinated", "consistent"], (NEITHER, YES)),
        (["LABEL_0", "LABEL_1"], (NEITHER, YES)),
        (["anything"], (YES,)),
    ],
)
def test_labels_are_read_by_their_names(told, labels):
    assert read_labels(told, "m") == labels


@pytest.mark.parametrize(
    "told", [["NEGATIVE", "POSITIVE"], ["LABEL_0", "LABEL_1", "LABEL_2"], ["neutral", "contradiction"]]
)
def test_labels_of_another_task_are_refused(told):
    with pytest.raises(JudgeUnusable, match=f"m is no judge of statements: its labels are {', '.join(told)}"):
        read_labels(told, "m")


def test_probabilities_are_a_softmax_over_all_outputs():
    found = probabilities([0.0, math.log(2), math.log(5)], (NO, NEITHER, YES))
    assert found == {NO: pytest.approx(1 / 8), NEITHER: pytest.approx(2 / 8), YES: pytest.approx(5 / 8)}
    assert probabilities([5000.0, 0.0], (YES, NEITHER))[YES] == 1.0


def test_a_single_output_is_a_logit():
    assert probabilities([math.log(3)], (YES,)) == {YES: pytest.approx(3 / 4)}
    assert probabilities([-5000.0], (YES,))[YES] == pytest.approx(0)


@pytest.mark.parametrize(
    ("windows", "verdict", "score"),
    [
        ([{YES: 0.2, NO: 0.1}, {YES: 0.6, NO: 0.1}], YES, 0.6),
        ([{YES: 0.2, NO: 0.7}, {YES: 0.6, NO: 0.1}], YES, 0.6),  # one window contradicts, another supports
        ([{YES: 0.2, NO: 0.7}, {YES: 0.3, NO: 0.1}], NO, 0.3),
        ([{YES: 0.2, NO: 0.4}, {YES: 0.3, NO: 0.1}], NEITHER, 0.3),
        ([{YES: 0.1}], NEITHER, 0.1),
    ],
)
def test_the_best_window_decides(windows, verdict, score):
    assert judgement(windows) == Judgement(verdict, score)


def test_what_is_no_number_has_failed():
    assert judgement([{YES: math.nan}]).failed
