"""Base and tuned model on the same general tasks and text: one model loaded, the adapter toggled."""

from collections.abc import Sequence
from typing import Any

from hybrid import library
from hybrid.adapters import Adapter
from hybrid.evaluation.forgetting.bits import bits
from hybrid.evaluation.forgetting.figures import Arm, Reply, read_reply, rows, summed_up
from hybrid.evaluation.forgetting.gate import gate
from hybrid.evaluation.forgetting.material import Paragraph, Task, read_paragraphs, read_tasks
from hybrid.evaluation.job import Job
from hybrid.generation.answers import AnswerStore
from hybrid.generation.fitting import Prompt
from hybrid.generation.generator import Generator
from hybrid.generation.prompt import Message
from hybrid.models import Served
from hybrid.progress import Progress

ARMS = {"base": False, "tuned": True}
"""Arm → whether the adapter is on."""

REPLY_TOKENS = 64
"""A reply is cut here, whatever the pipeline allows its answers."""


def forgetting(job: Job, adapter: Adapter | None, progress: Progress) -> dict[str, Any] | None:
    """What tuning cost, as ``results.json`` has it; None if it was not asked for, or nothing is tuned."""
    if job.spec.forgetting.enabled and not job.forgets:
        progress.say("Forgetting is not measured: it needs a tuned column, and a model that runs here.")
    if adapter is None or isinstance(job.weights, Served) or not job.forgets:
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
    held = gate(figures, job.spec.forgetting)
    return figures | {"gate": held, "rows": rows(arms, tasks, paragraphs)}


def workload(generator: Generator) -> str:
    """One line on what measuring it will take."""
    tasks, paragraphs = read_tasks(), read_paragraphs()
    read = sum(len(_prompt(generator, task).ids) for task in tasks)
    read += sum(len(generator.encoder.text(paragraph.text)) for paragraph in paragraphs)
    return (
        f"forgetting: {len(tasks)} tasks and {len(paragraphs)} paragraphs before and after, "
        f"{len(ARMS) * read} tokens to read, at most {len(ARMS) * len(tasks) * REPLY_TOKENS} to write"
    )


def _prompt(generator: Generator, task: Task) -> Prompt:
    """The plain task: no rules of a pipeline stand before it."""
    return Prompt(tuple(generator.encoder.prompt([Message("user", task.text)])), ())


def _replies(generator: Generator, tasks: Sequence[Task], name: str, progress: Progress) -> dict[str, Reply]:
    prompts = [_prompt(generator, task) for task in tasks]
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
