"""Bounds that a suite sets on its figures: one that does not hold ends a run with exit code 1."""

from collections.abc import Collection, Container, Mapping
from typing import Any

from hybrid.errors import UnknownName
from hybrid.evaluation.columns import COLUMNS
from hybrid.evaluation.scoring import METRICS
from hybrid.specs import SuiteSpec

TOTALS = ("prompt_tokens", "output_tokens", "seconds", "peak_memory_mb")

AT_MOST = frozenset(
    {
        "hallucination_rate",
        "hallucination_rate_answered",
        "phantom_citation_rate",
        "false_abstention",
        "false_abstention_gold_shown",
        "false_abstention_gold_not_shown",
        *TOTALS,
    }
)
"""Metrics of which less is better: their thresholds are upper bounds."""


def check_thresholds(suite: SuiteSpec, columns: Collection[str] = tuple(COLUMNS)) -> None:
    """Looks at the names of a suite's thresholds before anything is run.

    Args:
        suite: with the thresholds.
        columns: that they may name.

    Raises:
        UnknownName: a threshold names no column or no metric.
    """
    for name in suite.thresholds:
        cell, _, metric = name.rpartition(".")
        if cell not in columns:
            raise UnknownName(f'column in the threshold "{name}":', cell, columns)
        if metric not in METRICS + TOTALS:
            raise UnknownName(f'metric in the threshold "{name}":', metric, METRICS + TOTALS)


def held_thresholds(
    suite: SuiteSpec, columns: Mapping[str, Any], run: Container[str]
) -> list[dict[str, Any]]:
    """Each threshold on a column that was run, with the mean found; one without a mean has failed."""
    checked = []
    for name, bound in suite.thresholds.items():
        cell, _, metric = name.rpartition(".")
        if cell in run:
            mean = columns[cell]["metrics"][metric]["mean"]
            at_most = metric in AT_MOST
            passed = mean is not None and (mean <= bound if at_most else mean >= bound)
            checked.append({"name": name, "bound": bound, "at_most": at_most, "mean": mean, "passed": passed})
    return checked
