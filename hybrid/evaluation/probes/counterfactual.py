"""The passages say something else than they did: does an answer follow them, or keep to memory?"""

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from hybrid.evaluation.conditional import conditional_rate
from hybrid.evaluation.job import Job
from hybrid.evaluation.probes.names import Names
from hybrid.evaluation.probes.swaps import Swap, Unfit, swapped
from hybrid.evaluation.scoring import ScoredRow
from hybrid.pipeline import Request
from hybrid.records import Value
from hybrid.tuning.gold import gold_passages

RATES = ("follows_context", "keeps_memory", "other", "abstains")


@dataclass(frozen=True, slots=True)
class Counterfactuals:
    """The swaps of a job.

    Attributes:
        swaps: question id → its checked swap.
        skipped: reason → how many questions had none for it.
    """

    swaps: Mapping[str, Swap]
    skipped: Mapping[str, int]


def counterfactuals(job: Job) -> Counterfactuals:
    """A swap for every question with gold that allows one, drawn by the seed and the question's id."""
    names = Names([*job.suite.questions, *job.suite.training])
    swaps: dict[str, Swap] = {}
    skipped: Counter[str] = Counter()
    for question in job.questions:
        if not question.answerable or not question.gold:
            continue
        try:
            if not question.answers:
                raise Unfit("the question has no references")
            gold = gold_passages(job.suite.corpus, question)[: job.spec.retrieval.k]
            swaps[question.id] = swapped(question, gold, names, random.Random(f"{job.seed}:{question.id}"))
        except Unfit as reason:
            skipped[str(reason)] += 1
    return Counterfactuals(swaps, dict(skipped.most_common()))


def counterfactual_requests(job: Job, made: Counterfactuals) -> list[Request]:
    """The questions with the changed passages, and the references of the pipeline's authority."""
    requests = []
    for question in job.questions:
        if swap := made.swaps.get(question.id):
            trusted = swap.substitutes if job.spec.authority == "corpus" else swap.references
            requests.append(Request(replace(question, answers=trusted), swap.passages))
    return requests


def context_or_memory(rows: Sequence[ScoredRow], groups: Mapping[str, str]) -> dict[str, Any]:
    """The shares of what became of the answers, and of those that are right by the authority.

    Metrics of the contract, ``withheld`` among fewer than 30 swapped questions. An answer that tells both
    values is ``other``, and so is one that tells neither.
    """
    told = {row.record.question.id: _told(row) for row in rows if not row.record.answer.dropped_passages}
    right = {row.record.question.id: _trusted(row) for row in rows}
    rates = {
        name: conditional_rate(
            {id: Value(float(said == name)) for id, said in told.items()}, groups, "swapped and checked"
        )
        for name in RATES
    }
    agreed = {id: Value(float(said == right[id])) for id, said in told.items()}
    return rates | {"right": conditional_rate(agreed, groups, "swapped and checked")}


def _told(row: ScoredRow) -> str:
    question, answer, swap = row.record.question, row.record.answer, row.record.swap
    if swap is None:
        raise ValueError(f"The row of question {question.id} holds no swap.")
    if answer.abstained:
        return "abstains"
    new, old = swap.told(answer.text, question)
    if new == old:
        return "other"
    return "follows_context" if new else "keeps_memory"


def _trusted(row: ScoredRow) -> str:
    """What the authority wants to be told."""
    swap = row.record.swap
    return "follows_context" if swap and row.record.question.answers == swap.substitutes else "keeps_memory"
