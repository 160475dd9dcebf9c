"""How well the abstention detector agrees with people, on outputs of all columns labelled by hand."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from hybrid import library
from hybrid.generation.abstention import abstains

LABELS = "abstention-labels.jsonl"


class LabelledOutput(BaseModel):
    """An output as a cell gave it, and whether a reader says that it abstains."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    cell: str
    answer: str
    cited: bool
    references: tuple[str, ...]
    abstained: bool


@dataclass(frozen=True, slots=True)
class Agreement:
    """Counts of outputs: labelled, of which abstentions, and of which the detector got right.

    Attributes:
        n: labelled outputs.
        n_abstained: those that a reader calls abstentions.
        agreed: those on which detector and reader agree.
        missed: abstentions that the detector took for answers.
        false_alarms: answers that the detector took for abstentions.
    """

    n: int
    n_abstained: int
    agreed: int
    missed: int
    false_alarms: int

    def to_json(self) -> dict[str, Any]:
        """The fields by name."""
        return asdict(self)


def read_labels(path: Path | None = None) -> list[LabelledOutput]:
    """The labelled outputs that ship, or those of a file."""
    path = path or library.builtin_folder("eval") / LABELS
    lines = path.read_text(encoding="utf-8").splitlines()
    return [LabelledOutput.model_validate_json(line) for line in lines]


def agreement(labelled: Sequence[LabelledOutput]) -> Agreement:
    """Holds the detector against the labels."""
    found = [abstains(row.answer, references=row.references, cited=row.cited) for row in labelled]
    pairs = [(row.abstained, guess) for row, guess in zip(labelled, found, strict=True)]
    return Agreement(
        n=len(pairs),
        n_abstained=sum(truth for truth, _ in pairs),
        agreed=sum(truth == guess for truth, guess in pairs),
        missed=pairs.count((True, False)),
        false_alarms=pairs.count((False, True)),
    )
