"""Risk against coverage as a plot, and as a table at equal coverage."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hybrid.evaluation.coverage import curves, equal_coverages
from hybrid.evaluation.page.scale import kind_of

WIDTH, HEIGHT = 640, 320


@dataclass(frozen=True, slots=True)
class Line:
    """One column's curve in the plot's own units.

    Attributes:
        cell: the column.
        kind: how it is drawn.
        points: ``x,y x,y …`` for a polyline.
        end: the last point: everything that the column answers.
        ranked: whether scores ranked the answers.
    """

    cell: str
    kind: str
    points: str
    end: tuple[float, float]
    ranked: bool


@dataclass(frozen=True, slots=True)
class Coverage:
    """The plot and the table beneath it.

    Attributes:
        lines: the curves.
        levels: the coverages compared, and whether it is the greatest that all columns reach.
        table: column → figure at each level; empty where the column does not answer so much.
    """

    lines: tuple[Line, ...]
    levels: tuple[tuple[float, bool], ...]
    table: Mapping[str, tuple[Mapping[str, Any], ...]]


def coverage(rows: Sequence[Mapping[str, Any]], cells: Sequence[str]) -> Coverage | None:
    """Risk against coverage of these columns; None where nothing was answered of which the truth is known."""
    found = [curve for curve in curves(rows, cells) if curve.points]
    if not found:
        return None
    levels = equal_coverages(found)
    common = min(curve.reach for curve in found)
    return Coverage(
        lines=tuple(_line(curve.cell, curve.points, curve.ranked) for curve in found),
        levels=tuple((level, level == common) for level in levels),
        table={
            curve.cell: tuple(risk.to_json() if (risk := curve.risk(level)) else {} for level in levels)
            for curve in found
        },
    )


def _line(cell: str, points: Sequence[tuple[float, float]], ranked: bool) -> Line:
    placed = [(round(WIDTH * x, 1), round(HEIGHT * (1 - y), 1)) for x, y in points]
    return Line(cell, kind_of(cell), " ".join(f"{x:g},{y:g}" for x, y in placed), placed[-1], ranked)
