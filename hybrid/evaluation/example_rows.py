"""The rows behind a figure: a few questions at which a sceptic can look."""

from collections.abc import Mapping, Sequence
from typing import Any

from hybrid.evaluation.choice import PAIRS
from hybrid.evaluation.intervals import Column
from hybrid.records import Value

MOST = 5
MOST_AGAINST = 2

Table = Mapping[str, Mapping[str, Column]]
Reference = dict[str, str]


def behind_effect(effect: str, metric: str, table: Table) -> list[Reference]:
    """Questions at which the two columns of an effect differ, those of the larger side first.

    At most five; two of them speak against the mean, where there are such.
    """
    if effect not in PAIRS:
        return []
    above, below = PAIRS[effect]
    start = valued(table, below, metric)
    found = {
        question: value - before
        for question, value in valued(table, above, metric).items()
        if (before := start.get(question)) is not None
    }
    sign = 1 if sum(found.values()) >= 0 else -1
    ordered = sorted(found, key=lambda question: (-sign * found[question], question))
    speaking = [question for question in ordered if sign * found[question] > 0]
    against = [question for question in reversed(ordered) if sign * found[question] < 0][:MOST_AGAINST]
    return [{"question_id": each, "cell": above} for each in (*speaking[: MOST - len(against)], *against)]


def where(table: Table, column: str, metric: str, value: float) -> list[Reference]:
    """The first questions at which a column has a value."""
    ids = [question for question, each in sorted(valued(table, column, metric).items()) if each == value]
    return [{"question_id": question, "cell": column} for question in ids[:MOST]]


def with_rows(
    sentences: Sequence[Mapping[str, str]], zones: Mapping[str, Any], table: Table
) -> list[dict[str, Any]]:
    """The sentences of a verdict, each with the rows behind its effect."""
    return [
        {
            **sentence,
            "rows": behind_effect(
                sentence["effect"], zones.get(sentence["effect"], {}).get("metric", "score"), table
            ),
        }
        for sentence in sentences
    ]


def valued(table: Table, column: str, metric: str) -> dict[str, float]:
    """Question id → value, of the rows that have one."""
    values: Mapping[str, Value] = table.get(column, {}).get(metric, {})
    return {question: each.value for question, each in values.items() if each.value is not None}
