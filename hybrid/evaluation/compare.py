"""Two runs held against each other: the same questions, column by column."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from hybrid.errors import RunError
from hybrid.evaluation.intervals import paired_difference
from hybrid.evaluation.rows import Row, values_of
from hybrid.evaluation.scoring import BINARY, METRICS

MACHINE = ("created",)
"""What differs between any two runs and decides nothing."""


@dataclass(frozen=True, slots=True)
class Flip:
    """A question that became right or ceased to be.

    Attributes:
        question_id: of the question.
        cell: the column.
        old: outcome before.
        new: outcome after.
        old_answer: the text before.
        new_answer: the text after.
        gained: whether it is right now.
    """

    question_id: str
    cell: str
    old: str
    new: str
    old_answer: str
    new_answer: str
    gained: bool


@dataclass(frozen=True, slots=True)
class Comparison:
    """What changed from one run to another.

    Attributes:
        names: of the two runs.
        differences: column → metric → figures of new − old, paired by question.
        flips: questions with another value of ``correct``.
        settings: dotted name → old and new value.
        warnings: what forbids to read the differences as the effect of one change.
        n: questions that both runs asked.
        n_alone: questions that only the old, and only the new one asked.
    """

    names: tuple[str, str]
    differences: Mapping[str, Mapping[str, Mapping[str, Any]]]
    flips: tuple[Flip, ...]
    settings: Mapping[str, tuple[Any, Any]]
    warnings: tuple[str, ...]
    n: int
    n_alone: tuple[int, int]

    def to_json(self) -> dict[str, Any]:
        """Everything, ready for JSON."""
        return {
            "old": self.names[0],
            "new": self.names[1],
            "questions": {"n": self.n, "only_old": self.n_alone[0], "only_new": self.n_alone[1]},
            "warnings": list(self.warnings),
            "differences": self.differences,
            "flips": [asdict(flip) for flip in self.flips],
            "settings": {name: {"old": old, "new": new} for name, (old, new) in self.settings.items()},
        }


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two runs: its name, its results and its rows."""

    name: str
    results: Mapping[str, Any]
    rows: Sequence[Row]

    @property
    def asked(self) -> dict[str, str]:
        """Question id → text."""
        return {row["question_id"]: row["question"] for row in self.rows}


def compare(old: Side, new: Side) -> Comparison:
    """Holds two runs against each other, paired by question id and column.

    Raises:
        RunError: they have no question, or no column, in common.
    """
    shared = old.asked.keys() & new.asked.keys()
    if not shared:
        raise RunError(f"{old.name} and {new.name} share no question id; only runs of the same set compare.")
    before, after = values_of(old.rows), values_of(new.rows)
    cells = [cell for cell in after.table if cell in before.table]
    if not cells:
        raise RunError(
            f"{old.name} and {new.name} share no column: "
            f"{', '.join(before.table)} and {', '.join(after.table)}."
        )
    settings = dict(_changed(old.results.get("provenance", {}), new.results.get("provenance", {})))
    return Comparison(
        names=(old.name, new.name),
        differences={
            cell: {
                metric: paired_difference(
                    before.table[cell].get(metric, {}),
                    after.table[cell].get(metric, {}),
                    {**before.groups, **after.groups},
                    binary=metric in BINARY,
                ).to_json()
                for metric in METRICS
            }
            for cell in cells
        },
        flips=tuple(_flips(old.rows, new.rows)),
        settings=settings,
        warnings=tuple(_warnings(old, new, shared)),
        n=len(shared),
        n_alone=(len(old.asked.keys() - shared), len(new.asked.keys() - shared)),
    )


def _flips(old: Sequence[Row], new: Sequence[Row]) -> Iterator[Flip]:
    before = {(row["question_id"], row["cell"]): row for row in old}
    for row in new:
        was = before.get((row["question_id"], row["cell"]))
        if was is None or {_right(was), _right(row)} != {0.0, 1.0}:
            continue
        yield Flip(
            row["question_id"],
            row["cell"],
            was["outcome"],
            row["outcome"],
            was["answer"],
            row["answer"],
            _right(row) == 1.0,
        )


def _right(row: Row) -> float | None:
    """Right or not; what has no answer is met rightly by silence."""
    if not row["answerable"]:
        return float(row["abstained"])
    value: float | None = row["metrics"].get("correct", {}).get("value")
    return value


def _warnings(old: Side, new: Side, shared: set[str]) -> Iterator[str]:
    judges = [side.results.get("judge") or {} for side in (old, new)]
    if judges[0].get("digest") != judges[1].get("digest"):
        yield (
            f"other judges ({judges[0].get('name', 'none')}, then {judges[1].get('name', 'none')}): "
            "only correct and abstention compare"
        )
    corpora = [side.results.get("provenance", {}).get("corpus") or {} for side in (old, new)]
    if corpora[0].get("digest") != corpora[1].get("digest"):
        names = (f"{each.get('name', 'none')}@{each.get('generation', '?')}" for each in corpora)
        yield f"other texts ({', then '.join(names)}): a difference may be that of the corpus"
    reworded = sum(old.asked[question] != new.asked[question] for question in shared)
    if reworded:
        yield f"{reworded} of {len(shared)} shared questions have another wording"


def _changed(old: Any, new: Any, place: str = "") -> Iterator[tuple[str, tuple[Any, Any]]]:
    """The leaves in which two trees differ, by dotted name."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in {**old, **new}:
            if key not in MACHINE:
                yield from _changed(old.get(key), new.get(key), f"{place}.{key}" if place else str(key))
    elif old != new:
        yield place, (old, new)
