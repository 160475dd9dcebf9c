import pytest

from hybrid.evaluation.power import INTERACTION_SPREAD, power_line, questions_needed, smallest_visible


def test_an_effect_of_eleven_points():
    # (1.960 + 0.842) · 0.45 / √128 = 0.1114
    assert smallest_visible(128) == pytest.approx(0.1114, abs=1e-4)


def test_an_interaction_of_fifteen_points():
    # 2.802 · 0.6 / √128 = 0.1486
    assert smallest_visible(128, spread=INTERACTION_SPREAD) == pytest.approx(0.1486, abs=1e-4)


def test_groups_cost_power():
    # design effect 1 + (4 − 1) · 0.05 = 1.15
    assert smallest_visible(128, groups=32) == pytest.approx(smallest_visible(128) * 1.15**0.5)


def test_questions_needed_is_the_inverse():
    # (2.802 · 0.45 / 0.05)² = 635.8
    assert questions_needed(0.05) == 636
    assert smallest_visible(636) <= 0.05 < smallest_visible(635)


def test_impossible_questions_are_refused():
    with pytest.raises(ValueError, match="at least one"):
        smallest_visible(0)
    with pytest.raises(ValueError, match="effect of 0"):
        questions_needed(0)


def test_the_line_before_the_run():
    assert power_line(128) == (
        "128 questions show an effect of about 11 points or more, an interaction of about 15 (power 80 %)."
    )
    assert "in 32 groups" in power_line(128, 32)
