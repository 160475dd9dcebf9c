"""From the table of a run to its verdict: which columns are silent, and what speaks against the choice."""

from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import Any

from hybrid.evaluation.columns import CELLS, COLUMNS
from hybrid.evaluation.effects import effects
from hybrid.evaluation.intervals import Column
from hybrid.evaluation.verdict import Effects, Rows, decide
from hybrid.records import Status, Value

Table = Mapping[str, Mapping[str, Column]]

DECIDING = ("score", "correct")


def adviser(
    table: Table,
    groups: Mapping[str, str],
    splits: Mapping[str, str],
    *,
    worth_it: float,
    penalty: float = 1.0,
    judge_validated: bool = False,
    judged: bool = True,
    hallucination: Rows | None = None,
    tolerance: float | None = None,
) -> Callable[[Effects], dict[str, Any]]:
    """What gives the verdict on the effects of a table; see :func:`hybrid.evaluation.verdict.decide`.

    Args:
        table: column → metric → question id → value.
        groups: question id → cluster.
        splits: question id → ``seen`` or ``unseen``.
        worth_it: d, as a fraction.
        penalty: what a hallucination costs in the score.
        judge_validated: whether the judge's agreement with people is known.
        judged: whether there was a judge; without one there is no verdict.
        hallucination: column → its hallucination rate.
        tolerance: the greatest hallucination rate that is tolerated, if one was declared.
    """
    silent = silent_columns(table) if judged else []

    def compared(part: Table) -> Effects:
        return _effects(part, groups, silent)

    bare = {"forgiven": 0.0, "counted": penalty}
    present = [split for split in ("seen", "unseen") if split in splits.values()]
    return partial(
        decide,
        worth_it=worth_it,
        cells_present=[cell.name for cell in CELLS if cell.name in table],
        silent=silent,
        judge_validated=judge_validated,
        headline_split=" and ".join(present),
        without_judge=None
        if judge_validated
        else {name: compared(unjudged(table, weight)) for name, weight in bare.items()},
        by_split={split: compared(_part(table, splits, split)) for split in present}
        if len(present) > 1
        else None,
        hallucination=hallucination,
        tolerance=tolerance,
    )


def advise(table: Table, groups: Mapping[str, str], splits: Mapping[str, str], **more: Any) -> dict[str, Any]:
    """The verdict on a table by itself; see :func:`adviser` for the arguments."""
    return adviser(table, groups, splits, **more)(_effects(table, groups, silent_columns(table)))


def _effects(table: Table, groups: Mapping[str, str], silent: Collection[str]) -> Effects:
    """The effects on what decides: on ``correct`` only where a silent column needs it."""
    return effects(table, groups, binary=("correct",), metrics=DECIDING if silent else DECIDING[:1])


def silent_columns(table: Table) -> list[str]:
    """The columns that abstain on more than half of the answerable questions."""
    return [name for name in COLUMNS if _is_silent(table.get(name, {}).get("false_abstention", {}).values())]


def unjudged(table: Table, penalty: float) -> dict[str, dict[str, Column]]:
    """The table with a score that no judge had a hand in: every wrong answer costs the penalty.

    With the full penalty a wrong answer that is true to some passage is taken as hallucinated, too, and
    without one nothing is; what a judge without error would say lies between.
    """
    return {
        name: {"score": _unjudged_score(column, penalty), "correct": column.get("correct", {})}
        for name, column in table.items()
    }


def _unjudged_score(column: Mapping[str, Column], penalty: float) -> Column:
    right = {**_valued(column.get("abstention_recall", {})), **_valued(column.get("correct", {}))}
    answered = _valued(column.get("answer_rate", {}))
    unknown = Value(None, Status.NOT_APPLICABLE, "the question has no references")
    return {
        question: Value(right[question] - penalty * (answered[question] > right[question]))
        if question in right
        else unknown
        for question in answered
    }


def _valued(column: Column) -> dict[str, float]:
    return {question: value.value for question, value in column.items() if value.value is not None}


def _is_silent(false_abstention: Collection[Value]) -> bool:
    silences = [value.value for value in false_abstention if value.value is not None]
    return sum(silences) > len(silences) / 2


def _part(table: Table, splits: Mapping[str, str], split: str) -> dict[str, dict[str, Column]]:
    return {
        name: {
            metric: {
                question: value
                for question, value in column.get(metric, {}).items()
                if splits[question] == split
            }
            for metric in DECIDING
        }
        for name, column in table.items()
    }
