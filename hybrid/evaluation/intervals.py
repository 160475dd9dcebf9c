"""Means, differences and other linear contrasts of columns, with intervals that cover questions.

Rows are joined by question id and clustered by group. A column's mean is the ratio Σ value·weight / Σ weight.
Its variance is the delete-one-cluster jackknife (CV3: MacKinnon, Nielsen and Webb, 2023),
the quantile is Student's t on the effective number of clusters less one (Kish, 1965). On that stand
- a mean of a bounded metric: Wilson's score interval (1927) with the effective number of questions
  (Korn and Graubard, 1998), so that a column without variance still has an interval;
- a contrast of 0/1 columns: one success and one failure more in each column (Agresti and Caffo, 2000; for
  pairs Bonett and Price, 2012), for the same reason;
- anything else: mean ± t · standard error.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from hybrid.evaluation.failures import remark, widened
from hybrid.records import Status, Value

METHOD = "cluster jackknife with Student t; Wilson score for rates; Agresti-Caffo for differences of rates"
LEVEL = 0.95
MAX_FAILED = 0.05
FEW_CLUSTERS = 15
ROUNDING = 1e-12

Array = NDArray[np.float64]
Column = Mapping[str, Value]
Range = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Summary:
    """A mean or a contrast with its interval, or the reason why there is none.

    Attributes:
        mean: the estimate; it and both ends are None unless ``status`` is ``ok``.
        low: lower end. As ``high`` also None if a single question allows no interval.
        high: upper end.
        n: questions with a value (in every column of a contrast).
        n_failed: questions that should have one, but the judge failed; the interval holds whatever theirs is.
        n_not_applicable: the other questions.
        status: ``ok``, ``not_applicable`` or ``withheld`` (over 5 % of the applicable questions failed).
        reason: why there is no value, or what the reader has to know about it.
    """

    mean: float | None
    low: float | None
    high: float | None
    n: int
    n_failed: int
    n_not_applicable: int
    status: str
    reason: str

    def to_json(self) -> dict[str, float | int | str | None]:
        """The fields by name."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class _Sums:
    """Per cluster (rows) and column: Σ value·weight and Σ weight; and the single rows' weights."""

    values: Array
    weights: Array
    row_weights: Array
    extremes: Range
    notes: str

    @property
    def means(self) -> Array:
        means: Array = self.values.sum(axis=0) / self.weights.sum(axis=0)
        return means

    def quantile(self, level: float) -> float:
        """Student's t on the effective number of clusters, less one; at least one."""
        return float(stats.t.ppf((1 + level) / 2, max(1.0, _kish(self.weights) - 1)))


def summarise(
    values: Column,
    groups: Mapping[str, str],
    *,
    binary: bool,
    level: float = LEVEL,
    bounds: Range = (0.0, 1.0),
) -> Summary:
    """The weighted mean of one column.

    Args:
        values: by question id.
        groups: question id → cluster; a question without one is its own cluster.
        binary: whether the rows are 0 or 1.
        level: of the interval.
        bounds: what the metric can be; if a value lies outside, the metric is taken as unbounded.
    """
    columns = {"": values}
    ids = _joined(columns)
    blocked = _blocked(columns, ids)
    if blocked is not None:
        return blocked
    sums = _cluster_sums(columns, ids, groups)
    mean = float(sums.means[0])
    if bounds[0] <= sums.extremes[0] and sums.extremes[1] <= bounds[1]:
        ends: Range | None = _score_interval(sums, mean, bounds, binary, level)
    else:
        ends = _t_interval(mean, _variance(_influence(sums, np.ones(1))), sums, level)
    return _summary(columns, ids, mean, ends, sums, bounds)


def paired_difference(
    a: Column, b: Column, groups: Mapping[str, str], *, binary: bool, level: float = LEVEL
) -> Summary:
    """The mean of b − a on the questions that have a value in both."""
    return linear_effect({"a": a, "b": b}, {"a": -1.0, "b": 1.0}, groups, binary=binary, level=level)


def linear_effect(
    columns: Mapping[str, Column],
    weights: Mapping[str, float],
    groups: Mapping[str, str],
    *,
    binary: bool,
    level: float = LEVEL,
) -> Summary:
    """Σ weight · mean over columns, on the questions that have a value in all of them.

    Args:
        columns: name → question id → value. Only those with a weight other than 0 matter.
        weights: name → coefficient of the contrast; coefficients sum to 0.
        groups: question id → cluster.
        binary: whether the rows are 0 or 1.
        level: of the interval.
    """
    columns, factors = _weighted(columns, weights)
    ids = _joined(columns)
    blocked = _blocked(columns, ids)
    if blocked is not None:
        return blocked
    sums = _cluster_sums(columns, ids, groups)
    estimate = float(factors @ sums.means)
    variance = _variance(_influence(sums, factors))
    fractions = -1 <= sums.extremes[0] and sums.extremes[1] <= 1
    limit = float(np.abs(factors).sum()) / 2
    most = limit * max(1.0, sums.extremes[1] - sums.extremes[0])
    if not binary and (variance > 0 or not fractions):
        ends = _t_interval(estimate, variance, sums, level)
        return _summary(columns, ids, estimate, ends, sums, (-most, most))
    totals = sums.weights.sum(axis=0) + 2
    rates = (sums.values.sum(axis=0) + 1) / totals
    variance += _two_more_rows(rates, factors / totals)
    low, high = _t_interval(float(factors @ rates), variance, sums, level) or (-limit, limit)
    ends = (max(-limit, min(low, estimate)), min(limit, max(high, estimate)))
    return _summary(columns, ids, estimate, ends, sums, (-most, most))


def log_odds_effect(
    columns: Mapping[str, Column],
    weights: Mapping[str, float],
    groups: Mapping[str, str],
    *,
    level: float = LEVEL,
) -> Summary:
    """The contrast of ``linear_effect`` in logits of 0/1 columns, half a success and half a failure added.

    The variance is the jackknife's of the means through the delta method, and that of the added halves, so
    that a column of zeros has a wide interval, not an infinite or an empty one (Haldane; Anscombe, 1956).
    """
    columns, factors = _weighted(columns, weights)
    ids = _joined(columns)
    blocked = _blocked(columns, ids)
    if blocked is not None:
        return blocked
    sums = _cluster_sums(columns, ids, groups)
    totals = sums.weights.sum(axis=0) + 1
    rates = (sums.values.sum(axis=0) + 0.5) / totals
    slopes = factors / (rates * (1 - rates))
    estimate = float(factors @ np.log(rates / (1 - rates)))
    variance = _variance(_influence(sums, slopes)) + _two_more_rows(rates, slopes / (2 * totals))
    return _summary(columns, ids, estimate, _t_interval(estimate, variance, sums, level), sums)


def _weighted(columns: Mapping[str, Column], weights: Mapping[str, float]) -> tuple[dict[str, Column], Array]:
    used = {name: weight for name, weight in weights.items() if weight != 0}
    return {name: columns.get(name, {}) for name in used}, np.array(list(used.values()), dtype=np.float64)


def _has_value(value: Value | None) -> bool:
    return value is not None and value.status is Status.OK and value.value is not None and value.weight > 0


def _joined(columns: Mapping[str, Column]) -> list[str]:
    """Questions with a value in every column, sorted, so that the order of rows never matters."""
    every = set.intersection(*(set(column) for column in columns.values()))
    return sorted(q for q in every if all(_has_value(column[q]) for column in columns.values()))


def _counts(columns: Mapping[str, Column], ids: list[str]) -> tuple[int, int]:
    """Failed questions and those that are neither failed nor valued."""
    every = set.union(*(set(column) for column in columns.values()))
    failed = {q for column in columns.values() for q, v in column.items() if v.status is Status.JUDGE_ERROR}
    return len(failed), len(every) - len(failed) - len(ids)


def _blocked(columns: Mapping[str, Column], ids: list[str]) -> Summary | None:
    """A summary without a value, if the rows allow none."""
    failed, rest = _counts(columns, ids)
    applicable = len(ids) + failed
    if applicable and failed > MAX_FAILED * applicable:
        errors = [v.reason for c in columns.values() for v in c.values() if v.status is Status.JUDGE_ERROR]
        reason = f"no verdict on {failed} of {applicable} questions: {_commonest(errors)}"
        return Summary(None, None, None, len(ids), failed, rest, "withheld", reason)
    if not ids:
        return Summary(None, None, None, 0, failed, rest, "not_applicable", _first_reason(columns))
    return None


def _first_reason(columns: Mapping[str, Column]) -> str:
    """The commonest reason of the rows without a value."""
    if not all(columns.values()):
        return "not measured"
    reasons = [v.reason for column in columns.values() for v in column.values() if v.reason]
    return _commonest(reasons) if reasons else "no question has a value"


def _commonest(reasons: list[str]) -> str:
    return max(sorted(set(reasons)), key=reasons.count)


def _cluster_sums(columns: Mapping[str, Column], ids: list[str], groups: Mapping[str, str]) -> _Sums:
    names = list(columns)
    rows = np.array([[columns[c][q].value for c in names] for q in ids], dtype=np.float64)
    weights = np.array([[columns[c][q].weight for c in names] for q in ids], dtype=np.float64)
    clusters = [groups.get(q) or q for q in ids]
    notes = ""
    if len(set(clusters)) == 1 and len(ids) > 1:
        clusters, notes = ids, "all questions are of one group and were taken as independent"
    elif len(set(clusters)) < FEW_CLUSTERS:
        notes = f"few groups ({len(set(clusters))}): the interval is rough"
    _, index = np.unique(np.array(clusters), return_inverse=True)
    values = np.zeros((int(index.max()) + 1, len(names)))
    totals = np.zeros_like(values)
    np.add.at(values, index, rows * weights)
    np.add.at(totals, index, weights)
    return _Sums(values, totals, weights, (float(rows.min()), float(rows.max())), notes)


def _kish(weights: Array) -> float:
    """The effective number of rows under unequal weights, of the column where it is smallest."""
    return float(np.min(weights.sum(axis=0) ** 2 / (weights**2).sum(axis=0)))


def _influence(sums: _Sums, factors: Array) -> Array:
    """How far the contrast moves when a cluster is left out; infinite if nothing else is left."""
    rest = sums.weights.sum(axis=0) - sums.weights
    with np.errstate(divide="ignore", invalid="ignore"):
        moves = np.where(rest > 0, (sums.values - sums.means * sums.weights) / rest, np.inf)
    moved: Array = moves @ factors if np.isfinite(moves).all() else np.full(len(moves), np.inf)
    return moved


def _variance(influence: Array) -> float:
    """The jackknife's; 0 if only rounding differs between clusters, infinite if there is but one."""
    n = len(influence)
    if not np.isfinite(influence).all():
        return math.inf
    return float((n - 1) / n * np.sum(influence**2)) if np.abs(influence).max() > ROUNDING else 0.0


def _two_more_rows(rates: Array, factors: Array) -> float:
    """The variance that an added success and an added failure bring in each column."""
    return float(np.sum(factors**2 * ((1 - rates) ** 2 + rates**2)))


def _t_interval(centre: float, variance: float, sums: _Sums, level: float) -> Range | None:
    """None if the rows say nothing about the variance."""
    if not math.isfinite(variance):
        return None
    half = sums.quantile(level) * math.sqrt(variance)
    return centre - half, centre + half


def _score_interval(sums: _Sums, mean: float, bounds: Range, binary: bool, level: float) -> Range:
    """Wilson's interval with the number of independent 0/1 rows that would have the same variance."""
    span = bounds[1] - bounds[0]
    rate = (mean - bounds[0]) / span
    variance = _variance(_influence(sums, np.ones(1))) / span**2
    rows = _kish(sums.row_weights)
    n = rate * (1 - rate) / variance if 0 < variance < math.inf else rows
    n = min(n, rows) if binary else n
    square = sums.quantile(level) ** 2
    centre = (rate + square / (2 * n)) / (1 + square / n)
    half = math.sqrt(square * (rate * (1 - rate) / n + square / (4 * n * n))) / (1 + square / n)
    low, high = max(0.0, min(centre - half, rate)), min(1.0, max(centre + half, rate))
    return bounds[0] + span * low, bounds[0] + span * high


def _summary(
    columns: Mapping[str, Column],
    ids: list[str],
    mean: float,
    ends: Range | None,
    sums: _Sums,
    reach: Range | None = None,
) -> Summary:
    """``reach`` is what the mean over failed questions could be; without it they are left out."""
    failed, rest = _counts(columns, ids)
    if ends is None:
        return Summary(mean, None, None, len(ids), failed, rest, "ok", "one question allows no interval")
    if failed and reach:
        ends, notes = widened(ends, len(ids), failed, reach), [sums.notes, remark(len(ids), failed)]
        return Summary(mean, *ends, len(ids), failed, rest, "ok", "; ".join(filter(None, notes)))
    return Summary(mean, *ends, len(ids), failed, rest, "ok", sums.notes)
