"""Which of prompt, retrieval, tuning and both is left when each part has to pay for itself.

An option's worth is the score of its best column, less d for each part that it adds to the prompt: retrieval
is one, tuning is one, both are two. The choice is the option that is surely the best in this sense: against
every other one, the whole interval of the difference lies beyond what the parts between them have to bring.
Retrieval and tuning cost the same number of parts; one is chosen over the other if the other is surely less
than d better (an indifference zone: Bechhofer, 1954).

Each choice is a conjunction of comparisons, so that none of them needs a correction: the chance of a wrong
choice is at most that of one wrong comparison (intersection-union test: Berger, 1982).
"""

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any, Literal

from hybrid.evaluation.effects import COMPARISONS, CONTRASTS, FURTHER

Option = Literal["prompt only", "retrieve", "tune", "both"]
Choice = Literal["prompt only", "retrieve", "tune", "both", "undecided", "not measured"]

OPTIONS: dict[Option, tuple[str, ...]] = {
    "prompt only": ("base", "few-shot"),
    "retrieve": ("base+rag", "few-shot+rag"),
    "tune": ("tuned",),
    "both": ("tuned+rag",),
}
"""Option → its columns; the best of them stands for it."""

PARTS: dict[Option, int] = {"prompt only": 0, "retrieve": 1, "tune": 1, "both": 2}

COMPARED = CONTRASTS | FURTHER | COMPARISONS
"""Effect → the columns that it compares, with their coefficients."""

PAIRS = {
    name: (max(weights, key=weights.__getitem__), min(weights, key=weights.__getitem__))
    for name, weights in COMPARED.items()
    if len(weights) == 2
}
"""Effect → the column that it adds to, and the one that it starts from."""

MOST_QUESTIONS = 10_000
"""More than this is not computed but called "over 10,000"."""

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Difference:
    """How far one column lies above another; no interval if too many judgements failed."""

    mean: float
    low: float
    high: float
    n: int

    def turned(self) -> "Difference":
        """The same, seen from the other column."""
        return Difference(-self.mean, -self.high, -self.low, self.n)


Found = Mapping[tuple[str, str], Difference | None]


@dataclass(frozen=True, slots=True)
class Chosen:
    """What is left.

    Attributes:
        choice: an option, ``undecided`` or ``not measured``.
        remaining: the options that no other one surely beats.
        more_questions: about how many more would settle it, if the estimates stay; None where it is settled
            or nothing leads.
    """

    choice: Choice
    remaining: tuple[Option, ...]
    more_questions: int | None


def choose(rows: Mapping[str, Row], worth_it: float, run: Collection[str]) -> Chosen:
    """The choice between the options that were measured.

    Args:
        rows: effect → its figures on the metric that decides; effects of two columns count.
        worth_it: d, as a fraction.
        run: the cells that were run. A comparison of them without a figure blocks the choice.
    """
    found = _differences(rows, run)
    options = [o for o in OPTIONS if any(c in pair and found[pair] for pair in found for c in OPTIONS[o])]
    if len(options) < 2:
        return Chosen("not measured", (), None)
    duel = _Duel(found, worth_it)
    standing = [o for o in options if all(duel.stands(o, other) for other in options if other != o)]
    remaining = tuple(o for o in options if not any(duel.beats(other, o) for other in options if other != o))
    if standing:
        return Chosen(duel.larger(standing), remaining, None)
    return Chosen("undecided", remaining, duel.more_questions(options))


def more_questions(difference: Difference, bar: float) -> int:
    """Questions to add until an interval around the same estimate would no longer hold the bar.

    A half-width falls with √n, so n · (half-width ÷ distance to the bar)² questions are needed in all.
    """
    distance = abs(difference.mean - bar)
    above = difference.mean > bar
    half = difference.mean - difference.low if above else difference.high - difference.mean
    if distance * math.sqrt(MOST_QUESTIONS / difference.n) <= half:
        return MOST_QUESTIONS
    return min(MOST_QUESTIONS, max(1, math.ceil(difference.n * ((half / distance) ** 2 - 1))))


def best_column(option: Option, rows: Mapping[str, Row]) -> str:
    """The column that stands for an option: of two that were compared, the one with the higher mean."""
    first, *others = OPTIONS[option]
    for other in others:
        name = next(name for name, pair in PAIRS.items() if pair == (other, first))
        mean = rows.get(name, {}).get("mean")
        if mean is not None and mean > 0:
            return other
    return first


@dataclass(frozen=True, slots=True)
class _Duel:
    """Comparisons of two options by the differences of their columns."""

    found: Found
    worth_it: float

    def bar(self, option: Option, other: Option) -> float:
        """What an option has to lie above another for the parts that it adds; negative for fewer parts."""
        return self.worth_it * (PARTS[option] - PARTS[other])

    def beats(self, option: Option, other: Option) -> bool:
        """Whether the option surely lies above the other by what its parts have to bring."""
        compared = bool(self._against(option, other))
        return compared and self._above(option, other, self.bar(option, other))

    def stands(self, option: Option, other: Option) -> bool:
        """Whether the option may be chosen over the other: for as many parts, if it is not d worse."""
        same = PARTS[option] == PARTS[other]
        return self._above(option, other, -self.worth_it if same else self.bar(option, other))

    def _above(self, option: Option, other: Option, bar: float) -> bool:
        """For each column of the other, some column of the option surely lies above it by the bar."""
        return all(
            any(difference is not None and difference.low > bar for difference in against)
            for against in self._against(option, other)
        )

    def _against(self, option: Option, other: Option) -> list[list[Difference | None]]:
        """For each column of the other, its differences to the option's columns, where there are any."""
        lists = (
            [self.found[c, rival] for c in OPTIONS[option] if (c, rival) in self.found]
            for rival in OPTIONS[other]
        )
        return [each for each in lists if each]

    def larger(self, standing: list[Option]) -> Option:
        """Of retrieval and tuning, if both stand, the one with the larger mean; retrieval at a tie."""
        first, *others = standing
        for other in others:
            against = chain.from_iterable(self._against(other, first))
            if all(difference is not None and difference.mean > 0 for difference in against):
                return other
        return first

    def more_questions(self, options: list[Option]) -> int | None:
        """For the option that leads by its means: questions until its last open comparison is settled."""
        for option in options:
            rivals = [other for other in options if other != option]
            needed = [self._needed(option, other) for other in rivals]
            if all(each is not None for each in needed):
                return max(each for each in needed if each is not None)
        return None

    def _needed(self, option: Option, other: Option) -> int | None:
        """Questions until the option surely lies above the other; None if its mean does not."""
        same = PARTS[option] == PARTS[other]
        bar = 0.0 if same else self.bar(option, other)
        worst = 0
        for against in self._against(option, other):
            ahead = [each for each in against if each is not None and each.mean > bar]
            if not ahead:
                return None
            aim = -self.worth_it if same else bar
            worst = max(worst, min(0 if e.low > aim else more_questions(e, aim) for e in ahead))
        return worst


def _differences(rows: Mapping[str, Row], run: Collection[str]) -> Found:
    """(column, column) → how far the first lies above the second, both ways; None where it was withheld."""
    found: dict[tuple[str, str], Difference | None] = {}
    for name, (above, below) in PAIRS.items():
        row = rows.get(name)
        if not row or (row.get("mean") is None and name in CONTRASTS and not {above, below} <= set(run)):
            continue
        difference = _difference(row)
        found[above, below] = difference
        found[below, above] = difference.turned() if difference else None
    return found


def _difference(row: Row) -> Difference | None:
    if row.get("low") is None or row.get("high") is None:
        return None
    return Difference(row["mean"], row["low"], row["high"], row["n"])
