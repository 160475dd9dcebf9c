"""What base and tuned model did with the general material, as figures of the contract, joined by id."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from hybrid.evaluation.forgetting.checks import passes
from hybrid.evaluation.forgetting.material import Paragraph, Task
from hybrid.evaluation.intervals import Range, paired_difference, summarise
from hybrid.generation.abstention import abstains
from hybrid.records import Value

SHARE = (0.0, 1.0)
BITS_OF_A_BYTE = (0.0, 8.0)

Values = Mapping[str, Mapping[str, Value]]
"""Arm → id → value."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a model said to a task; an empty reply abstains, too."""

    text: str
    abstained: bool
    passed: bool


@dataclass(frozen=True, slots=True)
class Arm:
    """What one model did: task → its reply, paragraph → its bits."""

    replies: Mapping[str, Reply]
    bits: Mapping[str, float]


Arms = Mapping[str, Arm]
"""``base`` and ``tuned``."""


def read_reply(text: str, task: Task) -> Reply:
    """Looks whether a reply abstains, and if not, whether it passes the task's check."""
    silent = not text.strip() or abstains(text, references=task.check.answers or ())
    return Reply(text, silent, not silent and passes(text, task.check))


def summed_up(arms: Arms, tasks: Sequence[Task], paragraphs: Sequence[Paragraph]) -> dict[str, Any]:
    """Metric → ``base``, ``tuned`` and their paired ``difference``.

    ``bits_per_byte`` is Σ bits / Σ bytes of the paragraphs, ``over_abstention`` the share of the questions
    that get no answer, ``instruction_following`` the share of the instructions that are followed.
    """
    questions = [task.id for task in tasks if task.kind == "question"]
    instructions = [task.id for task in tasks if task.kind == "instruction"]
    per_byte = {
        name: {each.id: Value(arm.bits[each.id] / each.size, weight=each.size) for each in paragraphs}
        for name, arm in arms.items()
    }
    silent = {
        name: {id: Value(float(arm.replies[id].abstained)) for id in questions} for name, arm in arms.items()
    }
    followed = {
        name: {id: Value(float(arm.replies[id].passed)) for id in instructions} for name, arm in arms.items()
    }
    return {
        "bits_per_byte": _figures(per_byte, binary=False, bounds=BITS_OF_A_BYTE),
        "over_abstention": _figures(silent, binary=True, bounds=SHARE),
        "instruction_following": _figures(followed, binary=True, bounds=SHARE),
    }


def rows(arms: Arms, tasks: Sequence[Task], paragraphs: Sequence[Paragraph]) -> dict[str, Any]:
    """What stands behind the figures: every reply, and the bits per byte of every paragraph."""
    return {
        "tasks": [
            {"id": task.id, "kind": task.kind, "prompt": task.text}
            | {name: asdict(arm.replies[task.id]) for name, arm in arms.items()}
            for task in tasks
        ],
        "paragraphs": [
            {"id": each.id, "genre": each.genre}
            | {name: arm.bits[each.id] / each.size for name, arm in arms.items()}
            for each in paragraphs
        ],
    }


def _figures(values: Values, *, binary: bool, bounds: Range) -> dict[str, Any]:
    """Each task and each paragraph is a cluster of its own."""
    means = {name: summarise(column, {}, binary=binary, bounds=bounds) for name, column in values.items()}
    change = paired_difference(values["base"], values["tuned"], {}, binary=binary)
    return {name: figure.to_json() for name, figure in (means | {"difference": change}).items()}
