import numpy as np
import pytest

from hybrid.judging.judge import Judgement
from hybrid.judging.pairs import LabelledPair
from hybrid.judging.validate import (
    auc,
    auc_difference,
    balanced_accuracy,
    best_threshold,
    calibration_error,
    validate,
)
from hybrid.records import Verdict

LABEL = np.array([True, True, False, False])


class Scripted:
    """Scores a claim by the number that it is; "x" fails."""

    name, digest, validated, languages, threshold = "scripted", "0", True, frozenset(), 0.5

    def verdicts(self, pairs):
        return [self._judgement(claim) for claim, _ in pairs]

    def _judgement(self, claim):
        if claim == "x":
            return Judgement(None, None, "no")
        score = float(claim)
        return Judgement(Verdict.SUPPORTED if score >= 0.5 else Verdict.UNVERIFIABLE, score)


def test_auc_is_the_share_of_ordered_pairs_and_ties_count_half():
    # Of the four (supported, other) pairs 0.9>0.2, 0.9>0.5, 0.5>0.2 are ordered and 0.5=0.5 is tied: 3.5 / 4.
    assert auc(np.array([0.9, 0.5, 0.2, 0.5]), LABEL) == 3.5 / 4


def test_the_difference_of_a_score_to_itself_is_nothing():
    score = np.array([0.9, 0.5, 0.2, 0.5])
    assert auc_difference(score, score, LABEL) == {"mean": 0.0, "low": 0.0, "high": 0.0}


def test_the_difference_of_two_scores_is_that_of_their_aucs():
    rng = np.random.default_rng(0)
    label = rng.random(400) < 0.4
    good, poor = label + rng.normal(size=400), 0.2 * label + rng.normal(size=400)
    found = auc_difference(good, poor, label)
    assert found["mean"] == pytest.approx(auc(good, label) - auc(poor, label))
    assert 0 < found["low"] < found["mean"] < found["high"]


def test_balanced_accuracy_weighs_both_labels_the_same():
    # One of two supported found, both others rejected: (1/2 + 1) / 2.
    assert balanced_accuracy(np.array([True, False, False, False]), LABEL) == 0.75


def test_the_best_threshold_does_not_part_equal_scores():
    assert best_threshold(np.array([0.9, 0.5, 0.5, 0.1]), LABEL) in (0.9, 0.5)
    assert best_threshold(np.array([0.9, 0.7, 0.6, 0.1]), LABEL) == 0.7


def test_calibration_error_is_the_mean_distance_of_score_and_share():
    score = np.repeat([0.2, 0.8], 50)
    label = np.concatenate([np.arange(50) < 10, np.arange(50) < 30])
    # By bins of ten in their order; the sum of distances stays at least |0.2 − 0.2| and |0.8 − 0.6| apart.
    assert 0.1 <= calibration_error(score, label) <= 1
    assert calibration_error(np.array([1.0, 0.0] * 20), np.array([True, False] * 20)) == 0.0


def test_failed_and_unlabelled_pairs_are_counted_and_left_out():
    pairs = [
        LabelledPair("0.9", ("a",), True),
        LabelledPair("0.6", ("a",), False),
        LabelledPair("0.1", ("a",), False),
        LabelledPair("x", ("a",), True),
        LabelledPair("0.2", ("a",), None),
    ]
    found = validate(Scripted(), pairs)
    assert (found["n"], found["n_supported"], found["n_failed"]) == (3, 1, 2)
    assert found["auc"] == 1.0
    # The supported one found, one of two others rejected: (1 + 1/2) / 2.
    assert found["balanced_accuracy"] == 0.75
    assert found["best_threshold_balanced_accuracy"] == 1.0
    assert (found["threshold"], found["judge"], found["judge_digest"]) == (0.5, "scripted", "0")


def test_with_one_label_only_nothing_can_be_compared():
    found = validate(Scripted(), [LabelledPair("0.9", ("a",), True)])
    assert found["auc"] is None and found["n"] == 1
