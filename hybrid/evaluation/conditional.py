"""Rates among the questions that meet a condition: told only where enough of them stand behind it."""

from collections.abc import Mapping
from typing import Any

from hybrid.evaluation.intervals import summarise
from hybrid.records import Value

#: A rate among fewer questions is not told.
LEAST = 30


def conditional_rate(values: Mapping[str, Value], groups: Mapping[str, str], among: str) -> dict[str, Any]:
    """A 0/1 rate as a metric of the contract; ``withheld`` with its n among fewer than ``LEAST`` questions.

    Args:
        values: question id → 0 or 1, for the questions that meet the condition.
        groups: question id → cluster.
        among: the condition, for the reason: "known without passages".
    """
    return unless_few(summarise(values, groups, binary=True).to_json(), f"are {among}")


def unless_few(figure: dict[str, Any], condition: str) -> dict[str, Any]:
    """The figure, without its values if fewer than ``LEAST`` questions meet the condition."""
    if figure["n"] >= LEAST or figure["status"] == "withheld":
        return figure
    reason = f"{figure['n']} questions {condition}; at least {LEAST} are needed"
    return figure | {"mean": None, "low": None, "high": None, "status": "withheld", "reason": reason}
