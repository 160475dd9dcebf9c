"""What the results hold under ``ragas``: its formulas, with the judge behind them named."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from hybrid.evaluation.intervals import summarise
from hybrid.evaluation.ragas_metrics import PROMPTED, JudgedText, Prompted, Sample, prompted
from hybrid.judging.judge import Judge, Judgement, NoVerdict, Pair, evidence
from hybrid.judging.prompted import PREFIX, PromptedModel, prompted_model
from hybrid.judging.statements import statements
from hybrid.records import Answer, Passage, Question, Status, Value

if TYPE_CHECKING:
    from hybrid.evaluation.report import Report
    from hybrid.evaluation.scoring import ScoredRow

FURTHER: tuple[Prompted, ...] = ("response_groundedness", "factual_correctness")
"""The metrics that need more of a judge than verdicts: a language model that takes any prompt."""


def ragas_label(judge: str) -> str:
    """How these figures are called wherever they are shown."""
    return f"ragas formula; judge: {judge}"


def reference_claims(question: Question) -> tuple[str, ...]:
    """The claims of a question's first reference, which is the one that ragas is given."""
    if not question.answers:
        return ()
    reference = Answer(question.answers[0], (), (), False, question.answers[0])
    return tuple(statement.claim for statement in statements(reference, question))


def recall_pairs(question: Question, shown: Sequence[Passage]) -> Iterator[Pair]:
    """What must be judged for context recall: each claim of the reference by all passages shown."""
    if shown:
        yield from ((claim, evidence(shown)) for claim in reference_claims(question))


def reference_row(
    question: Question, shown: Sequence[Passage], judgements: Mapping[Pair, Judgement]
) -> JudgedText:
    """A question's reference as ragas' context recall sees it."""
    pairs = list(recall_pairs(question, shown))
    return JudgedText(
        question=question.full_text,
        text=question.answers[0] if question.answers else "",
        contexts=contexts_of(shown),
        claims=tuple(claim for claim, _ in pairs),
        judgements=tuple(judgements[pair] for pair in pairs),
    )


def recall_value(question: Question, shown: Sequence[Passage], found: Value) -> Value:
    """Context recall, or why a question or a cell has none."""
    reason = (
        "no passages were shown"
        if not shown
        else "the corpus does not hold the answer"
        if not question.answerable
        else "the question has no references"
        if not question.answers
        else ""
    )
    return Value(None, Status.NOT_APPLICABLE, reason) if reason else found


def contexts_of(passages: Iterable[Passage]) -> tuple[str, ...]:
    """Passages as ragas and the judge read them: each with its title."""
    return tuple(evidence([passage]) for passage in passages)


def further_values(answered: Sequence[tuple[Question, Answer]], judge: Judge) -> list[dict[str, Value]]:
    """What ragas asks of a judge that is a language model; nothing of any other."""
    if isinstance(judge, NoVerdict) or not judge.name.startswith(PREFIX):
        return [{} for _ in answered]
    samples = [
        Sample(
            question.full_text,
            answer.text,
            contexts_of(answer.passages),
            question.answers[0] if question.answers else None,
            answer.abstained,
        )
        for question, answer in answered
    ]
    return _by_sample(samples, prompted_model(judge.name), FURTHER)


def ragas_figures(
    rows: Sequence["ScoredRow"], judge: Judge, columns: Sequence[str], groups: Mapping[str, str]
) -> dict[str, Any]:
    """The section of the results: ``label``, and column → metric → figure."""
    values = {
        column: {row.record.question.id: row.ragas for row in rows if row.record.cell == column}
        for column in columns
    }
    return {"label": ragas_label(judge.name), "cells": _summed_up(values, groups)}


def ragas_scores(report: "Report", address: str) -> dict[str, Any]:
    """Scores a report's answers with ragas' own prompts; the report stays as it is.

    Args:
        report: of a finished run.
        address: the language model, ``MODEL@URL``; it receives questions, answers, passages and references.

    Returns:
        ``label``, and under ``cells`` column → metric → figure, with what failed counted in ``n_failed``.

    Raises:
        BadSpec: the address is not of that form.
        EndpointError: the server cannot be reached, or refuses whatever is sent.
    """
    model = prompted_model(address)
    entries = report.samples()
    samples = [
        Sample(
            entry["user_input"],
            entry["response"],
            tuple(entry["retrieved_contexts"]),
            entry.get("reference"),
            entry["abstained"],
        )
        for entry in entries
    ]
    values: dict[str, dict[str, Mapping[str, Value]]] = {}
    for entry, found in zip(entries, _by_sample(samples, model, PROMPTED), strict=True):
        column = entry.get("cell") or entry["system"]
        values.setdefault(column, {})[entry["question_id"]] = found
    groups = {entry["question_id"]: entry["group"] for entry in entries}
    label = f"ragas with its own prompts; judge: {PREFIX}{model.model}@{model.endpoint.url}"
    return {"label": label, "cells": _summed_up(values, groups)}


def _by_sample(
    samples: Sequence[Sample], model: PromptedModel, names: Sequence[Prompted]
) -> list[dict[str, Value]]:
    by_metric = {name: prompted(samples, model, name) for name in names}
    return [{name: by_metric[name][row] for name in names} for row in range(len(samples))]


def _summed_up(
    values: Mapping[str, Mapping[str, Mapping[str, Value]]], groups: Mapping[str, str]
) -> dict[str, Any]:
    """Column → metric → figure, from column → question id → metric → value."""
    return {
        column: {
            name: summarise(
                {id: metrics[name] for id, metrics in rows.items()}, groups, binary=False
            ).to_json()
            for name in next(iter(rows.values()), {})
        }
        for column, rows in values.items()
    }
