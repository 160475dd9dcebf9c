"""How often the intervals cover the truth, on simulated questions of which the truth is known.

    python benchmarks/coverage.py [SIMULATIONS] [--write]

Wanted at 95 %: 92 to 98 with 20 questions, 93 to 97 with 60 and 200. Four cells share a question's difficulty
and, where clustered, that of its group (four questions a group).
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from committed import arguments, keep, markdown
from scipy import special, stats

from hybrid.evaluation.effects import CONTRASTS
from hybrid.evaluation.intervals import Column, Frame, Summary, summarise
from hybrid.records import Value

CELLS = ("base", "base+rag", "tuned", "tuned+rag")
SIZES = (20, 60, 200)
BARS = {20: (92, 98), 60: (93, 97), 200: (93, 97)}
FIGURES = ("mean", "retrieval_base", "retrieval", "interaction")
LEVELS = {
    "0/1, middling": (0.30, 0.55, 0.35, 0.65),
    "0/1, rare": (0.05, 0.10, 0.05, 0.12),
    "0/1, common": (0.80, 0.92, 0.85, 0.95),
    "0/1, no effect": (0.50, 0.50, 0.50, 0.50),
    "0/1, no effect, rare": (0.04, 0.04, 0.04, 0.04),
}
Draw = Callable[[np.random.Generator, float, int], tuple[dict[str, Column], dict[str, str]]]


def shared_normals(rng: np.random.Generator, n: int, shared: float, grouped: float) -> np.ndarray:
    """One standard normal per question and cell, correlated within question and within group of four."""
    groups = np.repeat(rng.normal(size=(n + 3) // 4), 4)[:n, None]
    parts = (grouped, shared, 1 - grouped - shared)
    return (
        np.sqrt(parts[0]) * groups
        + np.sqrt(parts[1]) * rng.normal(size=(n, 1))
        + np.sqrt(parts[2]) * rng.normal(size=(n, len(CELLS)))
    )


def binary_cells(rates: tuple[float, ...], grouped: float) -> tuple[Callable, np.ndarray]:
    """A drawer of 0/1 cells with these rates, and their true means."""
    cuts = stats.norm.ppf(rates)

    def draw(rng: np.random.Generator, n: int) -> np.ndarray:
        return (shared_normals(rng, n, 0.4, grouped) < cuts).astype(float)

    return draw, np.array(rates)


def skewed_cells(grouped: float) -> tuple[Callable, np.ndarray]:
    """A drawer of cells in [0, 1], most rows near 1 with a long tail as in groundedness, and their means."""
    shapes = ((0.9, 0.5), (2.0, 0.5), (1.2, 0.5), (4.0, 0.5))

    def draw(rng: np.random.Generator, n: int) -> np.ndarray:
        uniform = special.ndtr(shared_normals(rng, n, 0.4, grouped))
        return np.column_stack([special.betaincinv(a, b, uniform[:, c]) for c, (a, b) in enumerate(shapes)])

    return draw, np.array([a / (a + b) for a, b in shapes])


def columns_of(rows: np.ndarray) -> dict[str, Column]:
    """The rows as the evaluation keeps them."""
    return {
        cell: {f"q{i}": Value(float(v)) for i, v in enumerate(rows[:, c])} for c, cell in enumerate(CELLS)
    }


def covers(summary: Summary, truth: float) -> bool:
    """Whether the interval holds the truth."""
    assert summary.low is not None and summary.high is not None
    return summary.low - 1e-12 <= truth <= summary.high + 1e-12


def coverage(
    draw: Callable, truths: np.ndarray, n: int, binary: bool, clustered: bool, simulations: int
) -> dict[str, float]:
    """Percentage of simulations that cover, for a mean, a difference, a main effect and the interaction."""
    rng = np.random.default_rng(n)
    groups = {f"q{i}": f"g{i // 4 if clustered else i}" for i in range(n)}
    true = dict(zip(CELLS, truths, strict=True))
    hits = dict.fromkeys(FIGURES, 0)
    for _ in range(simulations):
        columns = columns_of(draw(rng, n))
        hits["mean"] += covers(summarise(columns["tuned+rag"], groups, binary=binary), true["tuned+rag"])
        frame = Frame(columns, groups)
        for effect in FIGURES[1:]:
            weights = CONTRASTS[effect]
            truth = sum(w * true[cell] for cell, w in weights.items())
            hits[effect] += covers(frame.linear(weights, binary=binary)[0], truth)
    return {name: round(100 * count / simulations, 1) for name, count in hits.items()}


def kinds(clustered: bool) -> list[tuple[str, Callable, np.ndarray, bool]]:
    """Name, drawer, true means, and whether the rows are 0 or 1."""
    grouped = 0.2 if clustered else 0.0
    suffix = ", groups of 4" if clustered else ""
    binary = [(name + suffix, *binary_cells(rates, grouped), True) for name, rates in LEVELS.items()]
    return [*binary, ("skewed" + suffix, *skewed_cells(grouped), False)]


def measure(simulations: int) -> list[dict[str, Any]]:
    """One entry for each kind of data and number of questions; printed as it comes."""
    entries = []
    for clustered in (False, True):
        for name, draw, truths, binary in kinds(clustered):
            for n in SIZES:
                found = coverage(draw, truths, n, binary, clustered, simulations)
                least, most = BARS[n]
                missed = [figure for figure, share in found.items() if not least <= share <= most]
                entries.append({"data": name, "n": n, "coverage": found, "missed": missed})
                shown = "".join(f"{share:>13.1f}" for share in found.values())
                print(
                    f"{name:<34}{n:>4}{shown}  {'missed: ' + ', '.join(missed) if missed else ''}", flush=True
                )
    return entries


def main() -> None:
    """Prints one line per kind of data and number of questions; ``--write`` keeps them."""
    simulations, write = arguments(1000)
    print(f"coverage in percent of 95 % intervals, {simulations} simulations each")
    entries = measure(simulations)
    figures = sum(len(entry["coverage"]) for entry in entries)
    missed = sum(len(entry["missed"]) for entry in entries)
    print(f"{figures - missed} of {figures} within the bars")
    if write:
        rows = [
            [entry["data"], entry["n"], *(_marked(entry, figure) for figure in FIGURES)] for entry in entries
        ]
        outcome = {"simulations": simulations, "bars": BARS, "within": figures - missed, "of": figures}
        table = markdown(["data", "n", *(figure.replace("_", " ") for figure in FIGURES)], rows)
        keep("coverage", outcome | {"entries": entries}, table)


def _marked(entry: dict[str, Any], figure: str) -> str:
    share = f"{entry['coverage'][figure]:.1f}"
    return f"**{share}**" if figure in entry["missed"] else share


if __name__ == "__main__":
    main()
