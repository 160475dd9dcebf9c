"""Every metric of the columns as a plot of its own."""

from collections.abc import Mapping
from typing import Any

from hybrid.evaluation.page.scale import Plot, dot, ends, kind_of, missing, wide_enough
from hybrid.evaluation.table import METRICS

SHOWN = tuple(metric for part in METRICS for metric in part)
"""The metrics of the page's plots, in their order."""


def plots(columns: Mapping[str, Mapping[str, Any]]) -> tuple[Plot, ...]:
    """One plot for each metric that at least one column has a value of."""
    return tuple(made for metric in SHOWN if (made := _plot(metric, columns)))


def _plot(metric: str, columns: Mapping[str, Mapping[str, Any]]) -> Plot | None:
    entries = {name: column.get("metrics", {}).get(metric, {}) for name, column in columns.items()}
    known = {name: entry for name, entry in entries.items() if entry.get("mean") is not None}
    if not known:
        return None
    scale = wide_enough(ends(known.values()), least=(0.0, 1.0))
    dots = tuple(dot(name, entry, scale, kind=kind_of(name)) for name, entry in known.items())
    return Plot(metric, dots, scale.ticks(), missing=missing(entries), zero=scale.place(0.0))
