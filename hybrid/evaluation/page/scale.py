"""Figures placed on an axis: what every plot of the page is drawn from."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hybrid.evaluation.effects import CELLS

TICKS = 5
MARGIN = 0.04


@dataclass(frozen=True, slots=True)
class Scale:
    """An axis from ``low`` to ``high``; positions on it are in percent of its width."""

    low: float
    high: float

    def place(self, value: float | None) -> float | None:
        """Where a value stands; None without one. What lies beyond an end stands at it."""
        if value is None:
            return None
        held = min(max(value, self.low), self.high)
        return round(100 * (held - self.low) / (self.high - self.low), 2)

    def ticks(self) -> tuple[tuple[float, float], ...]:
        """Round values on the axis, each with its position."""
        step = _round_step((self.high - self.low) / TICKS)
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        values = (round(number * step, 10) + 0.0 for number in range(first, last + 1))
        return tuple((value, self.place(value) or 0.0) for value in values)


@dataclass(frozen=True, slots=True)
class Dot:
    """A figure with its interval; positions in percent of the axis, None without a value.

    Attributes:
        label: what it is the figure of.
        entry: the figure itself.
        low: lower end of the interval.
        mean: the estimate.
        high: upper end.
        kind: how it is drawn, see ``kind_of``.
        note: what stands beneath the label.
    """

    label: str
    entry: Mapping[str, Any]
    low: float | None
    mean: float | None
    high: float | None
    kind: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Plot:
    """Figures of one metric on one axis.

    Attributes:
        name: of the metric.
        dots: one a line.
        ticks: value and position.
        missing: reason → labels of what has no value.
        zero: position of 0.
        bar: position of the least effect that is worth having; None where there is no such thing.
    """

    name: str
    dots: tuple[Dot, ...]
    ticks: tuple[tuple[float, float], ...]
    missing: Mapping[str, Sequence[str]] = field(default_factory=dict)
    zero: float | None = None
    bar: float | None = None


def dot(label: str, entry: Mapping[str, Any], scale: Scale, *, kind: str = "", note: str = "") -> Dot:
    """A figure of the contract on a scale."""
    low, mean, high = (scale.place(entry.get(key)) for key in ("low", "mean", "high"))
    return Dot(label, entry, low, mean, high, kind, note)


def wide_enough(values: Iterable[float | None], *, least: tuple[float, float]) -> Scale:
    """A scale that holds all values and two more, with a little air at ends that these two do not set."""
    known = [value for value in values if value is not None]
    low, high = min([least[0], *known]), max([least[1], *known])
    air = MARGIN * (high - low)
    return Scale(low - air if low < least[0] else low, high + air if high > least[1] else high)


def ends(entries: Iterable[Mapping[str, Any]]) -> list[float | None]:
    """Everything of these figures that has to fit on a scale."""
    return [entry.get(key) for entry in entries for key in ("low", "mean", "high")]


def missing(entries: Mapping[str, Mapping[str, Any]]) -> dict[str, list[str]]:
    """Why some of these figures have no value: reason → their names."""
    found: dict[str, list[str]] = {}
    for name, entry in entries.items():
        if entry.get("mean") is None:
            found.setdefault(entry.get("reason") or "not measured", []).append(name)
    return found


def kind_of(column: str) -> str:
    """How a column is drawn: the model by colour, filled with passages, square beside the four cells."""
    cell = column.rpartition("/")[2]
    model = cell.partition("+")[0]
    colour = model if model in ("base", "tuned") else "rival"
    shown = " shown" if cell.endswith("+rag") else ""
    return f"{colour}{shown}" + ("" if column in CELLS else " beside")


def _round_step(least: float) -> float:
    """The smallest of 1, 2, 5, 10, 20 … that is no smaller."""
    power = 10.0 ** math.floor(math.log10(least))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= least * (1 - 1e-9))
