"""Metrics of ragas, unmodified. The only module with ragas.

Either played from statements and verdicts of ours, so that any judge can stand behind the formula, or asked
of a language model with ragas' own prompts. What fails never becomes a number: ragas itself would take a
missing verdict, or one of −1, for a better score, and one rating for the mean of two.
"""

import asyncio
import json
import math
import os
import re
from collections.abc import Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Literal

from hybrid.errors import EndpointError
from hybrid.judging.judge import Judgement
from hybrid.judging.prompted import PromptedModel
from hybrid.records import Status, Value

Played = Literal["faithfulness", "context_recall"]
Prompted = Literal["faithfulness", "context_recall", "response_groundedness", "factual_correctness"]

#: The metrics that ragas can ask of a language model here.
PROMPTED: tuple[Prompted, ...] = (
    "faithfulness",
    "context_recall",
    "response_groundedness",
    "factual_correctness",
)
SIDE_BY_SIDE = 8
"""Rows that a language model is asked about at a time."""

_FENCE = re.compile(r"\s*```(?:json)?\s*(.*?)\s*```\s*", re.DOTALL)


@dataclass(frozen=True, slots=True)
class JudgedText:
    """An answer or a reference as ragas sees it, with its claims and what the judge said of each.

    Attributes:
        question: ragas' ``user_input``.
        text: ragas' ``response`` for faithfulness, its ``reference`` for context recall.
        contexts: the texts that the claims were judged by.
        claims: the statements of the text.
        judgements: one for each claim, in order.
    """

    question: str
    text: str
    contexts: tuple[str, ...]
    claims: tuple[str, ...]
    judgements: tuple[Judgement, ...]

    def __post_init__(self) -> None:
        if len(self.claims) != len(self.judgements):
            raise ValueError(f"{len(self.claims)} claims came with {len(self.judgements)} judgements.")


@dataclass(frozen=True, slots=True)
class Sample:
    """An answer as ragas sees it before anybody judged it."""

    question: str
    response: str
    contexts: tuple[str, ...]
    reference: str | None
    abstained: bool


def faithfulness(rows: Sequence[JudgedText]) -> list[Value]:
    """Supported statements ÷ statements of each answer, computed by ragas' ``Faithfulness``.

    Source: Es et al., RAGAS (2309.15217), section 3. A row without claims or contexts is not applicable; one
    failed judgement fails its row.
    """
    return _played("faithfulness", rows, "the answer makes no statement")


def context_recall(rows: Sequence[JudgedText]) -> list[Value]:
    """Supported statements ÷ statements of each reference, computed by ragas' ``ContextRecall``."""
    return _played("context_recall", rows, "the reference makes no statement")


def prompted(samples: Sequence[Sample], model: PromptedModel, name: Prompted) -> list[Value]:
    """A metric of each sample with ragas' own prompts, answered by a language model.

    Raises:
        EndpointError: the server cannot be reached, or refuses whatever is sent.
    """
    _keep_to_ourselves()

    async def values() -> list[Value]:
        limit = asyncio.Semaphore(SIDE_BY_SIDE)
        return list(await asyncio.gather(*(_ask(sample, model, name, limit) for sample in samples)))

    return _in_a_thread(values())


def dataset(samples: Sequence[Mapping[str, Any]]) -> Any:
    """An ``EvaluationDataset`` whose samples keep what ragas has no field for."""
    _keep_to_ourselves()
    from pydantic import ConfigDict
    from ragas import EvaluationDataset, SingleTurnSample

    class MarkedSample(SingleTurnSample):
        model_config = ConfigDict(extra="allow")

    return EvaluationDataset(samples=[MarkedSample(**sample) for sample in samples])


def _keep_to_ourselves() -> None:
    """Ragas posts usage to the network unless this is set before its first use; ``1`` would be ignored."""
    os.environ["RAGAS_DO_NOT_TRACK"] = "true"


def _in_a_thread(work: Coroutine[Any, Any, list[Any]]) -> list[Any]:
    """Runs it in a thread of its own, since a notebook already runs an event loop in this one."""
    with ThreadPoolExecutor(max_workers=1) as thread:
        return thread.submit(asyncio.run, work).result()


def _played(name: Played, rows: Sequence[JudgedText], empty: str) -> list[Value]:
    values = [_without_score(row, empty) for row in rows]
    scored = [row for row, value in zip(rows, values, strict=True) if value is None]
    scores = iter(_play(name, scored) if scored else ())
    return [value or Value(next(scores)) for value in values]


def _without_score(row: JudgedText, empty: str) -> Value | None:
    if not row.claims:
        return Value(None, Status.NOT_APPLICABLE, empty)
    if not row.contexts:
        return Value(None, Status.NOT_APPLICABLE, "there is nothing to judge by")
    failed = next((judgement for judgement in row.judgements if judgement.failed), None)
    return Value(None, Status.JUDGE_ERROR, failed.error) if failed else None


def _play(name: Played, rows: Sequence[JudgedText]) -> list[float]:
    """The scores of rows that have claims, contexts and verdicts."""
    _keep_to_ourselves()
    playback = _playback()
    metric = _metric(name, playback)

    async def scores() -> list[float]:
        found = []
        for row in rows:
            playback.row = row
            sample = Sample(row.question, row.text, row.contexts, row.text, False)
            found.append(float((await metric.ascore(**_arguments(name, sample))).value))
        return found

    return _in_a_thread(scores())


def _metric(name: Prompted, model: Any) -> Any:
    from ragas.metrics import collections

    match name:
        case "faithfulness":
            return collections.Faithfulness(llm=model)
        case "context_recall":
            return collections.ContextRecall(llm=model)
        case "response_groundedness":
            # Once: the endpoint repeats what can be repeated, and a failure must not look like a rating.
            return collections.ResponseGroundedness(llm=model, max_retries=1)
        case "factual_correctness":
            return collections.FactualCorrectness(llm=model)


def _arguments(name: Prompted, sample: Sample) -> dict[str, Any]:
    """What ragas wants to be given for a metric."""
    fields = {
        "user_input": sample.question,
        "response": sample.response,
        "retrieved_contexts": list(sample.contexts),
        "reference": sample.reference,
    }
    wanted = {
        "faithfulness": ("user_input", "response", "retrieved_contexts"),
        "context_recall": ("user_input", "retrieved_contexts", "reference"),
        "response_groundedness": ("response", "retrieved_contexts"),
        "factual_correctness": ("response", "reference"),
    }
    return {field: fields[field] for field in wanted[name]}


def _playback() -> Any:
    """A language model for ragas that recites the claims and verdicts of its current row."""
    from ragas.llms.base import InstructorBaseRagasLLM
    from ragas.metrics.collections.context_recall.util import (
        ContextRecallClassification,
        ContextRecallOutput,
    )
    from ragas.metrics.collections.faithfulness.util import (
        NLIStatementOutput,
        StatementFaithfulnessAnswer,
        StatementGeneratorOutput,
    )

    class Playback(InstructorBaseRagasLLM):
        is_async = True
        row: JudgedText

        def generate(self, prompt: str, response_model: Any) -> Any:
            row = self.row
            context = "\n".join(row.contexts)
            judged = zip(row.claims, row.judgements, strict=True)
            if response_model is StatementGeneratorOutput:
                _expect(prompt, {"question": row.question, "answer": row.text})
                return StatementGeneratorOutput(statements=list(row.claims))
            if response_model is ContextRecallOutput:
                _expect(prompt, {"question": row.question, "context": context, "answer": row.text})
                attributed = [
                    ContextRecallClassification(
                        statement=claim, reason=str(judgement.verdict), attributed=int(judgement.supported)
                    )
                    for claim, judgement in judged
                ]
                return ContextRecallOutput(classifications=attributed)
            _expect(prompt, {"context": context, "statements": list(row.claims)})
            verdicts = [
                StatementFaithfulnessAnswer(
                    statement=claim, reason=str(judgement.verdict), verdict=int(judgement.supported)
                )
                for claim, judgement in judged
            ]
            return NLIStatementOutput(statements=verdicts)

        async def agenerate(self, prompt: str, response_model: Any) -> Any:
            return self.generate(prompt, response_model)

    return Playback()


def _expect(prompt: str, wanted: Mapping[str, Any]) -> None:
    if _asked(prompt) != wanted:
        raise RuntimeError("ragas asks for verdicts on another row than it was given.")


def _asked(prompt: str) -> dict[str, Any]:
    """What ragas' prompt is about."""
    given = prompt.partition("Now perform the same with the following input\ninput: ")[2]
    asked: dict[str, Any] = json.loads(given.rpartition("\nOutput:")[0])
    return asked


async def _ask(sample: Sample, model: PromptedModel, name: Prompted, limit: asyncio.Semaphore) -> Value:
    missing = _missing(sample, name)
    if missing:
        return missing
    asked = _checked(model)
    async with limit:
        try:
            score = float((await _metric(name, asked).ascore(**_arguments(name, sample))).value)
        # Whatever comes of a reply is kept in the row, which then has no value.
        except Exception as exc:
            asked.failures.append(exc)
    hopeless = next((exc for exc in asked.failures if getattr(exc, "hopeless", False)), None)
    if hopeless:
        raise hopeless
    if asked.failures:
        first = asked.failures[0]
        return Value(None, Status.JUDGE_ERROR, f"{type(first).__name__}: {first}"[:300])
    if math.isnan(score):
        return Value(None, Status.JUDGE_ERROR, "ragas came to no number")
    return Value(score)


def _missing(sample: Sample, name: Prompted) -> Value | None:
    """Why a metric cannot be asked for. An abstention says nothing that could be faithful or correct."""
    if sample.abstained and name != "context_recall":
        return Value(None, Status.ABSTAINED, "the answer abstains")
    if not sample.response.strip() and name != "context_recall":
        return Value(None, Status.NOT_APPLICABLE, "the answer makes no statement")
    if not sample.contexts and name != "factual_correctness":
        return Value(None, Status.NOT_APPLICABLE, "no passages were shown")
    if not sample.reference and name in ("context_recall", "factual_correctness"):
        return Value(None, Status.NOT_APPLICABLE, "the question has no references")
    return None


def _checked(model: PromptedModel) -> Any:
    """A language model for ragas that keeps what went wrong: ragas forgets some of it."""
    from ragas.llms.base import InstructorBaseRagasLLM

    class Checked(InstructorBaseRagasLLM):
        is_async = True

        def __init__(self) -> None:
            self.failures: list[Exception] = []

        def generate(self, prompt: str, response_model: Any) -> Any:
            try:
                said = model.ask(prompt)
                reply = response_model.model_validate_json(_unfenced(said))
                _check(prompt, reply)
            except (EndpointError, ValueError) as exc:
                self.failures.append(exc)
                raise
            return reply

        async def agenerate(self, prompt: str, response_model: Any) -> Any:
            return await asyncio.to_thread(self.generate, prompt, response_model)

    return Checked()


def _unfenced(said: str) -> str:
    fenced = _FENCE.fullmatch(said)
    return fenced[1] if fenced else said


def _check(prompt: str, reply: Any) -> None:
    """Looks at what ragas takes as it comes.

    Raises:
        ValueError: something is missing, is of another statement, or is no verdict or rating.
    """
    match type(reply).__name__:
        case "StatementGeneratorOutput":
            _some(reply.statements)
        case "ClaimDecompositionOutput":
            _some(reply.claims)
        case "NLIStatementOutput":
            statements = [each.statement for each in reply.statements]
            if [*map(_plain, statements)] != [*map(_plain, _asked(prompt)["statements"])]:
                raise ValueError("the verdicts are not on the statements that were asked")
            _some([each.verdict for each in reply.statements], of=(0, 1))
        case "ContextRecallOutput":
            _some([each.attributed for each in reply.classifications], of=(0, 1))
        case "ResponseGroundednessOutput":
            _some([reply.rating], of=(0, 1, 2))


def _some(given: Sequence[Any], *, of: Sequence[int] | None = None) -> None:
    if not given:
        raise ValueError("no statement came back")
    if of and not {*given} <= {*of}:
        raise ValueError(f"{given} holds what is none of {of}")


def _plain(statement: str) -> str:
    """Letters and digits: models change quotes and full stops of what they repeat."""
    return "".join(filter(str.isalnum, statement.casefold()))
