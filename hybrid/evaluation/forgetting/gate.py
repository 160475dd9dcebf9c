"""The gate: how much general ability tuning may cost."""

from collections.abc import Mapping
from typing import Any

from hybrid.evaluation.intervals import LEVEL
from hybrid.specs import ForgettingSpec

RULE = f"a limit fails only if the {100 * LEVEL:g} % interval of the paired change lies wholly beyond it"

LIMITS = {
    "max_bits_per_byte_increase": ("bits_per_byte", 1),
    "max_over_abstention_increase": ("over_abstention", 1),
    "max_instruction_following_drop": ("instruction_following", -1),
}
"""Key of the pipeline file → the figure that it bounds, and the sign of a change for the worse."""


def gate(figures: Mapping[str, Mapping[str, Any]], spec: ForgettingSpec) -> dict[str, Any]:
    """The limits that are set, those that failed, and those that the interval leaves undecided.

    Args:
        figures: metric → ``difference`` → the paired change, tuned − base.
        spec: the limits; one that is None is not held.
    """
    limits = {name: getattr(spec, name) for name in LIMITS if getattr(spec, name) is not None}
    worse = {name: _worsening(figures, name) for name in limits}
    failed = [name for name, limit in limits.items() if worse[name][0] > limit]
    undecided = [name for name, limit in limits.items() if worse[name][0] <= limit < worse[name][1]]
    return {"limits": limits, "rule": RULE, "passed": not failed, "failed": failed, "undecided": undecided}


def _worsening(figures: Mapping[str, Mapping[str, Any]], limit: str) -> tuple[float, float]:
    """The least and the greatest change for the worse that the interval allows; anything without one."""
    metric, sign = LIMITS[limit]
    change = figures[metric]["difference"]
    if change["low"] is None:
        return float("-inf"), float("inf")
    low, high = sorted((sign * change["low"], sign * change["high"]))
    return low, high
