"""A comparison of two runs as text for a terminal."""

from rich.table import Table

from hybrid.evaluation.compare import Comparison
from hybrid.evaluation.table import Block, grid, percent, words

METRICS = ("correct", "score", "hallucination_rate", "groundedness", "false_abstention")
MOST_SETTINGS = 12


def differences_table(comparison: Comparison) -> Table:
    """Differences by column, how many questions flipped, the settings that differ, and warnings."""
    return grid([_differences(comparison), _flips(comparison)], _lines(comparison))


def _differences(comparison: Comparison) -> Block:
    header = ("new − old, points", *(words(metric) for metric in METRICS), "n")
    rows = tuple(
        (
            cell,
            *(percent(metrics[metric], signed=True) for metric in METRICS),
            str(max(metrics[metric]["n"] for metric in METRICS)),
        )
        for cell, metrics in comparison.differences.items()
    )
    return Block(header, rows)


def _flips(comparison: Comparison) -> Block:
    rows = []
    for cell in comparison.differences:
        gained = [flip.gained for flip in comparison.flips if flip.cell == cell]
        rows.append((cell, str(sum(gained)), str(len(gained) - sum(gained))))
    return Block(("flipped", "now right", "now wrong"), tuple(rows))


def _lines(comparison: Comparison) -> list[str]:
    old, new = comparison.n_alone
    lines = [f"questions in both: {comparison.n} (only in the old run {old}, only in the new one {new})"]
    changed = list(comparison.settings.items())
    lines += [f"{name}: {_short(pair[0])} → {_short(pair[1])}" for name, pair in changed[:MOST_SETTINGS]]
    if len(changed) > MOST_SETTINGS:
        lines.append(f"{len(changed) - MOST_SETTINGS} more settings differ")
    return lines + [f"Warning: {warning}" for warning in comparison.warnings]


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 40 else f"{text[:37]}…"
