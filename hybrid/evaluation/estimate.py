"""What a run will take, before anything is spent: calls, tokens, minutes, money, and who gets text.

On this machine the minutes come from a short trial. A server is not asked: its minutes are assumed.
"""

import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hybrid.endpoint import Endpoint, parse_address
from hybrid.evaluation.answering import choice_questions, retrieve
from hybrid.evaluation.forgetting.measure import workload
from hybrid.evaluation.job import Job
from hybrid.generation.budget import cost
from hybrid.generation.endpoint import open_endpoint
from hybrid.generation.fitting import Prompt
from hybrid.generation.generator import Generator, TextGenerator
from hybrid.models import ENDPOINT, Served
from hybrid.pipeline import load_generator, prompt_of, showing

TRIAL_PROMPTS = 4
TRAINING_TO_READING = 3
"""A training token costs about three read ones: forward, backward, and once more for the adapters."""
SECONDS_BEFORE_ANSWER = 0.5
TOKENS_A_SECOND = 30
"""Assumed of a server: a pause, and a pace of writing."""
CHOICE = "choosing examples"


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a run will take.

    Attributes:
        lines: that say it.
        calls: prompts to be answered.
        prompt_tokens: to be read.
        output_tokens: to be written, at most.
        minutes: of answering and tuning.
        usd: at most; None if the model is here, or no price is known.
        hosts: servers that will receive text.
    """

    lines: tuple[str, ...]
    calls: int
    prompt_tokens: int
    output_tokens: int
    minutes: float
    usd: float | None
    hosts: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """The lines as ``estimate``, the figures by name."""
        return {
            "estimate": list(self.lines),
            "calls": self.calls,
            "prompt_tokens": self.prompt_tokens,
            "output_tokens": self.output_tokens,
            "minutes": self.minutes,
            "usd": self.usd,
            "hosts": list(self.hosts),
        }


def estimate(job: Job, judge: str = "") -> Estimate:
    """What a job will take with a judge of that name.

    Few-shot prompts are counted as their plain ones times the number of examples, those of a probe as if
    it showed the passages found.
    """
    generator = load_generator(job.weights, job.spec.generation, job.suite.spec.answers)
    prompts = _prompts(job, generator)
    read = _read(job, prompts)
    with_passages = list(prompts[True].values())
    calls, tokens = sum(map(len, read.values())), sum(map(sum, read.values()))
    written = calls * job.spec.generation.max_new_tokens
    lines = [
        f"{name}: {len(each)} prompts, {sum(each)} tokens to read, "
        f"at most {len(each) * job.spec.generation.max_new_tokens} to write"
        for name, each in read.items()
    ]
    training = 0.0
    usd = None
    if isinstance(job.weights, Served):
        answering, pace = _served_seconds(job, calls)
        usd, paid = _money(job, job.weights, tokens, written)
        lines += [f"answering: about {_minutes(answering)}, {pace}", *paid, *_receives(job, job.weights)]
    else:
        seconds_a_token = _trial(generator, with_passages)
        answering = tokens * seconds_a_token
        if job.tunes:
            training, line = _training(job, prompts, seconds_a_token)
            lines.append(line)
        if job.forgets and isinstance(generator, Generator):
            lines.append(workload(generator))
        lines.append(f"answering: about {_minutes(answering)}")
    judged, host = _judging(judge, sum(len(each) for name, each in read.items() if name != CHOICE))
    hosts = [*([_server(job, job.weights).host] if isinstance(job.weights, Served) else []), *host]
    lines += judged
    if not hosts:
        lines.append("Nothing leaves this machine and nothing costs money: the model runs here.")
    minutes = (answering + training) / 60
    return Estimate(tuple(lines), calls, tokens, written, minutes, usd, tuple(dict.fromkeys(hosts)))


def _prompts(job: Job, generator: TextGenerator) -> dict[bool, dict[str, Prompt]]:
    """Without and with passages, by question id."""
    ranked = retrieve(job)
    return {
        retrieval: {
            q.id: prompt_of(generator, showing(q, ranked[q.id] if retrieval else ()))
            for q in job.all_questions
        }
        for retrieval in (False, True)
    }


def _read(job: Job, prompts: Mapping[bool, Mapping[str, Prompt]]) -> dict[str, list[int]]:
    """Column → tokens of each prompt; beside the columns, the prompts that choose the number of examples."""
    candidates = job.spec.references.examples
    read = {
        column.name: [
            prompts[column.retrieval][q.id].tokens * (1 + max(candidates, default=0) * column.few_shot)
            for q in job.asked(column)
        ]
        for column in job.columns
    }
    if len(candidates) > 1 and any(column.few_shot for column in job.columns):
        mean = round(sum(each.tokens for each in prompts[True].values()) / len(prompts[True]))
        read[CHOICE] = [mean * (1 + count) for count in candidates for _ in choice_questions(job)]
    return read


def _training(
    job: Job, prompts: Mapping[bool, Mapping[str, Prompt]], seconds_a_token: float
) -> tuple[float, str]:
    tuning = job.spec.tuning
    means = {kind: statistics.mean(each.tokens for each in of.values()) for kind, of in prompts.items()}
    row = tuning.no_context_rows * means[False] + (1 - tuning.no_context_rows) * means[True]
    wanted = tuning.rows_wanted
    rows = (
        wanted
        if tuning.max_steps is None
        else min(wanted, round(tuning.max_steps * tuning.batch_tokens / row))
    )
    times = 2 if job.retrains else 1
    seconds = times * rows * row * seconds_a_token * TRAINING_TO_READING
    line = f"tuning: {rows} rows, about {round(rows * row)} tokens, about {_minutes(seconds)}"
    return seconds, f"{line}, once on each edition" if job.retrains else line


def _served_seconds(job: Job, calls: int) -> tuple[float, str]:
    generation = job.spec.generation
    seconds = SECONDS_BEFORE_ANSWER + generation.max_new_tokens / TOKENS_A_SECOND
    side_by_side = generation.server.concurrency
    pace = f"if a call takes {seconds:.1f} s and {side_by_side} run at a time (assumed: nothing was sent)"
    return calls * seconds / side_by_side, pace


def _money(job: Job, served: Served, read: int, written: int) -> tuple[float | None, list[str]]:
    price = job.spec.generation.served(served.model).price
    if price is None:
        return None, [f"money: unknown, generation.price does not tell what {served.model} costs"]
    usd = cost(price, read, written)
    return usd, [f"money: at most ${usd:.4f} (${price.prompt:g} and ${price.output:g} per million tokens)"]


def _receives(job: Job, served: Served) -> list[str]:
    generation = job.spec.generation
    tuned = generation.served(served.model).tuned_model
    names = " and ".join(name for name in (served.model, tuned) if name)
    return [f"Questions, passages and examples will be sent to {_server(job, served).place}, for {names}."]


def _judging(judge: str, answers: int) -> tuple[list[str], list[str]]:
    """Lines about a judge on a server, and its host."""
    if not judge.startswith(ENDPOINT):
        return [], []
    model, url = parse_address(judge.removeprefix(ENDPOINT))
    endpoint = Endpoint(url)
    return [
        f"Answers and passages will be sent to {endpoint.place}, for the judge {model}: a call for each "
        f"statement of {answers} answers and each of its evidences. What that costs is not counted here."
    ], [endpoint.host]


def _server(job: Job, served: Served) -> Endpoint:
    return open_endpoint(served, job.spec.generation)


def _trial(generator: TextGenerator, prompts: Sequence[Prompt]) -> float:
    """Seconds for a prompt token, writing its share of the answer included."""
    trial = prompts[:TRIAL_PROMPTS]
    started = time.perf_counter()
    generator.generate(trial)
    return (time.perf_counter() - started) / sum(prompt.tokens for prompt in trial)


def _minutes(seconds: float) -> str:
    return f"{max(1, round(seconds / 60))} min"
