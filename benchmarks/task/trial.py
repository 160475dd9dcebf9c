"""A task tried on a model: as it comes, with examples in its prompt, and tuned on more and more rows."""

import math
import statistics
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from task.definition import Item, Task

from hybrid.adapters import open_adapter
from hybrid.errors import HybridError
from hybrid.evaluation.intervals import Column, paired_difference, summarise
from hybrid.generation.device import load_model
from hybrid.generation.fitting import Prompt
from hybrid.generation.generator import Generator
from hybrid.generation.prompt import Message
from hybrid.models import Weights
from hybrid.retrieval.embed import Embedder
from hybrid.specs import GenerationSpec, TuningSpec
from hybrid.tuning.encoding import EncodedRow, encode_chat
from hybrid.tuning.train import train

CHOICE_ROWS = 16
BASE, FEW_SHOT = "base", "few-shot"
SAMPLES = 3


@dataclass(frozen=True, slots=True)
class Way:
    """What one way of asking gave.

    Attributes:
        replies: to the test rows, in their order.
        columns: metric → number of the row → value.
        prompt_tokens: mean over the rows.
        seconds: for all rows.
        about: how it was made.
    """

    replies: tuple[str, ...]
    columns: Mapping[str, Column]
    prompt_tokens: float
    seconds: float
    about: Mapping[str, Any]


def tried(
    task: Task, weights: Weights, embedder: Embedder, tuning: TuningSpec, seed: int = 0
) -> dict[str, Any]:
    """Asks the test rows in every way, and compares the ways.

    Args:
        task: what is tried.
        weights: the base model.
        embedder: finds the training rows that are nearest to a row, as its examples.
        tuning: rank, rate and batch.
        seed: of the adapters.

    Raises:
        HybridError: a training row is longer than ``tuning.max_row_tokens``.
    """
    base = Generator(weights, GenerationSpec(max_new_tokens=task.most_tokens))
    ways = {BASE: asked(base, task, task.test), FEW_SHOT: best_prompt(base, task, embedder)}
    for size in task.sizes:
        ways[tuned(size)] = asked_tuned(task, weights, size, tuning, seed)
    return summed_up(task, ways)


def tuned(size: int) -> str:
    """The name of the way that was tuned on so many rows."""
    return f"tuned on {size}"


def messages(task: Task, item: Item, examples: Sequence[Item] = ()) -> list[Message]:
    """Rules, worked examples as earlier turns, and the row."""
    turns = []
    for example in examples:
        turns += [Message("user", example.text), Message("assistant", example.target)]
    return [Message("system", task.rules), *turns, Message("user", item.text)]


def asked(
    generator: Generator,
    task: Task,
    items: Sequence[Item],
    examples: Sequence[Sequence[Item]] = (),
    *,
    adapted: bool = False,
    about: Mapping[str, Any] | None = None,
) -> Way:
    """Asks rows, each with its own examples if there are any, and marks the replies."""
    shown = examples or [()] * len(items)
    prompts = [
        Prompt(tuple(generator.encoder.prompt(messages(task, item, some))), ())
        for item, some in zip(items, shown, strict=True)
    ]
    generation = generator.generate(prompts, tuned=adapted)
    replies = tuple(output.text for output in generation.outputs)
    marks = [task.mark(reply, item) for reply, item in zip(replies, items, strict=True)]
    columns = {metric: {str(row): mark[metric] for row, mark in enumerate(marks)} for metric in marks[0]}
    length = statistics.fmean(len(prompt.ids) for prompt in prompts)
    return Way(replies, columns, length, generation.seconds, about or {})


def best_prompt(base: Generator, task: Task, embedder: Embedder) -> Way:
    """The test rows with the number of examples that was best on training rows; of equal ones the fewest."""
    rows = task.training[-CHOICE_ROWS:]
    near = nearest(task, embedder, rows)
    scores = {}
    for count in task.examples:
        trial = asked(base, task, rows, [some[-count:] for some in near])
        means = (mean(trial.columns[metric]) for metric in (task.content, task.form))
        scores[count] = tuple(means)
    best = max(task.examples, key=lambda count: scores[count])
    near = nearest(task, embedder, task.test)
    about = {"examples": best, "on_training_rows": {count: score[0] for count, score in scores.items()}}
    return asked(base, task, task.test, [some[-best:] for some in near], about=about)


def nearest(task: Task, embedder: Embedder, items: Sequence[Item]) -> list[list[Item]]:
    """For each row the training rows nearest to it, the nearest last, never the row itself."""
    vectors = embedder.encode([item.text for item in items])
    known = embedder.encode([item.text for item in task.training])
    order = np.argsort(-(vectors @ known.T), axis=1, kind="stable").tolist()
    others = [
        [task.training[row] for row in rows if task.training[row] is not item]
        for item, rows in zip(items, order, strict=True)
    ]
    return [some[: max(task.examples)][::-1] for some in others]


def mean(column: Column) -> float:
    """Of the rows that have a value; 0 if none has."""
    known = [value.value for value in column.values() if value.value is not None]
    return statistics.fmean(known) if known else 0.0


def asked_tuned(task: Task, weights: Weights, size: int, tuning: TuningSpec, seed: int) -> Way:
    """Tunes on the first rows and asks the test rows without examples."""
    generator = Generator(weights, GenerationSpec(max_new_tokens=task.most_tokens))
    rows = encoded(task, size, generator, tuning)
    passes = math.ceil(task.least_seen / size)
    losses: list[float] = []
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        train(
            load_model(weights, generator.spec, generator.device),
            generator.tokenizer,
            rows * passes,
            tuning,
            folder=Path(folder),
            seed=seed,
            on_step=lambda step, loss: losses.append(loss),
        )
        seconds = time.perf_counter() - started
        generator.put_on(open_adapter(Path(folder, "adapter")))
    about = {
        "rows": size,
        "passes": passes,
        "steps": len(losses),
        "tokens": passes * sum(len(row.ids) for row in rows),
        "tuning_seconds": round(seconds, 1),
        "last_loss": round(losses[-1], 4),
    }
    return asked(generator, task, task.test, adapted=True, about=about)


def encoded(task: Task, size: int, generator: Generator, tuning: TuningSpec) -> list[EncodedRow]:
    """The first training rows as token ids."""
    end = generator.tokenizer.eos_token_id
    rows = [
        encode_chat(
            str(row),
            messages(task, item),
            item.target,
            generator.encoder,
            end_id=end,
            max_tokens=tuning.max_row_tokens,
        )
        for row, item in enumerate(task.training[:size])
    ]
    whole = [row for row in rows if row is not None]
    if len(whole) < size:
        raise HybridError(
            f"Task {task.name}: {size - len(whole)} of {size} rows are longer than "
            f"{tuning.max_row_tokens} tokens. Raise tuning.max_row_tokens."
        )
    return whole


def summed_up(task: Task, ways: Mapping[str, Way]) -> dict[str, Any]:
    """The figures of every way, and the most rows against the best prompt and against half as many rows."""
    most = max(task.sizes)
    full = ways[tuned(most)]
    half = ways.get(tuned(most // 2))
    return {
        "form": task.form,
        "content": task.content,
        "chance": task.chance,
        "ways": {name: _figures(way) for name, way in ways.items()},
        "tuned_less_few_shot": _difference(task, ways[FEW_SHOT], full),
        "full_less_half": _difference(task, half, full) if half else None,
        "prompt_tokens_saved": round(ways[FEW_SHOT].prompt_tokens - full.prompt_tokens, 1),
        "samples": [
            {"text": item.text, "wanted": item.target}
            | {name: way.replies[row] for name, way in ways.items()}
            for row, item in enumerate(task.test[:SAMPLES])
        ],
    }


def _figures(way: Way) -> dict[str, Any]:
    means = {
        metric: summarise(column, {}, binary=_binary(column)).to_json()
        for metric, column in way.columns.items()
    }
    cost = {"prompt_tokens": round(way.prompt_tokens, 1), "seconds": round(way.seconds, 1)}
    return {"metrics": means, **cost, **way.about}


def _difference(task: Task, before: Way, after: Way) -> dict[str, Any]:
    a, b = before.columns[task.content], after.columns[task.content]
    return paired_difference(a, b, {}, binary=_binary(a) and _binary(b)).to_json()


def _binary(column: Column) -> bool:
    return {value.value for value in column.values()} <= {0.0, 1.0, None}
