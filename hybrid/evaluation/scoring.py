"""From answers to scored rows: every metric of every row has a value, or a status that says why not."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from hybrid.evaluation.attribution import citation_pairs, citation_precision, citation_recall
from hybrid.evaluation.outcomes import Outcome, outcome
from hybrid.evaluation.probes.swaps import Swap
from hybrid.evaluation.ragas_figures import (
    contexts_of,
    further_values,
    recall_pairs,
    recall_value,
    reference_row,
)
from hybrid.evaluation.ragas_metrics import JudgedText, context_recall, faithfulness
from hybrid.evaluation.ranking import recall, reciprocal_rank
from hybrid.generation.abstention import abstains
from hybrid.generation.correctness import correct, exact_match, token_f1
from hybrid.judging.judge import Judge, Judgement, NoVerdict, Pair, evidence, judge_all
from hybrid.judging.statements import statements
from hybrid.progress import SILENT, Progress
from hybrid.records import Answer, Passage, Question, Statement, Status, Value

#: The metrics of a row, in the order of reports.
METRICS: tuple[str, ...] = (
    "correct",
    "exact_match",
    "token_f1",
    "score",
    "groundedness",
    "faithfulness_shown",
    "hallucination_rate",
    "hallucination_rate_answered",
    "citation_precision",
    "citation_recall",
    "cited_rate",
    "phantom_citation_rate",
    "answer_rate",
    "abstention_recall",
    "false_abstention",
    "false_abstention_gold_shown",
    "false_abstention_gold_not_shown",
    "recall_at_k",
    "mrr",
)

_GRADED = "token_f1 score groundedness faithfulness_shown citation_precision citation_recall recall_at_k mrr"

#: The metrics that are 0 or 1 in each row.
BINARY: frozenset[str] = frozenset(METRICS) - frozenset(_GRADED.split())

#: The metrics that stand on a judge's verdicts, ``score`` apart.
JUDGED = (
    "groundedness",
    "faithfulness_shown",
    "hallucination_rate",
    "hallucination_rate_answered",
    "citation_precision",
    "citation_recall",
)

Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class AnswerRecord:
    """What one cell answered to one question.

    Attributes:
        question: with its references and gold.
        cell: ``base``, ``tuned+rag`` …
        answer: as the pipeline gave it.
        pool: the question's evidence, the same in every cell.
        ranked: what the retriever returned, best first; None in a cell without retrieval.
        swap: what was changed in the passages; None outside the probes counterfactual and stale.
    """

    question: Question
    cell: str
    answer: Answer
    pool: tuple[Passage, ...]
    ranked: tuple[Passage, ...] | None
    swap: Swap | None = None

    @property
    def key(self) -> Key:
        """By what rows are joined: question id and cell."""
        return self.question.id, self.cell


@dataclass(frozen=True, slots=True)
class JudgedStatement:
    """A statement, judged by the evidence pool and by the passages shown (None if none were)."""

    statement: Statement
    pool: Judgement
    shown: Judgement | None


@dataclass(frozen=True, slots=True)
class ScoredRow:
    """An answer with everything that was found out about it.

    ``metrics`` holds each of ``METRICS``, ``ragas`` what ragas would compute of the passages shown.
    """

    record: AnswerRecord
    statements: tuple[JudgedStatement, ...]
    outcome: Outcome
    metrics: Mapping[str, Value]
    ragas: Mapping[str, Value] = field(default_factory=dict)


def score(
    records: Sequence[AnswerRecord],
    judge: Judge,
    *,
    hallucination_weight: float = 1.0,
    progress: Progress = SILENT,
) -> list[ScoredRow]:
    """Scores answers; rows come back in the order of the records.

    Whether an answer abstains is decided here from its text, so that old answers can be scored again.

    Args:
        records: one for each question and cell.
        judge: asked once for every different pair of claim and evidence.
        hallucination_weight: w in score = right − w × hallucinated.
        progress: shows how far the judge is.

    Raises:
        ValueError: two records are of the same question and cell.
    """
    settled = {record.key: _settled(record) for record in records}
    if len(settled) < len(records):
        raise ValueError("Two records are of the same question and cell.")
    taken = {key: statements(record.answer, record.question) for key, record in settled.items()}
    pairs = (pair for key, record in settled.items() for pair in _pairs(record, taken[key]))
    judgements = judge_all(judge, pairs, progress)
    judged = {key: _judged(record, taken[key], judgements) for key, record in settled.items()}
    faithful = _faithfulness(settled, judged)
    ragas = _ragas(settled, judgements, judge)
    rows = []
    for key, record in settled.items():
        found = {
            **_correctness(record),
            **faithful[key],
            **_hallucination(record, judged[key]),
            **_citations(record, taken[key], judgements),
            **_abstention(record),
            **_retrieval(record),
        }
        if isinstance(judge, NoVerdict):
            # Also where there was nothing to judge: a silent model would look free of hallucinations.
            found |= dict.fromkeys(JUDGED, Value(None, Status.JUDGE_ERROR, judge.reason))
        found["score"] = _score(record, found, hallucination_weight)
        metrics = {name: found[name] for name in METRICS}
        beside = {"faithfulness": found["faithfulness_shown"], **ragas[key]}
        rows.append(ScoredRow(record, judged[key], _outcome(record, metrics, judged[key]), metrics, beside))
    return rows


def _settled(record: AnswerRecord) -> AnswerRecord:
    answer = record.answer
    known = record.question.answers or ()
    silent = abstains(answer.text, references=known, cited=bool(answer.citations))
    return replace(record, answer=replace(answer, abstained=silent))


def _pairs(record: AnswerRecord, taken: Sequence[Statement]) -> Iterator[Pair]:
    pool, shown = evidence(record.pool), evidence(record.answer.passages)
    for statement in taken:
        yield statement.claim, pool
        yield statement.claim, shown
    yield from citation_pairs(taken, _by_id(record))
    yield from recall_pairs(record.question, record.answer.passages)


def _judged(
    record: AnswerRecord, taken: Sequence[Statement], judgements: Mapping[Pair, Judgement]
) -> tuple[JudgedStatement, ...]:
    pool, shown = evidence(record.pool), evidence(record.answer.passages)
    return tuple(
        JudgedStatement(
            statement,
            pool=judgements[statement.claim, pool],
            shown=judgements[statement.claim, shown] if record.answer.passages else None,
        )
        for statement in taken
    )


def _by_id(record: AnswerRecord) -> dict[int, Passage]:
    return {passage.id: passage for passage in record.answer.passages}


def _faithfulness(
    records: Mapping[Key, AnswerRecord], judged: Mapping[Key, Sequence[JudgedStatement]]
) -> dict[Key, dict[str, Value]]:
    """The metric of ragas for all rows against the pool and against what was shown, in one go."""
    rows = {}
    for key, record in records.items():
        pool = [(each.statement, each.pool) for each in judged[key]]
        shown = [(each.statement, each.shown) for each in judged[key] if each.shown]
        rows[key, "groundedness"] = _ragas_row(record, record.pool, pool)
        rows[key, "faithfulness_shown"] = _ragas_row(record, record.answer.passages, shown)
    found = dict(zip(rows, faithfulness(list(rows.values())), strict=True))
    return {
        key: {
            "groundedness": _unless_abstained(record, found[key, "groundedness"]),
            "faithfulness_shown": _where_shown(record, found[key, "faithfulness_shown"]),
        }
        for key, record in records.items()
    }


def _ragas_row(
    record: AnswerRecord, passages: Sequence[Passage], judged: Sequence[tuple[Statement, Judgement]]
) -> JudgedText:
    return JudgedText(
        question=record.question.full_text,
        text=record.answer.text,
        contexts=contexts_of(passages),
        claims=tuple(statement.claim for statement, _ in judged),
        judgements=tuple(judgement for _, judgement in judged),
    )


def _ragas(
    records: Mapping[Key, AnswerRecord], judgements: Mapping[Pair, Judgement], judge: Judge
) -> dict[Key, dict[str, Value]]:
    """Context recall of all rows, and what else ragas asks of a judge that is a language model."""
    asked = [(record.question, record.answer) for record in records.values()]
    recalls = context_recall([reference_row(of, answer.passages, judgements) for of, answer in asked])
    return {
        key: {"context_recall": recall_value(of, answer.passages, recalled), **further}
        for key, (of, answer), recalled, further in zip(
            records, asked, recalls, further_values(asked, judge), strict=True
        )
    }


def _correctness(record: AnswerRecord) -> dict[str, Value]:
    question, text = record.question, record.answer.text
    names = ("correct", "exact_match", "token_f1")
    if not question.answerable:
        return dict.fromkeys(names, _not_applicable("the corpus does not hold the answer"))
    if not question.answers:
        return dict.fromkeys(names, _not_applicable("the question has no references"))
    if record.answer.abstained:
        return dict.fromkeys(names, Value(0.0))
    return {
        "correct": Value(float(correct(text, question))),
        "exact_match": Value(exact_match(text, question.answers)),
        "token_f1": Value(token_f1(text, question.answers)),
    }


def _hallucination(record: AnswerRecord, judged: Sequence[JudgedStatement]) -> dict[str, Value]:
    failed = next((each.pool for each in judged if each.pool.failed), None)
    if not record.pool:
        value = _not_applicable("the question has no evidence pool")
    elif failed:
        value = Value(None, Status.JUDGE_ERROR, failed.error)
    else:
        value = Value(float(any(not each.pool.supported for each in judged)))
    return {"hallucination_rate": value, "hallucination_rate_answered": _unless_abstained(record, value)}


def _score(record: AnswerRecord, found: Mapping[str, Value], weight: float) -> Value:
    correct, hallucinated = found["correct"], found["hallucination_rate"]
    right = correct if record.question.answerable else Value(float(record.answer.abstained))
    if right.value is None:
        return right
    if hallucinated.value is None:
        return hallucinated
    return Value(right.value - weight * hallucinated.value)


def _citations(
    record: AnswerRecord, taken: Sequence[Statement], judgements: Mapping[Pair, Judgement]
) -> dict[str, Value]:
    passages = _by_id(record)
    return {
        "citation_precision": _where_shown(record, citation_precision(taken, passages, judgements)),
        "citation_recall": _where_shown(record, citation_recall(taken, passages, judgements)),
        "cited_rate": _where_shown(record, Value(float(bool(record.answer.citations)))),
        "phantom_citation_rate": Value(float(record.answer.phantom_markers > 0)),
    }


def _abstention(record: AnswerRecord) -> dict[str, Value]:
    silent = Value(float(record.answer.abstained))
    answerable = record.question.answerable
    shown = _gold_shown(record)
    elsewhere = _not_applicable("only for answerable questions with gold, in cells with retrieval")
    return {
        "answer_rate": Value(float(not record.answer.abstained)),
        "abstention_recall": _not_applicable("the question is answerable") if answerable else silent,
        "false_abstention": silent if answerable else _not_applicable("the question is unanswerable"),
        "false_abstention_gold_shown": silent if shown is True else elsewhere,
        "false_abstention_gold_not_shown": silent if shown is False else elsewhere,
    }


def _gold_shown(record: AnswerRecord) -> bool | None:
    """Whether every gold span was among the passages shown; None where the question does not arise."""
    if record.ranked is None or not record.question.answerable or not record.question.gold:
        return None
    return recall(record.answer.passages, record.question.gold) == 1.0


def _retrieval(record: AnswerRecord) -> dict[str, Value]:
    gold, ranked = record.question.gold, record.ranked
    if ranked is None:
        return dict.fromkeys(("recall_at_k", "mrr"), _not_applicable("the cell retrieves nothing"))
    if not gold or not record.question.answerable:
        return dict.fromkeys(
            ("recall_at_k", "mrr"), _not_applicable("the question has no gold in the corpus")
        )
    return {"recall_at_k": Value(recall(ranked, gold)), "mrr": Value(reciprocal_rank(ranked, gold))}


def _outcome(
    record: AnswerRecord, metrics: Mapping[str, Value], judged: Sequence[JudgedStatement]
) -> Outcome:
    right = metrics["correct"].value if record.question.answerable else 0.0
    if not record.pool:
        # Without evidence nobody can tell memory from invention.
        right = None
    return outcome(
        abstained=record.answer.abstained,
        answerable=record.question.answerable,
        correct=None if right is None else right == 1.0,
        shown=[each.shown for each in judged if each.shown],
        pool=[each.pool for each in judged],
    )


def _where_shown(record: AnswerRecord, value: Value) -> Value:
    if not record.answer.passages:
        return _not_applicable("no passages were shown")
    return _unless_abstained(record, value)


def _unless_abstained(record: AnswerRecord, value: Value) -> Value:
    return Value(None, Status.ABSTAINED, "the answer abstains") if record.answer.abstained else value


def _not_applicable(reason: str) -> Value:
    return Value(None, Status.NOT_APPLICABLE, reason)
