"""Risk against coverage: how wrong a column is on the share of the questions of which it is surest.

A model that may keep silent is asked two things at once: how much it answers, and how often it is wrong
where it does. Two columns are compared fairly only where they answer the same share of the questions
(El-Yaniv and Wiener, 2010).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from hybrid.evaluation.intervals import Summary, summarise
from hybrid.evaluation.rows import Row
from hybrid.records import Value

LEVELS = (0.25, 0.5, 0.75, 1.0)
_LAST = -1.0
"""Where answers stand of which the judge said nothing: behind all others."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One question: whether it was answered, wrongly, and how sure one may be of the answer.

    Attributes:
        question: its id.
        group: its cluster.
        answered: False if the column kept silent.
        wrong: whether the answer is wrong; an answer to an unanswerable question always is.
        support: the judge's lowest score of a statement against the evidence pool; -1 without one.
    """

    question: str
    group: str
    answered: bool
    wrong: bool
    support: float


@dataclass(frozen=True, slots=True)
class Curve:
    """Coverage and risk of a column, the surest answers first.

    Attributes:
        cell: the column.
        points: of coverage and risk; where answers are equally sure only at the end of them.
        ranked: whether the judge's scores ranked the answers, or nothing but silence did.
        attempts: what it was made of, in the order of the ranking.
    """

    cell: str
    points: tuple[tuple[float, float], ...]
    ranked: bool
    attempts: tuple[Attempt, ...]

    @property
    def reach(self) -> float:
        """The share of the questions that are answered at all."""
        return self.points[-1][0] if self.points else 0.0

    def risk(self, coverage: float) -> Summary | None:
        """The share of wrong answers among the surest that make this coverage; None if it is not reached.

        Of answers that are equally sure each counts in part, as if the last ones were drawn.
        """
        wanted = coverage * len(self.attempts)
        if not self.points or wanted > sum(attempt.answered for attempt in self.attempts) + 1e-9:
            return None
        values: dict[str, Value] = {}
        for block in _blocks(self.attempts):
            share = min(1.0, wanted / len(block))
            wanted -= share * len(block)
            values |= {each.question: Value(float(each.wrong), weight=share) for each in block}
        return summarise(values, {each.question: each.group for each in self.attempts}, binary=True)


def curves(rows: Iterable[Row], cells: Sequence[str]) -> list[Curve]:
    """The curves of these columns, in their order, as far as it is known what was right."""
    attempts: dict[str, list[Attempt]] = {cell: [] for cell in cells}
    for row in rows:
        if row["cell"] in attempts and (attempt := _attempt(row)):
            attempts[row["cell"]].append(attempt)
    return [_curve(cell, found) for cell, found in attempts.items() if found]


def equal_coverages(found: Sequence[Curve]) -> list[float]:
    """The coverages at which columns are compared: fixed ones, and the greatest that all of them reach."""
    common = min((curve.reach for curve in found), default=0.0)
    return sorted({*LEVELS, *([common] if common > 0 else [])})


def _attempt(row: Row) -> Attempt | None:
    correct = row["metrics"].get("correct", {}).get("value")
    if row["answerable"] and correct is None:
        return None
    scores = [statement.get("pool_score") for statement in row["statements"]]
    known = [score for score in scores if score is not None]
    return Attempt(
        question=row["question_id"],
        group=row["group"],
        answered=not row["abstained"],
        wrong=not (row["answerable"] and correct == 1.0),
        support=min(known) if known and len(known) == len(scores) else _LAST,
    )


def _curve(cell: str, attempts: Sequence[Attempt]) -> Curve:
    ordered = tuple(sorted(attempts, key=lambda each: each.support, reverse=True))
    points: list[tuple[float, float]] = []
    answered = wrong = 0
    for block in _blocks(ordered):
        answered += len(block)
        wrong += sum(each.wrong for each in block)
        points.append((answered / len(ordered), wrong / answered))
    ranked = any(each.answered and each.support > _LAST for each in ordered)
    return Curve(cell, tuple(points), ranked, ordered)


def _blocks(ordered: Sequence[Attempt]) -> list[list[Attempt]]:
    """The answered ones, those of equal support together."""
    answered = (each for each in ordered if each.answered)
    return [list(block) for _, block in groupby(answered, key=lambda each: each.support)]
