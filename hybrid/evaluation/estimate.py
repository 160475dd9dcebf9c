"""What a run will take, before anything is spent: prompts and tokens counted, minutes from a short trial."""

import math
import time

from hybrid.evaluation.answering import retrieve
from hybrid.evaluation.forgetting.measure import workload
from hybrid.evaluation.job import Job
from hybrid.generation.generator import Generator, Prompt

TRIAL_PROMPTS = 4
TRAINING_TO_READING = 3
"""A training token costs about three read ones: forward, backward, and once more for the adapters."""


def estimate(job: Job) -> list[str]:
    """Lines that say how many prompts and tokens a job has, and about how many minutes on this machine.

    Few-shot prompts are counted as their plain ones times the number of examples, those of a probe as if
    it showed the passages found.
    """
    generator = Generator(job.weights, job.spec.generation, job.suite.spec.answers)
    ranked = retrieve(job)
    prompts = {
        retrieval: {
            q.id: generator.prompt(q.text, ranked[q.id] if retrieval else (), q.history)
            for q in job.all_questions
        }
        for retrieval in (False, True)
    }
    examples = max(job.spec.references.examples, default=0)
    read = {
        column.name: [
            len(prompts[column.retrieval][q.id].ids) * (1 + examples * column.few_shot)
            for q in job.asked(column)
        ]
        for column in job.columns
    }
    with_passages = list(prompts[True].values())
    seconds_a_token = _trial(generator, with_passages)
    lines = [
        f"{name}: {len(tokens)} prompts, {sum(tokens)} tokens to read, "
        f"at most {len(tokens) * job.spec.generation.max_new_tokens} to write"
        for name, tokens in read.items()
    ]
    answering = sum(map(sum, read.values())) * seconds_a_token
    if job.tunes:
        tuning = job.spec.tuning
        row = sum(len(p.ids) for p in with_passages) / len(with_passages)
        rows = min(tuning.rows, (tuning.max_steps or math.inf) * tuning.batch_rows)
        training = rows * row * seconds_a_token * TRAINING_TO_READING
        lines.append(f"tuning: {rows} rows, about {round(rows * row)} tokens, about {_minutes(training)}")
    if job.forgets:
        lines.append(workload(generator))
    lines.append(f"answering: about {_minutes(answering)}")
    lines.append("Nothing leaves this machine and nothing costs money: the model runs here.")
    return lines


def _trial(generator: Generator, prompts: list[Prompt]) -> float:
    """Seconds for a prompt token, writing its share of the answer included."""
    trial = prompts[:TRIAL_PROMPTS]
    started = time.perf_counter()
    generator.generate(trial)
    return (time.perf_counter() - started) / sum(len(prompt.ids) for prompt in trial)


def _minutes(seconds: float) -> str:
    return f"{max(1, round(seconds / 60))} min"
