"""Has a run become worse than an accepted one? Bounds on the interval of a drop, paired by question."""

from collections.abc import Collection
from pathlib import Path
from typing import Any, Literal

from hybrid.errors import RunError, UnknownName
from hybrid.evaluation.choice import MOST_QUESTIONS, Difference, more_questions
from hybrid.evaluation.columns import COLUMNS
from hybrid.evaluation.intervals import Summary, paired_difference
from hybrid.evaluation.rows import Values, read_values
from hybrid.evaluation.scoring import BINARY, METRICS
from hybrid.evaluation.thresholds import AT_MOST
from hybrid.specs import RegressionSpec

Zone = Literal["held", "broken", "undecided", "not measured"]

"""More than this is called "over 10,000"."""


def open_baseline(spec: RegressionSpec | None, folder: Path, asked: Collection[str]) -> Values | None:
    """The values that a suite's bounds on regression are held against, looked at before anything is run.

    Args:
        spec: of the suite; None if it has no such bounds.
        folder: of the suite's file, from where the baseline's path is read.
        asked: ids of the questions of this run.

    Raises:
        UnknownName: a bound names no column or no metric.
        BadInput: there is no baseline.
        RunError: the baseline lacks a column, or has none of the questions.
    """
    if spec is None:
        return None
    baseline = read_values(folder / spec.baseline)
    for name in spec.most:
        cell, _, metric = name.rpartition(".")
        if cell not in COLUMNS:
            raise UnknownName(f'column in the regression "{name}":', cell, COLUMNS)
        if metric not in METRICS:
            raise UnknownName(f'metric in the regression "{name}":', metric, METRICS)
        if cell not in baseline.table:
            raise RunError(
                f'The baseline {spec.baseline} has no column "{cell}"; it has: {", ".join(baseline.table)}.'
            )
    if not baseline.groups.keys() & set(asked):
        raise RunError(
            f"The baseline {spec.baseline} shares no question with this run; make one of the same questions: "
            "hybrid report RUN --export baseline."
        )
    return baseline


def held_regressions(
    spec: RegressionSpec | None, baseline: Values | None, now: Values
) -> list[dict[str, Any]]:
    """Each bound on a column that was run, in the shape of a threshold.

    A drop is old − new, or new − old where less is better. Its bound is held if the whole interval of the
    drop lies beneath it, broken if it lies wholly above; else nobody can tell, and the suite says what
    that means.
    """
    if spec is None or baseline is None:
        return []
    return [
        _threshold(name, bound, _drop(baseline, now, *_parts(name)), spec)
        for name, bound in spec.most.items()
        if _parts(name)[0] in now.table
    ]


def _parts(name: str) -> tuple[str, str]:
    cell, _, metric = name.rpartition(".")
    return cell, metric


def _drop(baseline: Values, now: Values, cell: str, metric: str) -> Summary:
    old, new = (values.table.get(cell, {}).get(metric, {}) for values in (baseline, now))
    less, more = (old, new) if metric in AT_MOST else (new, old)
    return paired_difference(less, more, {**baseline.groups, **now.groups}, binary=metric in BINARY)


def _threshold(name: str, bound: float, drop: Summary, spec: RegressionSpec) -> dict[str, Any]:
    zone = _zone(drop, bound)
    more = _more_questions(drop, bound) if zone == "undecided" else None
    return {
        "name": name,
        "baseline": spec.baseline,
        "bound": bound,
        "at_most": True,
        "mean": drop.mean,
        "low": drop.low,
        "high": drop.high,
        "n": drop.n,
        "passed": zone == "held" or (zone != "broken" and spec.on_undecided == "pass"),
        "zone": zone,
        "more_questions": more,
        "text": _text(drop, bound, zone, more, spec),
    }


def _zone(drop: Summary, bound: float) -> Zone:
    if drop.low is None or drop.high is None:
        return "not measured"
    if drop.low > bound:
        return "broken"
    return "held" if drop.high <= bound else "undecided"


def _more_questions(drop: Summary, bound: float) -> int:
    """Questions to add until an interval around the same drop would no longer hold the bound."""
    return more_questions(Difference(drop.mean or 0.0, drop.low or 0.0, drop.high or 0.0, drop.n), bound)


def _text(drop: Summary, bound: float, zone: Zone, more: int | None, spec: RegressionSpec) -> str:
    allowed = f"at most {100 * bound:g} points worse than {spec.baseline}"
    if drop.mean is None or drop.low is None or drop.high is None:
        return f"{allowed}: not measured ({drop.reason}), counts as {spec.on_undecided}"
    found = f"{100 * drop.mean:+.0f} ({100 * drop.low:+.0f} to {100 * drop.high:+.0f}, n {drop.n})"
    if more is None:
        return f"{allowed}: {found}, {zone}"
    number = "over 10,000" if more >= MOST_QUESTIONS else f"about {more:,}"
    return f"{allowed}: {found}, cannot tell, {number} more questions; counts as {spec.on_undecided}"
