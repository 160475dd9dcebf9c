"""How fast answers are generated and judged here, against the plain way that people write by hand.

    python benchmarks/evaluation.py [--n 24] [--repeats 1] [--model M] [--judge J] [--out FILE] [--write]

The cell ``base+rag`` on dev questions of the pipeline's suite, in one process on the CPU:

- **plain** (``plain.py``): transformers' ``generate`` for one prompt after the other, then one call of ragas'
  ``evaluate()`` with ``Faithfulness``, for which the judge is asked about one statement after the other.
- **ours**: batches of near-equal length, the judge asked about many statements at once, ragas' formula.
- **ours, int8**: the same with the linear layers of the base quantised dynamically, beside ours without.

All have the same loaded weights and judge, the same token ids, greedy decoding and longest answer, the same
rules that take an answer apart, and nothing kept from before. Loading, retrieval, quantising and one question
by each way to warm up are outside the clock. Our rules also play the first of ragas' two calls of a language
model, which costs the plain way next to nothing. A ratio is of one repeat; above 1 the second way is faster.
"""

import argparse
import copy
import json
import os
import statistics
import sys
import warnings
from collections.abc import Sequence
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from committed import keep, markdown
from plain import answers_one_by_one, scores_by_ragas
from turns import PARTS, Row, Tried, Way, in_turn, ratios, seconds

from hybrid.evaluation.answering import retrieve
from hybrid.evaluation.job import prepare
from hybrid.evaluation.ragas_figures import contexts_of
from hybrid.evaluation.ragas_metrics import JudgedText, faithfulness
from hybrid.generation.correctness import correct
from hybrid.generation.generator import Generator
from hybrid.judging.cache import Cached
from hybrid.judging.judge import Judge, evidence, judge_all
from hybrid.judging.named import open_judge
from hybrid.judging.statements import statements
from hybrid.pipeline import load_generator, prompt_of, showing

WANTED = 1.7
ALIKE = 1e-6


def scores_in_batches(judge: Judge, rows: Sequence[Row]) -> list[float | None]:
    """Faithfulness of each answer as the main job finds it."""
    claims = [[each.claim for each in statements(answer, question)] for question, answer in rows]
    pairs = [
        [(claim, evidence(answer.passages)) for claim in some]
        for some, (_, answer) in zip(claims, rows, strict=True)
    ]
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
    with warnings.catch_warnings():
        # torch says that torchao comes next, which would be one more package.
        warnings.simplefilter("ignore")
        int8.model = quantise(generator.model, {torch.nn.Linear}, dtype=torch.qint8)
    in_batches = partial(scores_in_batches, judge)
    return {
        "plain": Way(partial(answers_one_by_one, generator), partial(scores_by_ragas, judge)),
        "ours": Way(lambda prompts: generator.generate(prompts).outputs, in_batches),
        "ours, int8": Way(lambda prompts: int8.generate(prompts).outputs, in_batches),
    }


def alike(one: Tried, other: Tried) -> dict[str, Any]:
    """The share of answers that are the same texts, and by both ways the mean faithfulness of these."""
    same = [a.raw == b.raw for (_, a), (_, b) in zip(one.rows, other.rows, strict=True)]
    pairs = [both for equal, *both in zip(same, one.scores, other.scores, strict=True) if equal]
    known = [pair for pair in pairs if None not in pair]
    means = [statistics.fmean(scores) for scores in zip(*known, strict=True)]
    silent = all(pair == [None, None] for pair in pairs if None in pair)
    return {
        "equal_answers": round(statistics.fmean(same), 4),
        "judged_answers": len(known),
        "faithfulness": means,
        "alike": bool(known) and silent and abs(means[0] - means[1]) <= ALIKE,
    }


def right(way: Tried) -> float:
    """The share of correct answers to the questions that have references."""
    asked = [(answer, question) for question, answer in way.rows if question.answerable and question.answers]
    return round(statistics.fmean(not a.abstained and correct(a.text, q) for a, q in asked), 4)


def outcome_of(asked: argparse.Namespace) -> dict[str, Any]:
    """Tries the ways and compares them."""
    on_cpu = ["generation.device=cpu", "generation.dtype=float32"]
    job = prepare(asked.pipeline, model=asked.model, cells=["base+rag"], limit=asked.n, overrides=on_cpu)
    opened = open_judge(asked.judge or job.suite.spec.judge)
    judge = opened.judge if isinstance(opened, Cached) else opened
    generator = load_generator(job.weights, job.spec.generation, job.suite.spec.answers)
    ranked = retrieve(job)
    prompts = [prompt_of(generator, showing(each, ranked[each.id])) for each in job.questions]
    load = os.getloadavg()[0]
    found = in_turn(ways(generator, judge), job.questions, prompts, asked.repeats)
    plain, ours, int8 = found.values()
    return {
        "questions": len(prompts),
        "repeats": asked.repeats,
        "suite": job.suite.name,
        "model": job.weights.name,
        "judge": judge.name,
        "judge_digest": judge.digest,
        "threads": torch.get_num_threads(),
        "load_before": round(load, 2),
        "versions": {name: version(name) for name in ("torch", "transformers", "ragas")},
        "seconds": {name: seconds(tries) for name, tries in found.items()},
        "ratios": {"plain ÷ ours": ratios(plain, ours), "ours ÷ ours, int8": ratios(ours, int8)},
        "wanted": WANTED,
        "plain_and_ours": alike(plain[0], ours[0]),
        "int8_and_ours": {
            "equal_answers": alike(int8[0], ours[0])["equal_answers"],
            "correct": [right(int8[0]), right(ours[0])],
        },
    }


def table(outcome: dict[str, Any]) -> str:
    """Seconds and ratios: the median of the repeats, the least in brackets."""
    rows = [
        [name, *(f"{parts[part]['median']:.2f} ({parts[part]['min']:.2f})" for part in PARTS)]
        for name, parts in (outcome["seconds"] | outcome["ratios"]).items()
    ]
    return markdown(["seconds and ratios", *PARTS], rows)


def told(outcome: dict[str, Any]) -> str:
    """Whether the ways agree, and whether the bar is met, in sentences."""
    same, int8 = outcome["plain_and_ours"], outcome["int8_and_ours"]
    means = " and ".join(f"{mean:.6f}" for mean in same["faithfulness"]) or "unknown"
    faster = outcome["ratios"]["plain ÷ ours"]["total"]["median"]
    return (
        f"{outcome['questions']} questions, {outcome['model']}, judge: {outcome['judge']}. "
        f"Plain and ours: {same['equal_answers']:.0%} of the answers are equal; "
        f"mean faithfulness of {same['judged_answers']} of these {means}.\n"
        f"With int8 {int8['equal_answers']:.0%} of the answers are equal to ours; "
        f"correct {int8['correct'][0]:.1%}, ours {int8['correct'][1]:.1%}.\n"
        f"Total ratio {faster:.2f}, wanted {WANTED}{'' if faster >= WANTED else ': MISSED'}."
    )


def main() -> None:
    """Prints table and sentences; exit 1 if the two ways disagree on equal answers."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--n", type=int, default=24, help="questions (24)")
    parser.add_argument("--repeats", type=int, default=1, help="how often each way is tried (1)")
    parser.add_argument("--pipeline", default="quickstart")
    parser.add_argument("--model", help="another base model than the pipeline's own")
    parser.add_argument("--judge", help="another judge than the suite's own")
    parser.add_argument("--out", type=Path, help="a file for the outcome as JSON")
    parser.add_argument("--write", action="store_true", help="keep it in results/ and in README.md")
    asked = parser.parse_args()
    outcome = outcome_of(asked)
    text = f"{table(outcome)}\n\n{told(outcome)}"
    print(text)
    if asked.out:
        asked.out.write_text(json.dumps(outcome, indent=1) + "\n", encoding="utf-8")
    if asked.write:
        keep("evaluation", outcome, text)
    if not outcome["plain_and_ours"]["alike"]:
        sys.exit("Plain and ours have no equal answer that states something, or score one differently.")


if __name__ == "__main__":
    main()
