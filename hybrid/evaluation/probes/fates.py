"""What became of an answer, as probes compare it: right, wrong or silent."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any

from hybrid.evaluation.conditional import conditional_rate
from hybrid.evaluation.scoring import ScoredRow
from hybrid.records import Value


class Fate(StrEnum):
    """What became of an answer."""

    RIGHT = "right"
    WRONG = "wrong"
    SILENT = "silent"


def fates(rows: Iterable[ScoredRow]) -> dict[str, Fate]:
    """Question id → fate, of the rows of one column.

    Rows without references are left out, and those in which a passage did not fit the context: they did not
    see what the probe shows.
    """
    return {
        row.record.question.id: _fate(row)
        for row in rows
        if row.metrics["correct"].value is not None and not row.record.answer.dropped_passages
    }


def _fate(row: ScoredRow) -> Fate:
    if row.record.answer.abstained:
        return Fate.SILENT
    return Fate.RIGHT if row.metrics["correct"].value == 1.0 else Fate.WRONG


def harm(
    without: Mapping[str, Fate], beside: Mapping[str, Fate], groups: Mapping[str, str], among: str
) -> dict[str, Any]:
    """P(answered, but not correct, with something beside | correct without it), as a metric of the contract.

    Args:
        without: question id → fate of the answer without it.
        beside: the same with it.
        groups: question id → cluster.
        among: the condition, for the reason where too few meet it.
    """
    right = [id for id in beside if without.get(id) is Fate.RIGHT]
    return conditional_rate({id: Value(float(beside[id] is Fate.WRONG)) for id in right}, groups, among)
