"""Means, differences and other linear contrasts of columns, with intervals that cover questions.

Rows are joined by question id and clustered by group. A column's mean is the ratio Σ value·weight / Σ weight.
Its variance is the delete-one-cluster jackknife (CV3: MacKinnon, Nielsen and Webb, 2023),
the quantile is Student's t on the effective number of clusters less one (Kish, 1965). On that stand
- a mean of a bounded metric: Wilson's score interval (1927) with the effective number of questions
  (Korn and Graubard, 1998), so that a column without variance still has an interval;
- a contrast of m 0/1 columns: 2/m successes and as many failures more in each column (Price and Bonett, 2004;
  for two columns that is one of each: Agresti and Caffo, 2000; for pairs Bonett and Price, 2012), for the
  same reason;
- anything else: mean ± t · standard error.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from hybrid.evaluation.failures import remark, widened
from hybrid.records import Status, Value

METHOD = "cluster jackknife with Student t; Wilson score for rates; Price-Bonett for contrasts of rates"
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
        return float(special.stdtrit(max(1.0, _kish(self.weights) - 1), (1 + level) / 2))


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
    taken = Frame({"": values}, groups).taken({"": 1.0})
    sums = taken.sums
    if sums is None:
        return taken.blocked
    mean = float(sums.means[0])
    if bounds[0] <= sums.extremes[0] and sums.extremes[1] <= bounds[1]:
        ends: Range | None = _score_interval(sums, mean, bounds, binary, level)
    else:
        ends = _t_interval(mean, _variance(_influence(sums, np.ones(1))), sums, level)
    return taken.summary(mean, ends, bounds)


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
    used = {name: columns.get(name, {}) for name, weight in weights.items() if weight != 0}
    return Frame(used, groups).linear(weights, binary=binary, levels=(level,))[0]


def log_odds_effect(
    columns: Mapping[str, Column],
    weights: Mapping[str, float],
    groups: Mapping[str, str],
    *,
    level: float = LEVEL,
) -> Summary:
    """The contrast of ``linear_effect`` in logits of 0/1 columns; see :meth:`Frame.log_odds`."""
    used = {name: columns.get(name, {}) for name, weight in weights.items() if weight != 0}
    return Frame(used, groups).log_odds(weights, level=level)


class Frame:
    """One metric of several columns, laid out in arrays once for many contrasts.

    Args:
        columns: name → question id → value.
        groups: question id → cluster; a question without one is its own cluster.
    """

    def __init__(self, columns: Mapping[str, Column], groups: Mapping[str, str]) -> None:
        self._columns = columns
        # Sorted, so that the order of rows never matters.
        ids = sorted(set().union(*columns.values()))
        shape = (len(ids), len(columns))
        self._place = {name: place for place, name in enumerate(columns)}
        self._values, self._weights = np.zeros(shape), np.zeros(shape)
        self._present, self._failed = np.zeros(shape, dtype=bool), np.zeros(shape, dtype=bool)
        rows = {question: row for row, question in enumerate(ids)}
        for place, column in enumerate(columns.values()):
            self._fill([rows[question] for question in column], place, list(column.values()))
        names: dict[str, int] = {}
        clusters = [names.setdefault(groups.get(question) or question, len(names)) for question in ids]
        self._clusters: NDArray[np.intp] = np.array(clusters, dtype=np.intp)

    def _fill(self, rows: list[int], place: int, values: list[Value]) -> None:
        self._present[rows, place] = True
        self._failed[rows, place] = [value.status is Status.JUDGE_ERROR for value in values]
        weights = [v.weight if v.status is Status.OK and v.value is not None else 0.0 for v in values]
        self._weights[rows, place] = np.maximum(weights, 0.0)
        self._values[rows, place] = [value.value or 0.0 for value in values]

    def linear(
        self, weights: Mapping[str, float], *, binary: bool, levels: Sequence[float] = (LEVEL,)
    ) -> list[Summary]:
        """A contrast with one interval for each level; see :func:`linear_effect`."""
        taken = self.taken(weights)
        sums = taken.sums
        if sums is None:
            return [taken.blocked] * len(levels)
        factors = taken.factors
        estimate = float(factors @ sums.means)
        variance = _variance(_influence(sums, factors))
        fractions = -1 <= sums.extremes[0] and sums.extremes[1] <= 1
        limit = float(np.abs(factors).sum()) / 2
        most = limit * max(1.0, sums.extremes[1] - sums.extremes[0])
        reach = (-most, most)
        if not binary and (variance > 0 or not fractions):
            intervals = [_t_interval(estimate, variance, sums, each) for each in levels]
            return [taken.summary(estimate, ends, reach) for ends in intervals]
        added = 2 / len(factors)
        totals = sums.weights.sum(axis=0) + 2 * added
        rates = (sums.values.sum(axis=0) + added) / totals
        variance += added * _two_more_rows(rates, factors / totals)
        made = []
        for level in levels:
            low, high = _t_interval(float(factors @ rates), variance, sums, level) or (-limit, limit)
            ends = (max(-limit, min(low, estimate)), min(limit, max(high, estimate)))
            made.append(taken.summary(estimate, ends, reach))
        return made

    def log_odds(self, weights: Mapping[str, float], *, level: float = LEVEL) -> Summary:
        """A contrast in logits of 0/1 columns, half a success and half a failure added.

        The variance is the jackknife's of the means through the delta method, and that of the added halves,
        so that a column of zeros has a wide interval, not an infinite or an empty one (Haldane; Anscombe,
        1956).
        """
        taken = self.taken(weights)
        sums = taken.sums
        if sums is None:
            return taken.blocked
        totals = sums.weights.sum(axis=0) + 1
        rates = (sums.values.sum(axis=0) + 0.5) / totals
        slopes = taken.factors / (rates * (1 - rates))
        estimate = float(taken.factors @ np.log(rates / (1 - rates)))
        variance = _variance(_influence(sums, slopes)) + _two_more_rows(rates, slopes / (2 * totals))
        return taken.summary(estimate, _t_interval(estimate, variance, sums, level))

    def taken(self, weights: Mapping[str, float]) -> "_Taken":
        """The questions that have a value in every column with a weight."""
        names = [name for name, weight in weights.items() if weight != 0]
        factors = np.array([weights[name] for name in names])
        places = [self._place[name] for name in names]
        joined: NDArray[np.bool_] = np.all(self._weights[:, places] > 0, axis=1)
        failed = int(self._failed[:, places].any(axis=1).sum())
        n = int(joined.sum())
        rest = int(self._present[:, places].any(axis=1).sum()) - failed - n
        applicable = n + failed
        used = tuple(self._columns[name] for name in names)
        if applicable and failed > MAX_FAILED * applicable:
            return _Taken(factors, None, n, failed, rest, "withheld", used)
        sums = self._sums(joined, places) if n else None
        return _Taken(factors, sums, n, failed, rest, "ok" if n else "not_applicable", used)

    def _sums(self, joined: NDArray[np.bool_], places: list[int]) -> _Sums:
        rows, weights = self._values[joined][:, places], self._weights[joined][:, places]
        clusters = self._clusters
        if not joined.all():
            clusters = np.unique(clusters[joined], return_inverse=True)[1]
        count, notes = int(clusters.max()) + 1, ""
        if count == 1 and len(rows) > 1:
            clusters, count = np.arange(len(rows)), len(rows)
            notes = "all questions are of one group and were taken as independent"
        elif count < FEW_CLUSTERS:
            notes = f"few groups ({count}): the interval is rough"

        def summed(parts: Array) -> Array:
            sums = [np.bincount(clusters, weights=part, minlength=count) for part in parts.T]
            return np.column_stack(sums)

        extremes = (float(rows.min()), float(rows.max()))
        return _Sums(summed(rows * weights), summed(weights), weights, extremes, notes)


@dataclass(frozen=True, slots=True)
class _Taken:
    """The rows of one contrast: their sums, or why there are none, and how many there are."""

    factors: Array
    sums: _Sums | None
    n: int
    failed: int
    rest: int
    status: str
    columns: tuple[Column, ...]

    @property
    def blocked(self) -> Summary:
        """A summary without a value."""
        if self.status == "withheld":
            errors = [v.reason for c in self.columns for v in c.values() if v.status is Status.JUDGE_ERROR]
            reason = f"no verdict on {self.failed} of {self.n + self.failed} questions: {_commonest(errors)}"
        else:
            reason = _first_reason(self.columns)
        return Summary(None, None, None, self.n, self.failed, self.rest, self.status, reason)

    def summary(self, mean: float, ends: Range | None, reach: Range | None = None) -> Summary:
        """The summary of rows that have a value.

        ``reach`` is what the mean over failed questions could be; without it they are left out.
        """
        if ends is None:
            reason = "one question allows no interval"
            return Summary(mean, None, None, self.n, self.failed, self.rest, "ok", reason)
        notes = [self.sums.notes if self.sums else ""]
        if self.failed and reach:
            ends = widened(ends, self.n, self.failed, reach)
            notes.append(remark(self.n, self.failed))
        return Summary(mean, *ends, self.n, self.failed, self.rest, "ok", "; ".join(filter(None, notes)))


def _first_reason(columns: Sequence[Column]) -> str:
    """The commonest reason of the rows without a value."""
    if not all(columns):
        return "not measured"
    reasons = [v.reason for column in columns for v in column.values() if v.reason]
    return _commonest(reasons) if reasons else "no question has a value"


def _commonest(reasons: list[str]) -> str:
    return max(sorted(set(reasons)), key=reasons.count)


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
