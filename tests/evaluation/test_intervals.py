import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from hybrid.evaluation.intervals import linear_effect, log_odds_effect, paired_difference, summarise
from hybrid.records import Status, Value


def column(*values, weights=None):
    pairs = zip(values, weights or [1.0] * len(values), strict=True)
    return {f"q{i}": Value(v, weight=w) for i, (v, w) in enumerate(pairs)}


def alone(n):
    return {f"q{i}": f"g{i}" for i in range(n)}


def failed():
    return Value(None, Status.JUDGE_ERROR, "no verdict")


def test_a_mean_is_weighted():
    # (0.5·4 + 1·1) / (4 + 1) = 3 / 5
    assert summarise(column(0.5, 1.0, weights=[4, 1]), alone(2), binary=False).mean == pytest.approx(0.6)


def test_a_binary_mean_has_wilson_s_interval_with_t():
    # p = 5/20; jackknife variance p(1−p)/19, so n = 19 independent rows
    shown = summarise(column(*[1.0] * 5, *[0.0] * 15), alone(20), binary=True)
    t, p, n = stats.t.ppf(0.975, 19), 0.25, 19
    half = t * math.sqrt(p * (1 - p) / n + t * t / (4 * n * n)) / (1 + t * t / n)
    centre = (p + t * t / (2 * n)) / (1 + t * t / n)
    assert (shown.low, shown.high) == pytest.approx((centre - half, centre + half))


def test_a_column_without_variance_has_an_interval():
    shown = summarise(column(*[0.0] * 20), alone(20), binary=True)
    # Wilson at p = 0: t² / (n + t²), t = 2.093 with 19 degrees of freedom: 4.381 / 24.381
    assert shown.low == 0
    assert shown.high == pytest.approx(0.1797, abs=1e-4)


def test_unbounded_values_have_a_t_interval():
    # mean 6, variance of the mean 4/3 · … : values 2, 4, 12 → s² = 28, s²/3 = 9.333, t(2) = 4.303
    shown = summarise(column(2.0, 4.0, 12.0), alone(3), binary=False)
    assert shown.high == pytest.approx(6 + 4.30265 * math.sqrt(28 / 3), abs=1e-4)


def test_a_score_below_zero_uses_its_bounds():
    shown = summarise(column(*[-1.0] * 10), alone(10), binary=False, bounds=(-1, 1))
    assert shown.low == -1
    assert -1 < shown.high < 0


def test_equal_questions_of_a_group_count_once():
    values = column(*[1.0, 1.0, 0.0, 0.0] * 10)
    apart = summarise(values, alone(40), binary=True)
    together = summarise(values, {f"q{i}": f"g{i // 2}" for i in range(40)}, binary=True)
    assert together.high - together.low > 1.3 * (apart.high - apart.low)


def test_groups_that_balance_earn_no_extra_questions():
    values = column(*[1.0, 0.0] * 19, 1.0, 1.0)
    shown = summarise(values, {f"q{i}": f"g{i // 2}" for i in range(40)}, binary=True)
    # 40 questions of 52 %: about ± 15 points; the groups' means alone would give ± 5
    assert shown.high - shown.low > 0.28


def test_few_groups_are_named():
    assert "few groups (4)" in summarise(column(1, 0, 1, 0), alone(4), binary=True).reason
    assert summarise(column(*[1, 0] * 10), alone(20), binary=True).reason == ""


def test_one_group_is_taken_apart_and_said():
    shown = summarise(column(1, 0, 1, 0), dict.fromkeys(alone(4), "g"), binary=True)
    assert "one group" in shown.reason
    assert shown.high < 1


def test_one_question_has_the_widest_difference():
    shown = paired_difference(column(0), column(1), alone(1), binary=True)
    assert (shown.mean, shown.low, shown.high) == (1, -1, 1)


def test_one_unbounded_question_has_no_interval():
    shown = summarise(column(42.0), alone(1), binary=False)
    assert (shown.mean, shown.low, shown.status) == (42, None, "ok")


def test_more_than_a_twentieth_failed_is_withheld():
    values = column(*[1.0] * 18) | {"x": failed(), "y": failed()}
    shown = summarise(values, {}, binary=True)
    assert (shown.status, shown.mean, shown.n_failed) == ("withheld", None, 2)
    assert shown.reason == "no verdict on 2 of 20 questions: no verdict"


def test_a_withheld_figure_tells_the_commonest_reason_of_the_failures():
    reasons = ["lost", "busy", "busy"]
    values = column(1.0) | {f"x{i}": Value(None, Status.JUDGE_ERROR, why) for i, why in enumerate(reasons)}
    values |= {f"y{i}": Value(None, Status.NOT_APPLICABLE, "no pool") for i in range(5)}
    assert summarise(values, {}, binary=True).reason == "no verdict on 3 of 4 questions: busy"


def test_a_twentieth_failed_is_reported():
    shown = summarise(column(*[1.0] * 19) | {"x": failed()}, {}, binary=True)
    assert (shown.status, shown.mean, shown.n, shown.n_failed) == ("ok", 1, 19, 1)


def test_no_value_is_not_zero():
    values = {"a": Value(None, Status.NOT_APPLICABLE, "no references"), "b": Value(None, Status.ABSTAINED)}
    shown = summarise(values, {}, binary=True)
    assert (shown.status, shown.mean, shown.n_not_applicable) == ("not_applicable", None, 2)
    assert shown.reason == "no references"


def test_a_difference_is_joined_by_id():
    a = {"x": Value(0.0), "y": Value(1.0), "only-a": Value(1.0)}
    b = {"y": Value(1.0), "x": Value(1.0), "only-b": Value(0.0)}
    shown = paired_difference(a, b, {}, binary=True)
    # x: 1 − 0, y: 1 − 1
    assert (shown.mean, shown.n, shown.n_not_applicable) == (0.5, 2, 2)


def test_a_binary_difference_has_bonett_and_price_s_interval():
    # 30 pairs: 8 better, 2 worse. Centre 6/32. Variance: jackknife (10/30 − 0.2²)/29, and two added rows.
    a, b = column(*[0.0] * 8, *[1.0] * 2, *[0.0] * 20), column(*[1.0] * 8, *[0.0] * 22)
    shown = paired_difference(a, b, alone(30), binary=True)
    p, q = 3 / 32, 9 / 32
    added = (p**2 + (1 - p) ** 2 + q**2 + (1 - q) ** 2) / 32**2
    half = stats.t.ppf(0.975, 29) * math.sqrt((10 / 30 - 0.04) / 29 + added)
    assert (shown.mean, shown.low, shown.high) == pytest.approx((0.2, 6 / 32 - half, 6 / 32 + half))


def test_four_columns_get_half_a_success_and_half_a_failure_each():
    # 30 questions, nothing right anywhere but in d: 3 of 30. Totals 31; rates 0.5/31 and 3.5/31.
    none, some = column(*[0.0] * 30), column(*[1.0] * 3, *[0.0] * 27)
    weights = {"a": 1.0, "b": -1.0, "c": -1.0, "d": 1.0}
    shown = linear_effect({"a": none, "b": none, "c": none, "d": some}, weights, alone(30), binary=True)
    p, q = 0.5 / 31, 3.5 / 31
    added = 0.5 * (3 * (p**2 + (1 - p) ** 2) + q**2 + (1 - q) ** 2) / 31**2
    half = stats.t.ppf(0.975, 29) * math.sqrt(0.1 * 0.9 / 29 + added)
    assert (shown.low, shown.high) == pytest.approx((3 / 31 - half, 3 / 31 + half))


def test_equal_columns_still_have_a_width():
    same = column(*[1.0] * 20)
    for binary in (True, False):
        shown = paired_difference(same, same, alone(20), binary=binary)
        assert -0.25 < shown.low < -0.05 < 0 < shown.high


def test_equal_token_counts_have_none():
    shown = paired_difference(column(300.0, 300.0), column(310.0, 310.0), alone(2), binary=False)
    assert (shown.mean, shown.low, shown.high) == (10, 10, 10)


def test_an_interaction_of_four_columns():
    cells = {"a": column(0, 0), "b": column(1, 0), "c": column(0, 1), "d": column(1, 1)}
    weights = {"a": 1.0, "b": -1.0, "c": -1.0, "d": 1.0}
    # 0 − 0.5 − 0.5 + 1
    assert linear_effect(cells, weights, alone(2), binary=True).mean == 0


def test_micro_averages_are_ratios_in_each_column():
    a, b = column(0.0, 1.0, weights=[1, 3]), column(1.0, 0.5, weights=[2, 2])
    # b: (1·2 + 0.5·2)/4 = 0.75; a: (0 + 3)/4 = 0.75
    assert paired_difference(a, b, alone(2), binary=False).mean == pytest.approx(0)


def test_a_column_that_is_missing():
    shown = linear_effect({"a": column(1.0)}, {"a": -1.0, "b": 1.0}, {}, binary=True)
    assert (shown.status, shown.reason) == ("not_applicable", "not measured")


def test_log_odds_with_half_added():
    a, b = column(*[0.0] * 10), column(*[1.0] * 5, *[0.0] * 5)
    shown = log_odds_effect({"a": a, "b": b}, {"a": -1.0, "b": 1.0}, alone(10))
    # logit(5.5/11) − logit(0.5/11) = 0 − ln(0.5/10.5)
    assert shown.mean == pytest.approx(math.log(21))
    assert math.isfinite(shown.low)
    assert shown.low < shown.mean < shown.high


binary_columns = st.lists(st.tuples(st.booleans(), st.booleans(), st.integers(0, 5)), min_size=1, max_size=40)


@given(binary_columns)
def test_intervals_hold_their_mean_and_ignore_the_order(rows):
    groups = {f"q{i}": f"g{g}" for i, (_, _, g) in enumerate(rows)}
    a = {f"q{i}": Value(float(x)) for i, (x, _, _) in enumerate(rows)}
    b = {f"q{i}": Value(float(y)) for i, (_, y, _) in enumerate(rows)}
    shown = summarise(a, groups, binary=True)
    assert 0 <= shown.low <= shown.mean <= shown.high <= 1
    effect = paired_difference(a, b, groups, binary=True)
    assert -1 <= effect.low <= effect.mean <= effect.high <= 1
    turned = paired_difference(dict(reversed(a.items())), dict(reversed(b.items())), groups, binary=True)
    assert turned == effect
