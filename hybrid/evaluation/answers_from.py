"""Other people's answers, judged, compared and reported as if they had been made here."""

import hashlib
import importlib.metadata
import json
import platform
import time
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from hybrid import library
from hybrid.corpus.importing import guess_language
from hybrid.evaluation.agreement import agreement, read_labels
from hybrid.evaluation.answer_rows import Elsewhere, read_answers
from hybrid.evaluation.choice import COMPARED
from hybrid.evaluation.columns import COLUMNS
from hybrid.evaluation.folder import run_folder
from hybrid.evaluation.power import power_line
from hybrid.evaluation.report import Report
from hybrid.evaluation.results import Measured, row_json, summed_up
from hybrid.evaluation.scoring import ScoredRow, score
from hybrid.evaluation.thresholds import check_thresholds
from hybrid.judging.judge import Judge, for_language
from hybrid.judging.named import open_judge
from hybrid.progress import SILENT, Progress
from hybrid.records import Status, Value
from hybrid.specs import SuiteSpec, load_spec
from hybrid.suites import suite_name

VERSIONS = ("hybrid-rag-tuning", "ragas")


def evaluate_answers(
    path: Path,
    *,
    suite: str | None = None,
    judge: Judge | str | None = None,
    out: Path | None = None,
    progress: Progress = SILENT,
) -> Report:
    """Measures answers that were made elsewhere; nothing is generated.

    Rows without ``cell`` are of a system of their own, found under ``systems`` in the results. Effects and
    verdict need rows of at least two cells.

    Args:
        path: JSONL with the field names of ragas, see :class:`hybrid.evaluation.answer_rows.AnswerRow`.
        suite: a suite whose thresholds, weights, language and judge hold; its corpus and questions are not
            read.
        judge: of statements against evidence: a name, or an object of your own; default: the suite's.
        out: an empty folder for the files; default: a new one under ``<home>/runs``.
        progress: shows what goes on.

    Raises:
        HybridError: the user can fix it.
    """
    answers = read_answers(path)
    chosen = library.find_suite(suite) if suite else None
    spec = load_spec(SuiteSpec, chosen) if chosen else _plain_suite(path, answers)
    check_thresholds(spec, (*COLUMNS, *answers.systems))
    judge = judge or spec.judge
    opened = open_judge(judge) if isinstance(judge, str) else judge
    settings = _settings(path, spec, opened)
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()
    folder = run_folder(digest, out, resume=False)
    progress.say(f"Judging {len(answers.records)} answers …")
    asked = for_language(opened, spec.language)
    rows = _rows(answers, asked, spec)
    figures = _figures(answers, rows, asked, spec)
    results = figures | {
        "suite": suite_name(chosen) if chosen else "questions of their own",
        "pipeline": f"answers of {path.name}",
        "provenance": settings | {"created": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())},
    }
    return Report(results, [row_json(row, answers.gold[row.record.question.id]) for row in rows]).save(folder)


def _plain_suite(path: Path, answers: Elsewhere) -> SuiteSpec:
    """Every default, and the language of the questions."""
    return SuiteSpec(corpus="", questions=path.name, language=guess_language(answers.questions))


def _settings(path: Path, spec: SuiteSpec, judge: Judge) -> dict[str, Any]:
    """Everything that decides the figures."""
    return {
        "answers": {"file": path.name, "digest": hashlib.sha256(path.read_bytes()).hexdigest()},
        "suite": spec.model_dump(mode="json"),
        "judge": judge.digest,
        "versions": {name: importlib.metadata.version(name) for name in VERSIONS}
        | {"python": platform.python_version()},
    }


def _rows(answers: Elsewhere, judge: Judge, spec: SuiteSpec) -> list[ScoredRow]:
    """The scored rows; what a row does not say of the passages shown stays unknown."""
    rows = score(answers.records, judge, hallucination_weight=spec.hallucination_weight)
    unknown = Value(None, Status.NOT_APPLICABLE, "the row does not say which passages were shown")
    return [
        replace(row, metrics={**row.metrics, "phantom_citation_rate": unknown})
        if row.record.key in answers.unshown
        else row
        for row in rows
    ]


def _figures(answers: Elsewhere, rows: Sequence[ScoredRow], judge: Judge, spec: SuiteSpec) -> dict[str, Any]:
    measured = Measured(tuple(rows), {}, answers.questions, answers.columns, answers.gold)
    figures = summed_up(measured, spec, judge, 0, by_split=answers.splits)
    _explain(figures, {column.name for column in answers.columns})
    groups = {question.group for question in answers.questions}
    return figures | {
        "power": power_line(len(answers.questions), len(groups)),
        "abstention_detector": agreement(read_labels()).to_json(),
        "retrieval": {"passages": len({passage.id for row in rows for passage in row.record.pool})},
    }


def _explain(figures: dict[str, Any], present: Collection[str]) -> None:
    """Says of each effect that has no value which columns it lacks, and of the verdict what it needs."""
    for name, metrics in figures["effects"].items():
        missing = ", ".join(column for column in COMPARED[name] if column not in present)
        for figure in metrics.values() if missing else ():
            figure["reason"] = f"there are no answers of {missing}"
    verdict = figures["verdict"]
    if verdict["choice"] == "not measured":
        verdict["reason"] = (
            "effects compare cells, so they need answers of at least two, such as base and base+rag"
        )
        told = f"{verdict['reason'].capitalize()}."
        verdict["sentence"] += f" {told}"
        verdict["sentences"].append({"text": told, "effect": "", "rows": []})
