"""The share of supported statements by a judge whom people's labels correct.

The judge has read every statement of a cell, people only some. With f what the judge says and Y what a person
says (0 or 1), the share is

    mean of Y over the labelled − λ · (mean of f over the labelled − mean of f over all):

prediction-powered inference (Angelopoulos et al., 2023, arXiv 2301.09633; for retrieval ARES, Saad-Falcon
et al., 2023, 2311.09476). λ is tuned to the least variance (PPI++, Angelopoulos et al., 2023, 2311.01453): a
judge that tells nothing gets λ = 0, and the labels stand alone. The judge may be biased; the share is not.

Labelled claims weigh by the inverse of their chance to be drawn. Variances are the delete-one-group
jackknife's, in which the labelled are a part of all; a share has Wilson's interval with as many independent
statements as would have that variance, so that a cell without errors still has one.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from hybrid.evaluation.intervals import LEVEL

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Judged:
    """A claim of a cell.

    Attributes:
        group: the cluster.
        count: how often it occurs in the cell.
        judge: 1 if the judge calls it supported, else 0.
        label: 1 if a person does, else 0; None if none has labelled it.
        chance: of having been drawn for labelling; only ratios matter.
    """

    group: str
    count: int
    judge: float
    label: float | None = None
    chance: float = 1.0


@dataclass(frozen=True, slots=True)
class Share:
    """An estimate for one cell.

    Attributes:
        mean: the share of supported statements.
        low: lower end.
        high: upper end.
        n: labelled claims behind it.
        tuning: λ.
        moves: group → how far ``mean`` moves when the group is left out (the jackknife's influence).
        freedom: effective number of labelled groups, less one.
    """

    mean: float
    low: float
    high: float
    n: int
    tuning: float
    moves: Mapping[str, float]
    freedom: float


@dataclass(frozen=True, slots=True)
class Difference:
    """A contrast of shares with its interval."""

    mean: float
    low: float
    high: float


def supported_share(claims: Sequence[Judged], *, level: float = LEVEL) -> Share | None:
    """The share of supported statements; None if fewer than two groups have a labelled claim.

    Args:
        claims: all of a cell, each once.
        level: of the interval.
    """
    groups, index = np.unique([claim.group for claim in claims], return_inverse=True)
    counts = np.array([claim.count for claim in claims], dtype=np.float64)
    judge = np.array([claim.judge for claim in claims])
    label = np.array([0.0 if claim.label is None else claim.label for claim in claims])
    known = np.array([claim.label is not None for claim in claims], dtype=np.float64)
    weights = known * counts / np.array([claim.chance for claim in claims])

    def summed(values: Array) -> Array:
        return np.bincount(index, values, len(groups)).astype(np.float64)

    labelled = summed(weights)
    if np.count_nonzero(labelled) < 2:
        return None
    by_people, people_moves = _mean(summed(label * weights), labelled)
    by_judge, judge_moves = _mean(summed(judge * weights), labelled)
    overall, overall_moves = _mean(summed(judge * counts), summed(counts))
    surplus = judge_moves - overall_moves
    tuning = _tuned(people_moves, surplus)
    mean = min(1.0, max(0.0, by_people - tuning * (by_judge - overall)))
    moves = people_moves - tuning * surplus
    freedom = max(1.0, _kish(labelled) - 1)
    low, high = _wilson(mean, _variance(moves), _kish(weights), float(counts.sum()), freedom, level)
    n = int(known.sum())
    return Share(mean, low, high, n, tuning, dict(zip(groups.tolist(), moves.tolist(), strict=True)), freedom)


def difference(
    shares: Mapping[str, Share], factors: Mapping[str, float], *, level: float = LEVEL
) -> Difference:
    """Σ factor · share, paired by group.

    To the variance of the contrast comes what Wilson's interval of each share adds to its own: where people
    and judge never differed, that they might have.
    """
    mean = sum(factor * shares[cell].mean for cell, factor in factors.items())
    groups = sorted({group for cell in factors for group in shares[cell].moves})
    moves = np.array(
        [sum(f * shares[cell].moves.get(group, 0.0) for cell, f in factors.items()) for group in groups]
    )
    freedom = min(shares[cell].freedom for cell in factors)
    quantile = _quantile(freedom, level)
    hidden = sum(factor**2 * _hidden(shares[cell], level) for cell, factor in factors.items())
    half = quantile * math.sqrt(_variance(moves) + hidden)
    limit = sum(abs(factor) for factor in factors.values()) / 2
    return Difference(mean, max(-limit, mean - half), min(limit, mean + half))


def _mean(values: Array, weights: Array) -> tuple[float, Array]:
    """Σ values ÷ Σ weights, and how far it moves without each group."""
    mean = float(values.sum() / weights.sum())
    return mean, (values - mean * weights) / (weights.sum() - weights)


def _tuned(people: Array, surplus: Array) -> float:
    """λ: how much of the judge's surplus goes with that of people, from 0 to 1."""
    square = float(surplus @ surplus)
    return min(1.0, max(0.0, float(people @ surplus) / square)) if square > 0 else 1.0


def _variance(moves: Array) -> float:
    return float((len(moves) - 1) / len(moves) * (moves @ moves))


def _hidden(share: Share, level: float) -> float:
    """How much more variance Wilson's interval stands for than the jackknife found."""
    half = (share.high - share.low) / 2 / _quantile(share.freedom, level)
    return max(0.0, half**2 - _variance(np.array(list(share.moves.values()))))


def _kish(weights: Array) -> float:
    """The effective number of rows under unequal weights."""
    return float(weights.sum() ** 2 / (weights**2).sum())


def _quantile(freedom: float, level: float) -> float:
    return float(stats.t.ppf((1 + level) / 2, freedom))


def _wilson(
    rate: float, variance: float, labelled: float, statements: float, freedom: float, level: float
) -> tuple[float, float]:
    """Wilson's interval; without variance, or at an end of the scale, the labelled claims count."""
    n = min(rate * (1 - rate) / variance, statements) if variance > 0 and 0 < rate < 1 else labelled
    square = _quantile(freedom, level) ** 2
    centre = (rate + square / (2 * n)) / (1 + square / n)
    half = math.sqrt(square * (rate * (1 - rate) / n + square / (4 * n * n))) / (1 + square / n)
    return max(0.0, min(centre - half, rate)), min(1.0, max(centre + half, rate))
