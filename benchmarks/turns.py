"""Ways to generate and judge, tried in turn by the clock on the same prompts."""

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from hybrid.generation.answers import Generated
from hybrid.generation.fitting import Prompt
from hybrid.pipeline import read_answer
from hybrid.records import Answer, Question

PARTS = ("generation", "judging", "total")

Row = tuple[Question, Answer]


@dataclass(frozen=True)
class Way:
    """How answers are generated, and how each comes to its faithfulness (None: it states nothing)."""

    generate: Callable[[Sequence[Prompt]], Sequence[Generated]]
    judge: Callable[[Sequence[Row]], list[float | None]]


@dataclass(frozen=True)
class Tried:
    """What a way took, in seconds by part, and what came out."""

    seconds: Mapping[str, float]
    rows: Sequence[Row]
    scores: Sequence[float | None]


def tried(way: Way, questions: Sequence[Question], prompts: Sequence[Prompt]) -> Tried:
    """Generates and judges once."""
    started = time.perf_counter()
    outputs = way.generate(prompts)
    answers = [read_answer(prompt, output) for prompt, output in zip(prompts, outputs, strict=True)]
    rows = list(zip(questions, answers, strict=True))
    generated = time.perf_counter()
    scores = way.judge(rows)
    ended = time.perf_counter()
    seconds = (generated - started, ended - generated, ended - started)
    return Tried(dict(zip(PARTS, seconds, strict=True)), rows, scores)


def in_turn(
    ways: Mapping[str, Way], questions: Sequence[Question], prompts: Sequence[Prompt], repeats: int
) -> dict[str, list[Tried]]:
    """Each way warmed up on one question, then tried so many times, every other time in reversed order."""
    for way in ways.values():
        tried(way, questions[:1], prompts[:1])
    found: dict[str, list[Tried]] = {name: [] for name in ways}
    for repeat in range(repeats):
        for name in reversed(list(ways)) if repeat % 2 else ways:
            found[name].append(tried(ways[name], questions, prompts))
    return found


def seconds(tries: Sequence[Tried]) -> dict[str, dict[str, float]]:
    """Seconds by part."""
    return {part: _spread([each.seconds[part] for each in tries]) for part in PARTS}


def ratios(slow: Sequence[Tried], fast: Sequence[Tried]) -> dict[str, dict[str, float]]:
    """By part, how many times as long the first way took as the second one, repeat by repeat."""
    both = list(zip(slow, fast, strict=True))
    return {part: _spread([one.seconds[part] / other.seconds[part] for one, other in both]) for part in PARTS}


def _spread(values: Sequence[float]) -> dict[str, float]:
    return {"min": round(min(values), 3), "median": round(statistics.median(values), 3)}
