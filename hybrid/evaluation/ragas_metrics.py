"""ragas' Faithfulness, unmodified, played from our statements and verdicts. The only module with ragas."""

import asyncio
import json
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from hybrid.judging.judge import Judgement
from hybrid.records import Status, Value


@dataclass(frozen=True, slots=True)
class FaithfulnessRow:
    """One answer as ragas sees it, with the claims made of it and what the judge said of each.

    Attributes:
        question: ragas' ``user_input``.
        answer: ragas' ``response``.
        contexts: the texts that the claims were judged by.
        claims: the answer's statements.
        judgements: one for each claim, in order.
    """

    question: str
    answer: str
    contexts: tuple[str, ...]
    claims: tuple[str, ...]
    judgements: tuple[Judgement, ...]

    def __post_init__(self) -> None:
        if len(self.claims) != len(self.judgements):
            raise ValueError(f"{len(self.claims)} claims came with {len(self.judgements)} judgements.")


def faithfulness(rows: Sequence[FaithfulnessRow]) -> list[Value]:
    """Supported statements ÷ statements of each row, computed by ``ragas.metrics.collections.Faithfulness``.

    Source: Es et al., RAGAS (2309.15217), section 3. A row without claims or contexts is not applicable; one
    failed judgement fails its row, because ragas would take a missing verdict for a better score.
    """
    values = [_without_score(row) for row in rows]
    scored = [row for row, value in zip(rows, values, strict=True) if value is None]
    scores = iter(_play(scored) if scored else ())
    return [value or Value(next(scores)) for value in values]


def _without_score(row: FaithfulnessRow) -> Value | None:
    if not row.claims:
        return Value(None, Status.NOT_APPLICABLE, "the answer makes no statement")
    if not row.contexts:
        return Value(None, Status.NOT_APPLICABLE, "there is nothing to judge by")
    failed = next((judgement for judgement in row.judgements if judgement.failed), None)
    return Value(None, Status.JUDGE_ERROR, failed.error) if failed else None


def _play(rows: Sequence[FaithfulnessRow]) -> list[float]:
    """The scores of rows that have claims, contexts and verdicts."""
    # ragas posts usage to the network unless this is set before its first use.
    os.environ["RAGAS_DO_NOT_TRACK"] = "true"
    from ragas.metrics.collections import Faithfulness

    playback = _playback()
    metric = Faithfulness(llm=playback)

    async def scores() -> list[float]:
        return [await _score(metric, playback, row) for row in rows]

    # In a thread of its own, since a notebook already runs an event loop in this one.
    with ThreadPoolExecutor(max_workers=1) as thread:
        return thread.submit(lambda: asyncio.run(scores())).result()


async def _score(metric: Any, playback: Any, row: FaithfulnessRow) -> float:
    playback.row = row
    result = await metric.ascore(
        user_input=row.question, response=row.answer, retrieved_contexts=list(row.contexts)
    )
    return float(result.value)


def _playback() -> Any:
    """A language model for ragas that recites the claims and verdicts of its current row."""
    from ragas.llms.base import InstructorBaseRagasLLM
    from ragas.metrics.collections.faithfulness.util import (
        NLIStatementOutput,
        StatementFaithfulnessAnswer,
        StatementGeneratorOutput,
    )

    class Playback(InstructorBaseRagasLLM):
        is_async = True
        row: FaithfulnessRow

        def generate(self, prompt: str, response_model: Any) -> Any:
            if response_model is StatementGeneratorOutput:
                return StatementGeneratorOutput(statements=list(self.row.claims))
            if _statements_asked(prompt) != list(self.row.claims):
                raise RuntimeError("ragas asks for verdicts on other statements than it was given.")
            verdicts = [
                StatementFaithfulnessAnswer(
                    statement=claim, reason=str(judgement.verdict), verdict=int(judgement.supported)
                )
                for claim, judgement in zip(self.row.claims, self.row.judgements, strict=True)
            ]
            return NLIStatementOutput(statements=verdicts)

        async def agenerate(self, prompt: str, response_model: Any) -> Any:
            return self.generate(prompt, response_model)

    return Playback()


def _statements_asked(prompt: str) -> list[str]:
    """The statements in ragas' prompt for verdicts."""
    given = prompt.partition("Now perform the same with the following input\ninput: ")[2]
    asked: list[str] = json.loads(given.rpartition("\nOutput:")[0])["statements"]
    return asked
