"""What probes find that stands in no row: swaps that could not be made, what answers repeat, times."""

from collections.abc import Mapping
from typing import Any

from hybrid.adapters import Adapter
from hybrid.evaluation.answering import Answered
from hybrid.evaluation.columns import RETRAINED
from hybrid.evaluation.job import Job
from hybrid.evaluation.probes.regurgitation import hidden_from, regurgitated
from hybrid.evaluation.probes.stale import seconds_to_right

Findings = Mapping[str, Mapping[str, Mapping[str, Any]]]
"""Probe → cell → figure → what was found."""

ASIDE = {
    "counterfactual": ("skipped",),
    "regurgitation": ("canaries", "canary_rate", "copied_rate"),
    "stale": ("seconds_to_right",),
}
"""The figures that are found so."""


def aside(
    job: Job, adapter: Adapter | None, answered: Answered, *, retrained: Adapter | None = None
) -> Findings:
    """What was found so.

    ``counterfactual``: why questions were ``skipped``. ``regurgitation``: see :func:`regurgitated`.
    ``stale``: see :func:`seconds_to_right`.
    """
    groups = {question.id: question.group for question in job.all_questions}
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for column in job.columns:
        if column.probe == "counterfactual":
            skipped = {"skipped": dict(answered.showcase.counterfactuals.skipped)}
            found.setdefault(column.probe, {})[column.cell] = skipped
        elif column.probe == "stale":
            seconds = seconds_to_right(
                column,
                answered.requests[column.name],
                answered.answers[column.name],
                answered.costs[column.name],
                answered.showcase.followed,
                retrained if column == RETRAINED else adapter,
            )
            found.setdefault(column.probe, {})[column.cell] = {"seconds_to_right": seconds}
        elif "regurgitation" in job.probes:
            requests, answers = answered.requests[column.name], answered.answers[column.name]
            hidden = hidden_from(column, requests, adapter, job.suite, job.seed)
            if hidden is not None:
                figures = regurgitated(requests, answers, hidden, groups)
                found.setdefault("regurgitation", {})[column.cell] = figures
    return found


def kept_aside(probes: Findings) -> Findings:
    """The same of a finished run, from its ``results["probes"]``: no judge has a say in it."""
    return {
        probe: {
            cell: {name: figure for name, figure in figures.items() if name in ASIDE[probe]}
            for cell, figures in probes[probe].items()
        }
        for probe in ASIDE
        if probe in probes
    }
