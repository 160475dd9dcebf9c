"""The page of two runs held against each other."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hybrid.evaluation.compare import Comparison
from hybrid.evaluation.folder import write_beside, writing
from hybrid.evaluation.page.document import page
from hybrid.evaluation.page.scale import Plot, dot, ends, kind_of, missing, wide_enough
from hybrid.evaluation.scoring import METRICS
from hybrid.evaluation.table import OUTCOMES

PAGE = "compare.html"


def render_comparison(comparison: Comparison) -> str:
    """What changed as one HTML file, under the same policy as the report."""
    names = " → ".join(comparison.names)
    return page(
        "comparison.html.j2",
        {
            "title": names,
            "compared": comparison,
            "plots": [made for metric in METRICS if (made := _plot(metric, comparison.differences))],
            "cells": list(comparison.differences),
            "outcomes": OUTCOMES,
            "sections": [],
        },
    )


def save_comparison(comparison: Comparison, folder: Path) -> Path:
    """Writes the page into a folder.

    Raises:
        RunError: the folder cannot be written.
    """
    with writing(folder):
        write_beside(folder / PAGE, render_comparison(comparison))
    return folder / PAGE


def _plot(metric: str, differences: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> Plot | None:
    entries = {cell: metrics[metric] for cell, metrics in differences.items()}
    known = {cell: entry for cell, entry in entries.items() if entry["mean"] is not None}
    if not known:
        return None
    scale = wide_enough(ends(known.values()), least=(-0.1, 0.1))
    dots = tuple(dot(cell, entry, scale, kind=kind_of(cell)) for cell, entry in known.items())
    return Plot(metric, dots, scale.ticks(), missing=missing(entries), zero=scale.place(0.0))
