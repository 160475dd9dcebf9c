"""What people's labels say of a run's judge, and of the figures that stand on it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hybrid.errors import BadInput
from hybrid.evaluation.effects import CONTRASTS, FURTHER
from hybrid.evaluation.intervals import summarise
from hybrid.evaluation.prediction_powered import Judged, Share, difference, supported_share
from hybrid.evaluation.report import Report, open_report
from hybrid.judging.label_page import Session
from hybrid.judging.labelling import LABELS, Claim, Label, Labels, chances, claims, deck, open_labels
from hybrid.records import Value, Verdict

LEAST = 10
"""A rate of fewer labelled statements is not told."""

Results = Mapping[str, Any]
Cells = Mapping[str, Sequence[Judged]]


def session(run: Path, *, n: int, seed: int | None = None, out: Path | None = None) -> Session:
    """What there is to label in a finished run.

    Args:
        run: the folder of the run.
        n: claims to label in all, as many for each cell.
        seed: of the draw; default: that of the labels there are, or 0.
        out: the file of the labels; default: ``labels.jsonl`` of the run.

    Raises:
        BadInput: there is no finished run, or no statement in it.
        RunError: the labels there are were drawn with another seed.
    """
    found = _claims(open_report(run))
    if not found:
        raise BadInput(str(run), "no answer of this run has a statement to label.")
    labels = open_labels(out or run / LABELS, seed)
    return Session(str(run), deck(found, labels.seed)[:n], labels)


def with_labels(report: Report) -> Report:
    """The run with what its labels say, saved if they say something new; the same run if there are none.

    Raises:
        BadInput: a line of the labels cannot be read.
    """
    folder = report.folder
    if folder is None or not (folder / LABELS).is_file():
        return report
    figures = label_figures(_claims(report), open_labels(folder / LABELS))
    figures |= _flip(figures, report.results.get("verdict") or {})
    judge = report.results["judge"] | {"labels": figures}
    if judge == report.results["judge"]:
        return report
    return Report({**report.results, "judge": judge}, report.rows).save(folder)


def label_figures(found: Sequence[Claim], labels: Labels) -> dict[str, Any]:
    """The judge's errors and the corrected shares of supported statements.

    Args:
        found: the claims of a run.
        labels: of some of them, and perhaps of others, which count for nothing.

    Returns:
        ``n`` and ``n_unsure``: labelled claims; ``cells``: cell → ``n``, ``true_positive_rate`` and
        ``false_positive_rate`` of the judge (called supported, of what people call supported, and of what
        they do not), ``supported_share`` (prediction-powered) and ``supported_share_judge``;
        ``differences``: effect → the contrast of ``supported_share``.
    """
    given = [labels.by_key[claim.key] for claim in found if claim.key in labels.by_key]
    cells = _judged(found, labels)
    shares = {cell: _share(judged) for cell, judged in cells.items()}
    return {
        "n": sum(label is not Label.UNSURE for label in given),
        "n_unsure": given.count(Label.UNSURE),
        "cells": {cell: _cell(judged, shares[cell]) for cell, judged in cells.items()},
        "differences": _differences(shares),
    }


def _claims(report: Report) -> list[Claim]:
    return claims(report.rows, [*report.results["cells"], *report.results["references"]])


def _judged(found: Sequence[Claim], labels: Labels) -> dict[str, list[Judged]]:
    """Cell → its claims that have a verdict."""
    drawn = chances(found, labels)
    people = {Label.SUPPORTED: 1.0, Label.NOT_SUPPORTED: 0.0}
    cells: dict[str, list[Judged]] = {}
    for claim in found:
        for cell, count in Counter(here.cell for here in claim.occurrences).items():
            here = next(here for here in claim.occurrences if here.cell == cell)
            if here.verdict is not None:
                judge = float(here.verdict == Verdict.SUPPORTED)
                label = people.get(labels.by_key.get(claim.key, Label.UNSURE))
                judged = Judged(here.group, count, judge, label, drawn[claim.key])
                cells.setdefault(cell, []).append(judged)
    return cells


def _cell(judged: Sequence[Judged], share: Share | None) -> dict[str, Any]:
    labelled = [claim for claim in judged if claim.label is not None]
    return {
        "n": len(labelled),
        "true_positive_rate": _rate([claim for claim in labelled if claim.label == 1]),
        "false_positive_rate": _rate([claim for claim in labelled if claim.label == 0]),
        "supported_share": _figure(share, len(labelled)),
        "supported_share_judge": _summary([(claim, float(claim.count)) for claim in judged]),
    }


def _rate(labelled: Sequence[Judged]) -> dict[str, Any]:
    """How many of these the judge calls supported."""
    if len(labelled) < LEAST:
        return _withheld(len(labelled))
    return _summary([(claim, claim.count / claim.chance) for claim in labelled])


def _summary(weighted: Sequence[tuple[Judged, float]]) -> dict[str, Any]:
    """The weighted share that the judge calls supported."""
    values = {str(place): Value(claim.judge, weight=weight) for place, (claim, weight) in enumerate(weighted)}
    groups = {str(place): claim.group for place, (claim, _) in enumerate(weighted)}
    figure = summarise(values, groups, binary=True)
    return {
        "mean": figure.mean,
        "low": figure.low,
        "high": figure.high,
        "n": figure.n,
        "status": figure.status,
        "reason": figure.reason,
    }


def _share(judged: Sequence[Judged]) -> Share | None:
    enough = sum(claim.label is not None for claim in judged) >= LEAST
    return supported_share(judged) if enough else None


def _figure(share: Share | None, n: int) -> dict[str, Any]:
    if share is None:
        return _withheld(n)
    ends = {"mean": share.mean, "low": share.low, "high": share.high}
    return ends | {"n": n, "status": "ok", "reason": ""}


def _withheld(n: int) -> dict[str, Any]:
    ends = {"mean": None, "low": None, "high": None}
    return ends | {"n": n, "status": "withheld", "reason": f"withheld, n = {n}"}


def _differences(shares: Mapping[str, Share | None]) -> dict[str, Any]:
    """Effect → the contrast of the corrected shares, of those effects whose cells all have one."""
    told = {cell: share for cell, share in shares.items() if share is not None}
    figures = {}
    for name, factors in (CONTRASTS | FURTHER).items():
        if factors.keys() <= told.keys():
            found = difference(told, factors)
            n = min(told[cell].n for cell in factors)
            figures[name] = {"mean": found.mean, "low": found.low, "high": found.high, "n": n}
    return figures


def _flip(figures: Results, verdict: Results) -> dict[str, Any]:
    """What would flip the verdict, and where the labels put the judge's false-positive rate there."""
    flips = verdict.get("flips", {})
    measured = [
        _held_against(cell, points, figures["cells"].get(cell, {}).get("false_positive_rate"))
        for cell, points in flips.items()
        if points is not None
    ]
    return {"flip": " ".join([verdict.get("flip", ""), *measured]).strip(), "flips": flips}


def _held_against(cell: str, points: int, rate: Mapping[str, Any] | None) -> str:
    if not rate or rate["mean"] is None:
        return f"In {cell} labels do not tell it yet ({(rate or _withheld(0))['reason']})."
    mean, low, high = (round(100 * rate[end]) for end in ("mean", "low", "high"))
    if high < points:
        said = "less than it takes"
    else:
        said = "as much as it takes" if low >= points else "so that the flip is not ruled out"
    return f"In {cell} labels put it at {mean} % [{low}, {high}], {said} (n = {rate['n']})."
