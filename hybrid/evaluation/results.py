"""From scored rows to ``results.json`` and ``rows.jsonl``, as the contract of schema version 1 has them."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from hybrid.evaluation.columns import CELLS, REFERENCES, Column
from hybrid.evaluation.effects import effects
from hybrid.evaluation.intervals import LEVEL, METHOD, paired_difference, summarise
from hybrid.evaluation.memory import memory
from hybrid.evaluation.outcomes import Outcome
from hybrid.evaluation.rows import Table
from hybrid.evaluation.scoring import BINARY, METRICS, ScoredRow
from hybrid.evaluation.thresholds import TOTALS, held_thresholds
from hybrid.evaluation.verdict import decide
from hybrid.generation.generator import Generation
from hybrid.judging.judge import Judge, Judgement, NoVerdict
from hybrid.records import Question, Split, Value
from hybrid.specs import SuiteSpec
from hybrid.tuning.rows import gold_passages

SCHEMA_VERSION = 1
SPLITS: tuple[Split, ...] = ("seen", "unseen")


@dataclass(frozen=True, slots=True)
class Measured:
    """Everything that was found out in a run, before it is summed up.

    Attributes:
        rows: scored, of all columns.
        costs: what each column's generation took.
        questions: that were asked in every cell, in order.
        columns: that were run.
        gold: question id → ids of the passages that hold the gold.
    """

    rows: tuple[ScoredRow, ...]
    costs: Mapping[str, Generation]
    questions: tuple[Question, ...]
    columns: tuple[Column, ...]
    gold: Mapping[str, tuple[int, ...]]


def summed_up(
    measured: Measured, suite: SuiteSpec, judge: Judge, seed: int, known: Collection[str] | None = None
) -> dict[str, Any]:
    """The figures of a run: columns, effects, splits, probes and verdict.

    Args:
        measured: the scored rows, and what they cost.
        suite: what is worth having, and the thresholds.
        judge: that judged.
        seed: of the run.
        known: ids of questions that the base was found to answer unaided; None: this run's own answers tell.
    """
    groups = {row.record.question.id: row.record.question.group for row in measured.rows}
    table = tabulated(measured.rows)
    found = effects(table, groups, binary=BINARY, metrics=METRICS)
    penalty = suite.hallucination_weight
    columns = {
        name: _column(name, measured, table.get(name), groups, penalty) for name in _names(CELLS + REFERENCES)
    }
    cells = _names(CELLS)
    tags = sorted({tag for question in measured.questions for tag in question.tags})
    return {
        "schema_version": SCHEMA_VERSION,
        "questions": _counts(measured.questions),
        "cells": {name: columns[name] for name in cells},
        "references": {name: columns[name] for name in _names(REFERENCES)},
        "effects": found,
        "by_split": {split: _split(split, measured, groups, suite, judge) for split in SPLITS},
        "by_tag": {tag: _tag(tag, measured, groups, penalty) for tag in tags},
        "memory": memory(table, groups, known),
        "probes": _probes(measured, table, groups, penalty),
        "judge": {"name": judge.name, "digest": judge.digest, "validated": judge.validated},
        "interval": {
            "method": METHOD,
            "level": LEVEL,
            "clusters": len({question.group for question in measured.questions}),
            "seeds": [seed],
            "covers": "questions, conditional on this adapter",
        },
        "thresholds": held_thresholds(suite, columns, table),
        "verdict": _verdict(found, table, suite, judge, [question.split for question in measured.questions]),
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
        "answer": answer.text,
        "raw": answer.raw,
        "abstained": answer.abstained,
        "citations": [asdict(citation) for citation in answer.citations],
        "phantom_markers": answer.phantom_markers,
        "dropped_passages": answer.dropped_passages,
        "shown": [passage.id for passage in answer.passages],
        "gold": list(gold),
        "pool": [
            {
                "id": passage.id,
                "document": passage.document,
                "title": passage.title,
                "locator": passage.locator,
                "text": passage.text,
            }
            for passage in record.pool
        ],
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
    return {
        name: summarise(
            values[name], groups, binary=name in BINARY, bounds=(-penalty if name == "score" else 0, 1)
        ).to_json()
        for name in METRICS
    }


def _absent() -> dict[str, Any]:
    return _figure(None, 0, "not_applicable", "this column was not run")


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
        return {name: _absent() for name in TOTALS}
    totals = {
        "prompt_tokens": sum(row.record.answer.prompt_tokens for row in rows),
        "output_tokens": sum(row.record.answer.output_tokens for row in rows),
        "seconds": cost.seconds,
        "peak_memory_mb": cost.peak_memory_mb,
    }
    reasons = dict.fromkeys(TOTALS, "total") | {"peak_memory_mb": "peak"}
    return {name: _figure(float(total), len(rows), "ok", reasons[name]) for name, total in totals.items()}


def _verdict(
    found: Mapping[str, Any], table: Table, suite: SuiteSpec, judge: Judge, splits: Sequence[Split]
) -> dict[str, Any]:
    """The verdict, which names the splits that it speaks of; there is none without a judge."""
    silent = [name for name in _names(CELLS + REFERENCES) if _is_silent(table.get(name, {}))]
    return decide(
        found,
        worth_it=suite.worth_it,
        cells_present=[name for name in _names(CELLS) if name in table],
        silent=[] if isinstance(judge, NoVerdict) else silent,
        judge_validated=judge.validated,
        headline_split=" and ".join(split for split in SPLITS if split in splits),
    )


def _is_silent(column: Mapping[str, Mapping[str, Value]]) -> bool:
    """Whether a column abstains on more than half of the answerable questions."""
    silences = [
        value.value for value in column.get("false_abstention", {}).values() if value.value is not None
    ]
    return sum(silences) > len(silences) / 2


def _split(
    split: Split, measured: Measured, groups: Mapping[str, str], suite: SuiteSpec, judge: Judge
) -> dict[str, Any]:
    rows = [row for row in measured.rows if row.record.question.split == split]
    table = tabulated(rows)
    found = effects(table, groups, binary=BINARY, metrics=("correct", "score", "hallucination_rate"))
    return {
        "n": sum(question.split == split for question in measured.questions),
        "cells": _cells(table, groups, suite.hallucination_weight),
        "effects": found,
        "verdict": _verdict(found, table, suite, judge, [split]),
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
            cell = column.name.removeprefix(f"{column.probe}/")
            gain = paired_difference(
                table.get(cell, {}).get("correct", {}), table[column.name]["correct"], groups, binary=True
            )
            figures = _column(column.name, measured, table[column.name], groups, penalty)
            probes.setdefault(column.probe, {})[cell] = figures | {"gain": {"correct": gain.to_json()}}
    return probes
