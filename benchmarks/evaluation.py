"""How fast answers are generated and judged here, against the plain way that people write by hand.

    python benchmarks/evaluation.py [--n 24] [--repeats 1] [--model M] [--judge J] [--out FILE] [--write]

The cell ``base+rag`` on dev questions of the pipeline's suite, in one process on the CPU:

- **plain** (``plain.py``): transformers' ``generate`` for one prompt after the other, then one call of ragas'
  ``evaluate()`` with ``Faithfulness``, for which the judge is asked about one statement after the other.
- **ours**: batches of near-equal length, the judge asked about many statements at once, ragas' formula.
- **ours, int8**: the same with the linear layers of the base quantised dynamically, beside ours without.

All have the same loaded weights and judge, the same token ids, greedy decoding and longest answer, the same
rules that take an answer apart, and nothing kept from before. Loading, retrieval, quantising and one answer
by each way to warm up are outside the clock. Our rules play the first of ragas' two calls of a language
model, which costs the plain way nothing. Every other repeat begins with the plain way, the rest with ours;
a ratio is of one repeat, and above 1 the second way is faster.
"""

import argparse
import copy
import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from committed import keep, markdown
from plain import Row, answers_one_by_one, scores_by_ragas

from hybrid.evaluation.answering import retrieve
from hybrid.evaluation.job import prepare
from hybrid.evaluation.ragas_figures import contexts_of
from hybrid.evaluation.ragas_metrics import JudgedText, faithfulness
from hybrid.generation.answers import Generated
from hybrid.generation.correctness import correct
from hybrid.generation.fitting import Prompt
from hybrid.generation.generator import Generator
from hybrid.judging.cache import Cached
from hybrid.judging.judge import Judge, evidence, judge_all
from hybrid.judging.named import open_judge
from hybrid.judging.statements import statements
from hybrid.pipeline import load_generator, read_answer
from hybrid.records import Question

WANTED = 1.7
ALIKE = 1e-6
PARTS = ("generation", "judging", "total")


@dataclass(frozen=True)
class Way:
    """How answers are generated, and how each comes to its faithfulness."""

    generate: Callable[[Sequence[Prompt]], Sequence[Generated]]
    judge: Callable[[Sequence[Row]], list[float | None]]


@dataclass(frozen=True)
class Tried:
    """What a way took, in seconds by part, and what came out."""

    seconds: Mapping[str, float]
    rows: Sequence[Row]
    scores: Sequence[float | None]


def scores_in_batches(judge: Judge, rows: Sequence[Row]) -> list[float | None]:
    """Faithfulness of each answer as the main job finds it."""
    claims = [[each.claim for each in statements(answer, question)] for question, answer in rows]
    shown = [evidence(answer.passages) for _, answer in rows]
    pairs = [[(claim, text) for claim in some] for some, text in zip(claims, shown, strict=True)]
    judged = judge_all(judge, [pair for some in pairs for pair in some])
    texts = [
        JudgedText(
            question=question.full_text,
            text=answer.text,
            contexts=contexts_of(answer.passages),
            claims=tuple(some),
            judgements=tuple(judged[pair] for pair in asked),
        )
        for (question, answer), some, asked in zip(rows, claims, pairs, strict=True)
    ]
    return [value.value for value in faithfulness(texts)]


def ways(generator: Generator, judge: Judge) -> dict[str, Way]:
    """The three ways by name; the quantised base is a copy."""
    int8 = copy.copy(generator)
    quantise = torch.ao.quantization.quantize_dynamic
    int8.model = quantise(generator.model, {torch.nn.Linear}, dtype=torch.qint8)
    batched = partial(scores_in_batches, judge)
    return {
        "plain": Way(partial(answers_one_by_one, generator), partial(scores_by_ragas, judge)),
        "ours": Way(lambda prompts: generator.generate(prompts).outputs, batched),
        "ours, int8": Way(lambda prompts: int8.generate(prompts).outputs, batched),
    }


def tried(way: Way, questions: Sequence[Question], prompts: Sequence[Prompt]) -> Tried:
    """Generates and judges once, by the clock."""
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
    named: Mapping[str, Way], questions: Sequence[Question], prompts: Sequence[Prompt], repeats: int
) -> dict[str, list[Tried]]:
    """Each way warmed up on one answer and tried so many times, every other time in reversed order."""
    for way in named.values():
        tried(way, questions[:1], prompts[:1])
    found: dict[str, list[Tried]] = {name: [] for name in named}
    for repeat in range(repeats):
        for name in reversed(named) if repeat % 2 else named:
            found[name].append(tried(named[name], questions, prompts))
    return found


def spread(values: Sequence[float]) -> dict[str, float]:
    """The least and the median."""
    return {"min": round(min(values), 3), "median": round(statistics.median(values), 3)}


def ratios(slow: Sequence[Tried], fast: Sequence[Tried]) -> dict[str, dict[str, float]]:
    """By part, how many times as long the first way took, repeat by repeat."""
    both = list(zip(slow, fast, strict=True))
    return {part: spread([one.seconds[part] / other.seconds[part] for one, other in both]) for part in PARTS}


def alike(one: Tried, other: Tried) -> dict[str, Any]:
    """The share of answers that are the same texts, and by both ways the mean faithfulness of these."""
    same = [a.raw == b.raw for (_, a), (_, b) in zip(one.rows, other.rows, strict=True)]
    pairs = [both for equal, *both in zip(same, one.scores, other.scores, strict=True) if equal]
    known = [pair for pair in pairs if None not in pair]
    means = [statistics.fmean(scores) for scores in zip(*known, strict=True)]
    agree = all(pair == [None, None] for pair in pairs if None in pair)
    return {
        "equal_answers": round(statistics.fmean(same), 4),
        "judged_answers": len(known),
        "faithfulness": means,
        "alike": bool(known) and agree and abs(means[0] - means[1]) <= ALIKE,
    }


def right(way: Tried) -> float:
    """The share of correct answers to the questions that have references."""
    asked = [(answer, question) for question, answer in way.rows if question.answerable and question.answers]
    return round(statistics.fmean(not a.abstained and correct(a.text, q) for a, q in asked), 4)


def arguments() -> argparse.Namespace:
    """What the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--n", type=int, default=24, help="questions (24)")
    parser.add_argument("--repeats", type=int, default=1, help="how often each way is tried (1)")
    parser.add_argument("--pipeline", default="quickstart")
    parser.add_argument("--model", help="another base model than the pipeline's own")
    parser.add_argument("--judge", help="another judge than the suite's own")
    parser.add_argument("--out", type=Path, help="a file for the outcome as JSON")
    parser.add_argument("--write", action="store_true", help="keep it in results/ and README.md")
    return parser.parse_args()


def outcome_of(asked: argparse.Namespace) -> dict[str, Any]:
    """Tries the ways and compares them."""
    job = prepare(
        asked.pipeline,
        model=asked.model,
        cells=["base+rag"],
        limit=asked.n,
        overrides=["generation.device=cpu", "generation.dtype=float32"],
    )
    judge = open_judge(asked.judge or job.suite.spec.judge)
    judge = judge.judge if isinstance(judge, Cached) else judge
    generator = load_generator(job.weights, job.spec.generation, job.suite.spec.answers)
    ranked = retrieve(job)
    prompts = [generator.prompt(each.text, ranked[each.id], each.history) for each in job.questions]
    load = os.getloadavg()[0]
    found = in_turn(ways(generator, judge), job.questions, prompts, asked.repeats)
    plain, ours, int8 = found.values()
    return {
        "questions": len(prompts),
        "repeats": asked.repeats,
        "suite": job.suite.name,
        "model": job.weights.name,
        "judge": judge.name,
        "precision": "cpu float32",
        "threads": torch.get_num_threads(),
        "load_before": round(load, 2),
        "versions": {name: version(name) for name in ("torch", "transformers", "ragas")},
        "seconds": {
            name: {part: spread([each.seconds[part] for each in tries]) for part in PARTS}
            for name, tries in found.items()
        },
        "ratios": {"plain to ours": ratios(plain, ours), "ours to ours, int8": ratios(ours, int8)},
        "plain and ours": alike(plain[0], ours[0]),
        "ours and int8": {
            "equal_answers": alike(ours[0], int8[0])["equal_answers"],
            "correct": [right(ours[0]), right(int8[0])],
        },
        "wanted": WANTED,
    }


def table(outcome: dict[str, Any]) -> str:
    """Seconds and ratios, the median of the repeats and the least in brackets."""
    entries = {name: outcome["seconds"][name] for name in outcome["seconds"]} | outcome["ratios"]
    return markdown(
        ["seconds, and ratios", *PARTS],
        [
            [name, *(f"{parts[part]['median']:.2f} ({parts[part]['min']:.2f})" for part in PARTS)]
            for name, parts in entries.items()
        ],
    )


def main() -> None:
    """Prints the table and whether the bar is met; exit 1 if scores of equal answers differ."""
    asked = arguments()
    outcome = outcome_of(asked)
    text = table(outcome)
    same, int8 = outcome["plain and ours"], outcome["ours and int8"]
    faster = outcome["ratios"]["plain to ours"]["total"]["median"]
    print(text)
    print(
        f"plain and ours: {same['equal_answers']:.0%} of the answers are the same texts; mean faithfulness",
        end=" ",
    )
    print(f"of {same['judged_answers']} of them that state something: {same['faithfulness']}")
    before, after = int8["correct"]
    print(
        f"int8: {int8['equal_answers']:.0%} of the answers are those of ours; correct {before:.1%} → {after:.1%}"
    )
    print(f"total {faster:.2f}×, wanted {WANTED}×{'' if faster >= WANTED else ': MISSED'}")
    if asked.out:
        asked.out.write_text(json.dumps(outcome, indent=1) + "\n", encoding="utf-8")
    if asked.write:
        keep("evaluation", outcome, text)
    if not same["alike"]:
        sys.exit("The two ways do not agree on the faithfulness of equal answers.")


if __name__ == "__main__":
    main()
