"""From scored rows to ``results.json`` and ``rows.jsonl``, as the contract of schema version 1 has them."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from hybrid.evaluation.advice import adviser
from hybrid.evaluation.columns import CELLS, COLUMNS, REFERENCES, Column
from hybrid.evaluation.conditional import unless_few
from hybrid.evaluation.effects import effects
from hybrid.evaluation.example_rows import with_rows
from hybrid.evaluation.flip import flips, verdict_counts
from hybrid.evaluation.intervals import LEVEL, METHOD, paired_difference, summarise
from hybrid.evaluation.memory import memory
from hybrid.evaluation.outcomes import Outcome
from hybrid.evaluation.probes.findings import findings
from hybrid.evaluation.ragas_figures import ragas_figures
from hybrid.evaluation.rows import Table
from hybrid.evaluation.scoring import BINARY, METRICS, ScoredRow
from hybrid.evaluation.thresholds import TOTALS, held_thresholds
from hybrid.evaluation.verdict import Effects
from hybrid.generation.generator import Generation
from hybrid.judging.judge import Judge, Judgement, NoVerdict
from hybrid.records import Question, Split, Value
from hybrid.specs import SuiteSpec
from hybrid.tuning.gold import gold_passages

SCHEMA_VERSION = 1
SPLITS: tuple[Split, ...] = ("seen", "unseen")
NOT_RUN = "this column was not run"

CONDITIONS = {
    "hallucination_rate_answered": "were answered",
    "false_abstention_gold_shown": "had the gold shown",
    "false_abstention_gold_not_shown": "had not all of the gold shown",
}
"""The rates that are conditional on what the cell itself did: withheld where that was seldom."""


@dataclass(frozen=True, slots=True)
class Measured:
    """Everything that was found out in a run, before it is summed up.

    Attributes:
        rows: scored, of all columns.
        costs: what each column's generation took.
        questions: that were asked in every cell, in order.
        columns: that were run.
        gold: question id → ids of the passages that hold the gold.
        aside: probe → cell → what was found beside the rows.
    """

    rows: tuple[ScoredRow, ...]
    costs: Mapping[str, Generation]
    questions: tuple[Question, ...]
    columns: tuple[Column, ...]
    gold: Mapping[str, tuple[int, ...]]
    aside: Mapping[str, Mapping[str, Mapping[str, Any]]] = field(default_factory=dict)

    def gold_of(self, row: ScoredRow) -> tuple[int, ...]:
        """Ids of the passages that tell in a row: where they were changed, the changed ones."""
        if row.record.swap:
            return tuple(passage.id for passage in row.record.swap.passages)
        return self.gold[row.record.question.id]


def summed_up(
    measured: Measured,
    suite: SuiteSpec,
    judge: Judge,
    seed: int,
    known: Collection[str] | None = None,
    tolerance: float | None = None,
    *,
    by_split: bool = True,
) -> dict[str, Any]:
    """The figures of a run: columns, effects, splits, probes and verdict.

    Args:
        measured: the scored rows, and what they cost.
        suite: what is worth having, and the thresholds.
        judge: that judged.
        seed: of the run.
        known: ids of questions that the base was found to answer unaided; None: this run's own answers tell.
        by_split: False where nobody knows which questions are on documents that training saw.
        tolerance: the greatest hallucination rate that is tolerated, if one was declared.
    """
    groups = {row.record.question.id: row.record.question.group for row in measured.rows}
    table = tabulated(measured.rows)
    found = effects(table, groups, binary=BINARY, metrics=METRICS)
    penalty = suite.hallucination_weight
    cells, systems = _names(CELLS), _systems(measured.columns)
    columns = {
        name: _column(name, measured, table.get(name), groups, penalty)
        for name in (*_names(CELLS + REFERENCES), *systems)
    }
    splits = SPLITS if by_split else ()
    tags = sorted({tag for question in measured.questions for tag in question.tags})
    questions = measured.questions if by_split else ()
    advise = _adviser(table, groups, questions, suite, judge, columns, tolerance)
    return {
        "schema_version": SCHEMA_VERSION,
        "questions": _counts(measured.questions) | ({} if by_split else {"n_seen": None, "n_unseen": None}),
        "cells": {name: columns[name] for name in cells},
        "references": {name: columns[name] for name in _names(REFERENCES)},
        "systems": {name: columns[name] for name in systems},
        "effects": found,
        "by_split": {split: _split(split, measured, groups, suite, judge) for split in splits},
        "by_tag": {tag: _tag(tag, measured, groups, penalty) for tag in tags},
        "memory": memory(table, groups, known),
        "probes": _probes(measured, table, groups, penalty),
        "ragas": ragas_figures(measured.rows, judge, _names(measured.columns), groups),
        "judge": {"name": judge.name, "digest": judge.digest, "validated": judge.validated},
        "interval": {
            "method": METHOD,
            "level": LEVEL,
            "clusters": len({question.group for question in measured.questions}),
            "seeds": [seed],
            "covers": "questions, conditional on this adapter",
        },
        "thresholds": held_thresholds(suite, columns, table),
        "verdict": _linked(advise(found), table)
        | flips(
            found,
            {name: column["score"] for name, column in table.items()},
            verdict_counts(measured.rows),
            groups,
            weight=penalty,
            decide=advise,
        ),
    }


def tabulated(rows: Iterable[ScoredRow]) -> Table:
    """Column → metric → question id → value."""
    table: Table = {}
    for row in rows:
        column = table.setdefault(row.record.cell, {name: {} for name in METRICS})
        for name, value in row.metrics.items():
            column[name][row.record.question.id] = value
    return table


def row_json(row: ScoredRow, gold: Sequence[int]) -> dict[str, Any]:
    """One line of ``rows.jsonl``."""
    record, question, answer = row.record, row.record.question, row.record.answer
    return {
        "question_id": question.id,
        "cell": record.cell,
        "split": question.split,
        "kind": question.kind,
        "tags": list(question.tags),
        "group": question.group,
        "answerable": question.answerable,
        "question": question.text,
        "history": [asdict(turn) for turn in question.history],
        "references": None if question.answers is None else list(question.answers),
        "swap": record.swap
        and {
            "references": list(record.swap.references),
            "substitutes": list(record.swap.substitutes),
        },
        "answer": answer.text,
        "raw": answer.raw,
        "abstained": answer.abstained,
        "citations": [asdict(citation) for citation in answer.citations],
        "phantom_markers": answer.phantom_markers,
        "dropped_passages": answer.dropped_passages,
        "shown": [passage.id for passage in answer.passages],
        "ranked": None if record.ranked is None else [passage.id for passage in record.ranked],
        "gold": list(gold),
        "gold_spans": None if question.gold is None else [asdict(span) for span in question.gold],
        "pool": [asdict(passage) for passage in record.pool],
        "statements": [
            {
                "text": judged.statement.text,
                "claim": judged.statement.claim,
                "cited": list(judged.statement.cited),
                "pool": judged.pool.verdict,
                "pool_score": judged.pool.score,
                "shown": judged.shown.verdict if judged.shown else None,
                "error": _error(judged.pool, judged.shown),
            }
            for judged in row.statements
        ],
        "outcome": row.outcome,
        "metrics": {
            name: {"value": value.value, "status": value.status, "reason": value.reason}
            | ({} if value.weight == 1 else {"weight": value.weight})
            for name, value in row.metrics.items()
        },
        "ragas": {
            name: {"value": value.value, "status": value.status, "reason": value.reason}
            for name, value in row.ragas.items()
        },
        "prompt_tokens": answer.prompt_tokens,
        "output_tokens": answer.output_tokens,
    }


def _error(pool: Judgement, shown: Judgement | None) -> str:
    return pool.error or (shown.error if shown else "")


def gold_ids(corpus: Any, question: Question) -> tuple[int, ...]:
    """Ids of the passages that hold a question's gold."""
    return tuple(passage.id for passage in gold_passages(corpus, question))


def _names(columns: Iterable[Any]) -> list[str]:
    return [column.name for column in columns]


def _systems(columns: Iterable[Column]) -> list[str]:
    """The columns that were answered elsewhere, by a system that is none of ours."""
    return [column.name for column in columns if not column.probe and column.name not in COLUMNS]


def _counts(questions: Sequence[Question]) -> dict[str, int]:
    return {
        "n": len(questions),
        "n_seen": sum(question.split == "seen" for question in questions),
        "n_unseen": sum(question.split == "unseen" for question in questions),
        "n_answerable": sum(question.answerable for question in questions),
    }


def _column(
    name: str,
    measured: Measured,
    values: Mapping[str, Mapping[str, Value]] | None,
    groups: Mapping[str, str],
    penalty: float,
) -> dict[str, Any]:
    rows = [row for row in measured.rows if row.record.cell == name]
    outcomes = Counter(row.outcome for row in rows)
    return {
        "metrics": _metrics(values, groups, penalty) | _totals(rows, measured.costs.get(name)),
        "outcomes": {outcome.value: outcomes[outcome] for outcome in Outcome},
        "dropped_passages": sum(row.record.answer.dropped_passages for row in rows),
    }


def _metrics(
    values: Mapping[str, Mapping[str, Value]] | None, groups: Mapping[str, str], penalty: float
) -> dict[str, Any]:
    if values is None:
        return {name: _absent() for name in METRICS}
    figures = {
        name: summarise(
            values[name], groups, binary=name in BINARY, bounds=(-penalty if name == "score" else 0, 1)
        ).to_json()
        for name in METRICS
    }
    return figures | {
        name: unless_few(figures[name], condition)
        for name, condition in CONDITIONS.items()
        if figures[name]["status"] == "ok"
    }


def _absent(reason: str = NOT_RUN) -> dict[str, Any]:
    return _figure(None, 0, "not_applicable", reason)


def _figure(value: float | None, n: int, status: str, reason: str) -> dict[str, Any]:
    return {
        "mean": value,
        "low": value,
        "high": value,
        "n": n,
        "n_failed": 0,
        "n_not_applicable": 0,
        "status": status,
        "reason": reason,
    }


def _totals(rows: Sequence[ScoredRow], cost: Generation | None) -> dict[str, Any]:
    if cost is None:
        reason = "what these answers took is not known" if rows else NOT_RUN
        return {name: _absent(reason) for name in TOTALS}
    totals = {
        "prompt_tokens": sum(row.record.answer.prompt_tokens for row in rows),
        "output_tokens": sum(row.record.answer.output_tokens for row in rows),
        "seconds": cost.seconds,
        "peak_memory_mb": cost.peak_memory_mb,
    }
    reasons = dict.fromkeys(TOTALS, "total") | {"peak_memory_mb": "peak"}
    elsewhere = _figure(None, 0, "not_applicable", "the model runs on a server")
    return {
        name: elsewhere if total is None else _figure(float(total), len(rows), "ok", reasons[name])
        for name, total in totals.items()
    }


def _adviser(
    table: Table,
    groups: Mapping[str, str],
    questions: Sequence[Question],
    suite: SuiteSpec,
    judge: Judge,
    columns: Mapping[str, Any],
    tolerance: float | None = None,
) -> Callable[[Effects], dict[str, Any]]:
    """What gives the verdict of some effects; it names the splits, and there is none without a judge."""
    return adviser(
        {name: table[name] for name in _names(CELLS + REFERENCES) if name in table},
        groups,
        {question.id: question.split for question in questions},
        worth_it=suite.worth_it,
        penalty=suite.hallucination_weight,
        judge_validated=judge.validated,
        judged=not isinstance(judge, NoVerdict),
        hallucination={name: column["metrics"]["hallucination_rate"] for name, column in columns.items()},
        tolerance=tolerance,
    )


def _linked(verdict: dict[str, Any], table: Table) -> dict[str, Any]:
    """The verdict with the rows behind each of its sentences."""
    return verdict | {"sentences": with_rows(verdict["sentences"], verdict["zones"], table)}


def _split(
    split: Split, measured: Measured, groups: Mapping[str, str], suite: SuiteSpec, judge: Judge
) -> dict[str, Any]:
    rows = [row for row in measured.rows if row.record.question.split == split]
    table = tabulated(rows)
    found = effects(table, groups, binary=BINARY, metrics=("correct", "score", "hallucination_rate"))
    questions = [question for question in measured.questions if question.split == split]
    cells = _cells(table, groups, suite.hallucination_weight)
    advise = _adviser(table, groups, questions, suite, judge, cells)
    return {
        "n": len(questions),
        "cells": cells,
        "effects": found,
        "verdict": _linked(advise(found), table),
    }


def _tag(tag: str, measured: Measured, groups: Mapping[str, str], penalty: float) -> dict[str, Any]:
    table = tabulated(row for row in measured.rows if tag in row.record.question.tags)
    return {
        "n": sum(tag in question.tags for question in measured.questions),
        "cells": _cells(table, groups, penalty),
    }


def _cells(table: Table, groups: Mapping[str, str], penalty: float) -> dict[str, Any]:
    """The figures of cells and references on a part of the questions."""
    return {
        name: {"metrics": _metrics(table.get(name), groups, penalty)} for name in _names(CELLS + REFERENCES)
    }


def _probes(measured: Measured, table: Table, groups: Mapping[str, str], penalty: float) -> dict[str, Any]:
    """Probe → cell → its figures, and how much more is right than in the cell that it explains."""
    probes: dict[str, Any] = {}
    for column in measured.columns:
        if column.probe:
            figures = _column(column.name, measured, table.get(column.name), groups, penalty)
            if column.probe != "counterfactual":
                figures |= {"gain": {"correct": _gain(column, table, groups)}}
            probes.setdefault(column.probe, {})[column.cell] = figures
    for found in (findings(measured.rows, groups), measured.aside):
        for probe, cells in found.items():
            for cell, more in cells.items():
                probes.setdefault(probe, {}).setdefault(cell, {}).update(more)
    return probes


def _gain(column: Column, table: Table, groups: Mapping[str, str]) -> dict[str, Any]:
    before, after = (table.get(name, {}).get("correct", {}) for name in (column.cell, column.name))
    return paired_difference(before, after, groups, binary=True).to_json()
