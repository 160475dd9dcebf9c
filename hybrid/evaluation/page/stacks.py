"""What became of the answers: one stacked bar for each column."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hybrid.evaluation.table import OUTCOMES

MARKS = dict(zip(OUTCOMES, "✓m±↯✗○–?", strict=True))
"""A sign for each outcome, so that none is told by its colour alone."""

RIGHT = frozenset({"supported", "from_memory", "with_unsupported_parts", "right_abstention"})
"""The outcomes of a right answer or a right silence."""


@dataclass(frozen=True, slots=True)
class Slice:
    """One outcome's share of a column.

    Attributes:
        outcome: its position in ``OUTCOMES``.
        count: how many answers.
        start: where it begins, in percent of the bar.
        share: how wide it is, in percent of the bar.
    """

    outcome: int
    count: int
    start: float
    share: float


def slices(column: Mapping[str, Any]) -> tuple[Slice, ...]:
    """The outcomes of a column that occur, in the page's order, with their shares in percent."""
    counts = column.get("outcomes", {})
    total = sum(counts.values())
    made: list[Slice] = []
    before = 0
    for position, outcome in enumerate(OUTCOMES):
        if count := counts.get(outcome):
            start, share = 100 * before / total, 100 * count / total
            made.append(Slice(position, count, round(start, 3), round(share, 3)))
            before += count
    return tuple(made)
