"""Base and tuned model on the same general text and tasks, joined by id."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from hybrid import library
from hybrid.adapters import Adapter
from hybrid.evaluation.forgetting.bits import bits
from hybrid.evaluation.forgetting.checks import passes
from hybrid.evaluation.forgetting.gate import gate
from hybrid.evaluation.forgetting.material import Paragraph, Task, read_paragraphs, read_tasks
from hybrid.evaluation.intervals import Range, paired_difference, summarise
from hybrid.evaluation.job import Job
from hybrid.generation.abstention import abstains
from hybrid.generation.answers import AnswerStore
from hybrid.generation.generator import Generator, Prompt
from hybrid.generation.prompt import Message
from hybrid.progress import Progress
from hybrid.records import Value

ARMS = {"base": False, "tuned": True}
"""Arm → whether the adapter is on."""

REPLY_TOKENS = 64
"""A reply is cut here, whatever the pipeline allows its answers."""

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


def forgetting(job: Job, adapter: Adapter | None, progress: Progress) -> dict[str, Any] | None:
    """What tuning cost, as ``results.json`` has it; None if it was not asked for, or nothing is tuned."""
    if not job.spec.forgetting.enabled:
        return None
    if adapter is None or not any(column.tuned for column in job.columns):
        progress.say("Forgetting is not measured: no tuned column is run.")
        return None
    generator = Generator(
        job.weights, job.spec.generation.model_copy(update={"max_new_tokens": REPLY_TOKENS})
    )
    generator.put_on(adapter)
    tasks, paragraphs = read_tasks(), read_paragraphs()
    arms = {
        name: Arm(_replies(generator, tasks, name, progress), _bits(generator, paragraphs, name, progress))
        for name in ARMS
    }
    figures = summed_up(arms, tasks, paragraphs)
    rows = {"tasks": _task_rows(arms, tasks), "paragraphs": _paragraph_rows(arms, paragraphs)}
    return figures | {"gate": gate(figures, job.spec.forgetting), "rows": rows}


def read_reply(text: str, task: Task) -> Reply:
    """Looks whether a reply abstains, and whether it passes the task's check."""
    silent = not text.strip() or abstains(text, references=task.check.answers or ())
    return Reply(text, silent, passes(text, task.check))


def summed_up(
    arms: Mapping[str, Arm], tasks: Sequence[Task], paragraphs: Sequence[Paragraph]
) -> dict[str, dict[str, Any]]:
    """Metric → ``base``, ``tuned`` and their paired ``difference``, as figures of the contract.

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


def _figures(values: Values, *, binary: bool, bounds: Range) -> dict[str, Any]:
    """Each task and each paragraph is a cluster of its own."""
    means = {name: summarise(column, {}, binary=binary, bounds=bounds) for name, column in values.items()}
    change = paired_difference(values["base"], values["tuned"], {}, binary=binary)
    return {name: figure.to_json() for name, figure in (means | {"difference": change}).items()}


def _replies(generator: Generator, tasks: Sequence[Task], name: str, progress: Progress) -> dict[str, Reply]:
    """Replies to the plain tasks: no rules of a pipeline stand before them."""
    prompts = [Prompt(tuple(generator.encoder.prompt([Message("user", task.text)])), ()) for task in tasks]
    store = AnswerStore(library.home() / "answers")
    with progress.track(f"General tasks: {name}", len(prompts)) as done:
        outputs = generator.generate(prompts, tuned=ARMS[name], store=store, done=done).outputs
    return {task.id: read_reply(output.text, task) for task, output in zip(tasks, outputs, strict=True)}


def _bits(
    generator: Generator, paragraphs: Sequence[Paragraph], name: str, progress: Progress
) -> dict[str, float]:
    found = {}
    with progress.track(f"General text: {name}", len(paragraphs)) as done:
        for paragraph in paragraphs:
            found[paragraph.id] = bits(generator, paragraph.text, tuned=ARMS[name])
            done(len(found), "")
    return found


def _task_rows(arms: Mapping[str, Arm], tasks: Sequence[Task]) -> list[dict[str, Any]]:
    return [
        {"id": task.id, "kind": task.kind, "prompt": task.text}
        | {name: asdict(arm.replies[task.id]) for name, arm in arms.items()}
        for task in tasks
    ]


def _paragraph_rows(arms: Mapping[str, Arm], paragraphs: Sequence[Paragraph]) -> list[dict[str, Any]]:
    """The bits per byte of each paragraph."""
    return [
        {"id": each.id, "genre": each.genre}
        | {name: arm.bits[each.id] / each.size for name, arm in arms.items()}
        for each in paragraphs
    ]
