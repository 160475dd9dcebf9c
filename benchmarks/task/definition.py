"""What a use of tuning is tried on: rows to learn from, rows to ask, and how a reply is marked."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from hybrid.records import Status, Value

Part = Literal["training", "test"]
Marks = Mapping[str, Value]
"""Metric → what it says of one reply; each lies between 0 and 1."""


@dataclass(frozen=True, slots=True)
class Item:
    """One row.

    Attributes:
        text: what the user gives.
        target: the reply that is wanted.
        facts: what the reply is checked against.
    """

    text: str
    target: str
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Task:
    """A use of tuning.

    Attributes:
        name: of the option ``--task``.
        rules: what is asked for, ahead of every text.
        training: rows to learn from, in order: n rows are always the first n.
        test: rows that are asked; their names and phrases stand in no training row.
        mark: a reply and its row → the metrics.
        form: the metric that says whether the form is kept.
        content: the metric that says whether it is right; by it examples are chosen and ways are compared.
        sizes: numbers of training rows that are tried, from small to large.
        least_seen: fewer rows than this are repeated until as many were seen.
        examples: numbers of examples that are tried in the prompt of the untuned model.
        most_tokens: a reply is cut here.
        chance: the content of a reply by lot, where there is such a thing.
    """

    name: str
    rules: str
    training: tuple[Item, ...]
    test: tuple[Item, ...]
    mark: Callable[[str, Item], Marks]
    form: str
    content: str
    sizes: tuple[int, ...]
    least_seen: int = 100
    examples: tuple[int, ...] = (1, 2, 4)
    most_tokens: int = 48
    chance: float | None = None


def share(right: bool) -> Value:
    """1 or 0."""
    return Value(float(right))


def without(reason: str) -> Value:
    """No value, and why."""
    return Value(None, Status.NOT_APPLICABLE, reason)


def form_marks(*, valid: bool, exact: bool) -> Marks:
    """The metrics of every format: it keeps the form, and it also says just what it should."""
    return {"valid": share(valid), "exact": share(exact)}
