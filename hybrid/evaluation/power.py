"""What a number of questions can show, said before the run."""

import math

from scipy import stats

PAIRED_SPREAD = 0.45
"""Standard deviation over questions of the difference of two cells, as it was met with 0/1 metrics."""

INTERACTION_SPREAD = 0.6
"""The same of a difference of two differences; a little under √2 times, as the two go together somewhat."""

WITHIN_GROUP = 0.05
"""Assumed correlation of the questions of one group."""


def smallest_visible(
    n: int,
    *,
    spread: float = PAIRED_SPREAD,
    groups: int | None = None,
    power: float = 0.8,
    level: float = 0.95,
) -> float:
    """The smallest effect that an interval tells from 0 with the wanted power.

    (z of the level + z of the power) · spread / √n, with n divided by the design effect
    1 + (questions a group − 1) · 0.05 (Kish, 1965).

    Args:
        n: questions.
        spread: standard deviation over questions of what is averaged.
        groups: how many groups the questions form; None if each stands alone.
        power: wanted chance to see the effect.
        level: of the interval.

    Raises:
        ValueError: there is no question.
    """
    if n < 1:
        raise ValueError(f"Power needs at least one question, got {n}.")
    return _quantiles(power, level) * spread * math.sqrt(_design_effect(n, groups) / n)


def questions_needed(
    effect: float, *, spread: float = PAIRED_SPREAD, power: float = 0.8, level: float = 0.95
) -> int:
    """How many questions show an effect of this size; each its own group.

    Raises:
        ValueError: the effect is 0, which no number of questions shows.
    """
    if effect == 0:
        raise ValueError("No number of questions shows an effect of 0.")
    return math.ceil((_quantiles(power, level) * spread / abs(effect)) ** 2)


def power_line(n: int, groups: int | None = None) -> str:
    """The one line that is printed before a run."""
    paired = smallest_visible(n, groups=groups)
    interaction = smallest_visible(n, spread=INTERACTION_SPREAD, groups=groups)
    grouped = f" in {groups} groups" if groups is not None else ""
    return (
        f"{n} questions{grouped} show an effect of about {100 * paired:.0f} points or more, "
        f"an interaction of about {100 * interaction:.0f} (power 80 %)."
    )


def _quantiles(power: float, level: float) -> float:
    return float(stats.norm.ppf((1 + level) / 2) + stats.norm.ppf(power))


def _design_effect(n: int, groups: int | None) -> float:
    return 1.0 if groups is None else 1 + (n / max(1, groups) - 1) * WITHIN_GROUP
