"""The corpus changed: retrieval follows at once, what was tuned does not. Who gives the old answer?"""

import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hybrid.adapters import Adapter
from hybrid.corpus.store import Corpus
from hybrid.evaluation.columns import RETRAINED, Column
from hybrid.evaluation.conditional import conditional_rate
from hybrid.evaluation.job import Job
from hybrid.evaluation.pool import Ranked, evidence_pool
from hybrid.evaluation.probes.swaps import Swap
from hybrid.evaluation.scoring import ScoredRow
from hybrid.generation.correctness import correct
from hybrid.generation.generator import Generation
from hybrid.pipeline import Request, showing
from hybrid.records import Answer, Hit, Passage, Status, Value
from hybrid.retrieval.retriever import Retriever
from hybrid.tuning.gold import gold_passages

LEAST_KNOWN = 20
"""Where the tuned model knew fewer facts, that it seldom tells the old ones says nothing."""


@dataclass(frozen=True, slots=True)
class Followed:
    """What a retriever finds once its corpus was swapped to the next edition.

    As these passages stand in no generation of the corpus, their ids are negative.

    Attributes:
        ranked: question id → hits.
        pools: question id → its evidence in the next edition.
        swaps: question id → old answers, new ones (none if withdrawn), and the passages that tell them.
        swap: seconds that the swap took.
        index: seconds until the index had followed and found passages for a question.
    """

    ranked: Ranked
    pools: Mapping[str, tuple[Passage, ...]]
    swaps: Mapping[str, Swap]
    swap: float
    index: float

    def requests(self, job: Job, column: Column) -> list[Request]:
        """What one column asks and shows after the change."""
        return [
            showing(question, self.ranked[question.id] if column.retrieval else ())
            for question in job.asked(column)
        ]


def follow(job: Job) -> Followed:
    """Swaps a copy of the job's corpus, indexed before, to the next edition, and takes the time."""
    if job.successor is None:
        raise ValueError("The job has no next edition.")
    questions, later = job.successor.questions, job.successor.suite.corpus.documents()
    before = job.suite.corpus
    with (
        tempfile.TemporaryDirectory() as home,
        Corpus.create(
            "scratch", documents=before.documents(), passage_chars=before.passage_chars, home=Path(home)
        ) as corpus,
    ):
        retriever = Retriever(corpus, job.retriever.embedder, job.retriever.k, lexical=job.retriever.lexical)
        retriever.retrieve(questions[0].full_text)
        started = time.perf_counter()
        corpus.swap(later)
        swapped = time.perf_counter()
        retriever.retrieve(questions[0].full_text)
        followed = time.perf_counter()
        found = retriever.retrieve_many([question.full_text for question in questions])
        asked = [(question, hits) for question, hits in zip(questions, found, strict=True)]
        pools = {q.id: evidence_pool(corpus, q, [hit.passage for hit in hits]) for q, hits in asked}
        golds = {question.id: gold_passages(corpus, question) for question in questions}
    old = {question.id: question.answers or () for question in job.questions}
    return Followed(
        {question.id: tuple(Hit(_apart(hit.passage), hit.score) for hit in hits) for question, hits in asked},
        {id: tuple(map(_apart, pool)) for id, pool in pools.items()},
        {q.id: Swap(old[q.id], q.answers or (), tuple(map(_apart, golds[q.id]))) for q in questions},
        swapped - started,
        followed - swapped,
    )


def _apart(passage: Passage) -> Passage:
    return replace(passage, id=-passage.id)


def seconds_to_right(
    column: Column,
    requests: Mapping[str, Request],
    answers: Mapping[str, Answer],
    cost: Generation,
    followed: Followed,
    adapter: Adapter | None,
) -> dict[str, Any]:
    """From the change to the first right answer, as a figure in seconds, with its ``parts``.

    With retrieval: the swap, the index that follows, and the mean time of an answer. Without it a model never
    follows, unless it is tuned again (``RETRAINED``, whose adapter is given then): that, and an answer.
    """
    answer = cost.seconds / max(1, len(requests))
    if column == RETRAINED and adapter:
        parts = {"tuning": float(adapter.manifest["seconds"]), "answer": answer}
    elif column.retrieval:
        parts = {"swap": followed.swap, "index": followed.index, "answer": answer}
    else:
        return _seconds(None, {}, _never(column, adapter))
    right = [id for id, each in requests.items() if correct(answers[id].text, each.question)]
    return _seconds(sum(parts.values()) if right else None, parts, "" if right else "no answer was right")


def _never(column: Column, adapter: Adapter | None) -> str:
    if not column.tuned:
        return "without passages the base follows no change"
    took = adapter.manifest.get("seconds") if adapter else None
    cost = f"; tuning took {took:.0f} s" if took is not None else ""
    return f"nothing follows until the model is tuned again{cost}"


def _seconds(value: float | None, parts: Mapping[str, float], reason: str) -> dict[str, Any]:
    status = Status.OK if value is not None else Status.NOT_APPLICABLE
    figure = {"mean": value, "low": None, "high": None, "status": status, "reason": reason}
    return figure | {"unit": "seconds", "parts": dict(parts)}


def who_follows(
    cell: str, columns: Mapping[str, Sequence[ScoredRow]], groups: Mapping[str, str]
) -> dict[str, Any]:
    """What became of the answers of one cell to the questions whose answer changed.

    ``known``: of a tuned cell, how many of the facts the model told without passages before; ``before``: the
    share that the cell had right then; ``update_success``: the share that is right by the new answer;
    ``stale_rate``: the share that tells the old answer and not the new one; ``withdrawn``: counts of the
    questions that nothing answers any more.
    """
    told = {row.record.question.id: _told(row) for row in columns[f"stale/{cell}"]}
    answerable = {row.record.question.id: row.record.question.answerable for row in columns[f"stale/{cell}"]}
    changed = {id: said for id, said in told.items() if answerable[id]}
    # What was tuned again on the new facts has no answers from before them.
    before = {"before": _right(columns[cell], changed)} if cell in columns else {}
    shares = before | {
        "update_success": {id: Value(float(said == "new")) for id, said in changed.items()},
        "stale_rate": {id: Value(float(said == "old")) for id, said in changed.items()},
    }
    rates = {
        name: conditional_rate(values, groups, "asked whose answer changed")
        for name, values in shares.items()
    }
    gone = Counter(said for id, said in told.items() if not answerable[id])
    withdrawn = {"n": gone.total()} | {name: gone[name] for name in ("abstained", "old", "other")}
    if not cell.startswith("tuned"):
        return {**rates, "withdrawn": withdrawn}
    known = _known(columns.get("tuned"), changed)
    if known["status"] != Status.OK:
        rates["stale_rate"] |= {"mean": None, "low": None, "high": None} | {
            key: known[key] for key in ("status", "reason")
        }
    return {"known": known, **rates, "withdrawn": withdrawn}


def _known(tuned: Sequence[ScoredRow] | None, changed: Mapping[str, str]) -> dict[str, Any]:
    """How many of the changed facts the tuned model told without passages before the change."""
    if tuned is None:
        reason = "the cell tuned was not run, so it is not known which facts the model knew"
        return {"facts": None, "of": len(changed), "status": "withheld", "reason": reason}
    facts = sum(value.value == 1.0 for value in _right(tuned, changed).values())
    few = facts < LEAST_KNOWN
    reason = f"too few known facts: {facts} of {len(changed)}; at least {LEAST_KNOWN} are needed"
    return {
        "facts": facts,
        "of": len(changed),
        "status": "withheld" if few else Status.OK,
        "reason": reason if few else "",
    }


def _right(rows: Sequence[ScoredRow], ids: Mapping[str, str]) -> dict[str, Value]:
    return {row.record.question.id: row.metrics["correct"] for row in rows if row.record.question.id in ids}


def _told(row: ScoredRow) -> str:
    """``new``, which an answer with both is, too, ``old``, ``abstained`` or ``other``."""
    question, answer, swap = row.record.question, row.record.answer, row.record.swap
    if swap is None:
        raise ValueError(f"The row of question {question.id} does not hold its old answer.")
    if answer.abstained:
        return "abstained"
    new, old = swap.told(answer.text, question)
    return "new" if new else "old" if old else "other"
