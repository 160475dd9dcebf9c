import numpy as np
import pytest

from hybrid.evaluation.intervals import summarise
from hybrid.evaluation.prediction_powered import Judged, difference, supported_share
from hybrid.records import Value


def claims(*triples):
    """Claims of a group each: judge, label, how often."""
    return [Judged(f"g{n}", count, judge, label) for n, (judge, label, count) in enumerate(triples)]


def test_the_judge_s_surplus_over_all_corrects_the_labels():
    # Labelled: people 2/4, judge 3/4. All: judge 5/8. People's moves go with the judge's, so 0 < λ < 1.
    share = supported_share(
        claims((1, 1, 1), (1, 1, 1), (1, 0, 1), (0, 0, 1), *[(1, None, 1)] * 2, *[(0, None, 1)] * 2)
    )
    assert 0 < share.tuning <= 1
    assert share.mean == pytest.approx(2 / 4 - share.tuning * (3 / 4 - 5 / 8))
    assert share.n == 4


def test_a_judge_that_is_always_right_counts_fully():
    share = supported_share(claims(*[(1, 1, 1)] * 6, *[(0, 0, 1)] * 4, *[(1, None, 1)] * 10))
    # Of 20 the judge supports 16, and it has never erred.
    assert (share.tuning, share.mean) == (pytest.approx(1), pytest.approx(16 / 20))


def test_a_judge_that_tells_nothing_is_left_out():
    share = supported_share(claims(*[(1, 1, 1), (1, 0, 1), (0, 1, 1), (0, 0, 1)] * 3, *[(1, None, 1)] * 30))
    assert (share.tuning, share.mean) == (pytest.approx(0, abs=1e-9), pytest.approx(1 / 2))


def test_claims_weigh_by_how_often_they_occur_and_how_seldom_they_are_drawn():
    labelled = [
        Judged("a", 1, 1, 1, chance=0.5),
        Judged("b", 1, 1, 0, chance=1.0),
        Judged("c", 3, 1, 1, chance=1.0),
    ]
    # The judge says the same of all, so the labels stand alone: (2·1 + 1·0 + 3·1) ÷ 6.
    assert supported_share(labelled).mean == pytest.approx(5 / 6)


def test_without_errors_the_interval_is_that_of_as_many_labels():
    share = supported_share(claims(*[(1, 1, 1)] * 20, *[(1, None, 1)] * 200))
    assert share.mean == share.high == 1
    # Wilson with 20 successes of 20 and t(19) = 2.093: 1 / (1 + 2.093² / 20) = 0.820.
    assert share.low == pytest.approx(0.820, abs=0.001)


def test_labels_of_one_group_allow_no_interval():
    assert supported_share([Judged("g", 1, 1, 1), Judged("g", 1, 0, 0), Judged("h", 1, 1)]) is None


def test_a_difference_is_paired_by_group():
    cell = claims(*[(1, 1, 1), (0, 0, 1), (1, 0, 1)] * 6, *[(1, None, 1)] * 20)
    share = supported_share(cell)
    alone = difference({"a": share, "b": share}, {"a": -1.0, "b": 1.0})
    assert alone.mean == 0
    # The same groups moving alike cancel; independent ones would have √2 times the interval of one.
    assert alone.high - alone.low < 0.5 * (share.high - share.low)


def experiment(rng, *, rate, true_positive, false_positive, groups=40, labelled=60):
    """Statements in groups of four that are alike, and a judge with known errors."""
    group = np.repeat(np.arange(groups), 4)
    truth = rng.random(len(group)) < rng.beta(4 * rate, 4 * (1 - rate), groups)[group]
    judge = np.where(truth, rng.random(len(group)) < true_positive, rng.random(len(group)) < false_positive)
    read = set(rng.permutation(len(group))[:labelled].tolist())
    return [
        Judged(f"g{g}", 1, float(f), float(y) if n in read else None)
        for n, (g, y, f) in enumerate(zip(group, truth, judge, strict=True))
    ]


def covered(low, truth, high):
    return low <= truth <= high


@pytest.mark.parametrize(
    ("rate", "true_positive", "false_positive"), [(0.6, 0.9, 0.4), (0.3, 0.6, 0.0), (0.9, 0.8, 0.5)]
)
def test_the_interval_holds_the_truth_where_that_of_the_biased_judge_does_not(
    rate, true_positive, false_positive
):
    rng = np.random.default_rng(1)
    draws = 250
    corrected = naive = 0
    for _ in range(draws):
        cell = experiment(rng, rate=rate, true_positive=true_positive, false_positive=false_positive)
        share = supported_share(cell)
        corrected += covered(share.low, rate, share.high)
        alone = summarise(
            {str(n): Value(claim.judge) for n, claim in enumerate(cell)},
            {str(n): claim.group for n, claim in enumerate(cell)},
            binary=True,
        )
        naive += covered(alone.low, rate, alone.high)
    assert 0.91 <= corrected / draws <= 0.99
    assert naive / draws < 0.7


def test_a_difference_of_cells_is_found_where_the_judge_sees_none():
    # Truly 0.8 against 0.4; a judge that lets more pass in the second cell sees 0.76 and 0.76.
    rng = np.random.default_rng(2)
    draws, hits = 150, 0
    for _ in range(draws):
        a = supported_share(experiment(rng, rate=0.8, true_positive=0.9, false_positive=0.2))
        b = supported_share(experiment(rng, rate=0.4, true_positive=0.9, false_positive=0.667))
        found = difference({"a": a, "b": b}, {"a": -1.0, "b": 1.0})
        hits += covered(found.low, -0.4, found.high)
    assert 0.91 <= hits / draws <= 0.99


def test_the_tuned_judge_makes_the_interval_shorter_than_labels_alone():
    rng = np.random.default_rng(3)
    cell = experiment(rng, rate=0.6, true_positive=0.98, false_positive=0.05)
    by_labels = [Judged(claim.group, 1, 0.0, claim.label) for claim in cell]
    with_judge, alone = supported_share(cell), supported_share(by_labels)
    assert with_judge.high - with_judge.low < 0.85 * (alone.high - alone.low)
