"""The main job: retrieve, tune, answer in every column, judge, compare."""

import hashlib
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hybrid.adapters import Adapter
from hybrid.evaluation.agreement import agreement, read_labels
from hybrid.evaluation.answering import Answered, Ranked, answer_columns, retrieve
from hybrid.evaluation.folder import run_folder
from hybrid.evaluation.job import Job, prepare
from hybrid.evaluation.pool import evidence_pool
from hybrid.evaluation.power import power_line
from hybrid.evaluation.regression import held_regressions
from hybrid.evaluation.report import Report
from hybrid.evaluation.results import Measured, gold_ids, row_json, summed_up
from hybrid.evaluation.rows import values_of
from hybrid.evaluation.scoring import AnswerRecord, score
from hybrid.judging.judge import Judge, for_language
from hybrid.judging.named import open_judge
from hybrid.progress import SILENT, Progress
from hybrid.records import Part
from hybrid.tuning.known import known_unaided
from hybrid.tuning.tune import tune


def evaluate(
    pipeline: str = "quickstart",
    *,
    suite: str | None = None,
    part: Part = "dev",
    corpus: str | None = None,
    adapter: Path | None = None,
    cells: Sequence[str] | None = None,
    probes: Sequence[str] = (),
    limit: int | None = None,
    seed: int = 0,
    overrides: Sequence[str] = (),
    judge: Judge | None = None,
    out: Path | None = None,
    resume: bool = False,
    progress: Progress = SILENT,
) -> Report:
    """Measures base and tuned model, with and without retrieval, on one suite.

    Args:
        pipeline: a built-in name or a YAML file.
        suite: another suite than the pipeline's own.
        part: ``dev``, or ``test`` for the final figure.
        corpus: another corpus than the suite's own.
        adapter: a PEFT folder to use instead of tuning one.
        cells: columns to run (``base``, ``base+rag``, ``tuned``, ``tuned+rag``, ``few-shot``,
            ``few-shot+rag``); default: all that the suite allows.
        probes: columns that explain the cells with retrieval: ``oracle`` shows them the gold passages.
        limit: ask only so many questions, a stratified sample.
        seed: of everything that is drawn.
        overrides: ``KEY=VALUE`` for single values of the pipeline file.
        judge: of statements against evidence; default: the suite's.
        out: an empty folder for the files; default: a new one under ``<home>/runs``.
        resume: continue a run that was interrupted.
        progress: shows what goes on.

    Raises:
        HybridError: the user can fix it; nothing was generated yet.
    """
    job = prepare(
        pipeline,
        suite=suite,
        part=part,
        corpus=corpus,
        adapter=adapter,
        cells=cells,
        probes=probes,
        limit=limit,
        seed=seed,
        overrides=overrides,
        progress=progress,
    )
    return run(job, judge or open_judge(job.suite.spec.judge), out=out, resume=resume, progress=progress)


def run(
    job: Job, judge: Judge, *, out: Path | None = None, resume: bool = False, progress: Progress = SILENT
) -> Report:
    """Does a prepared job; see :func:`evaluate` for the arguments."""
    settings = job.settings() | {"judge": judge.digest}
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()
    folder = run_folder(digest, out, resume=resume)
    judge = for_language(judge, job.suite.spec.language)
    power = power_line(len(job.questions), len({question.group for question in job.questions}))
    progress.say(power)
    adapter = _adapter(job, progress)
    ranked = retrieve(job)
    answered = answer_columns(job, adapter, ranked, progress)
    measured = _measured(job, ranked, answered, judge, progress)
    known = job.suite.known.get(job.weights.name)
    figures = summed_up(measured, job.suite.spec, judge, job.seed, known)
    figures["questions"] |= {
        "part": job.part,
        "limit": job.limit,
        "skipped": len(job.suite.skipped),
        "bound": len(job.bound),
    }
    results = figures | {
        "suite": job.suite.name,
        "pipeline": job.name,
        "power": power,
        "abstention_detector": agreement(read_labels()).to_json(),
        "retrieval": _retrieval(job, figures),
        "provenance": settings | _made(adapter, answered) | {"warnings": list(job.warnings)},
    }
    rows = [row_json(row, measured.gold[row.record.question.id]) for row in measured.rows]
    results["thresholds"] += held_regressions(job.suite.spec.regression, job.baseline, values_of(rows))
    return Report(results, rows).save(folder)


def _adapter(job: Job, progress: Progress) -> Adapter | None:
    if not job.tunes:
        return job.adapter
    known = known_unaided(job.spec, job.suite, job.weights, progress)
    return tune(
        job.spec, job.suite, job.retriever, job.weights, seed=job.seed, known=known, progress=progress
    )


def _measured(job: Job, ranked: Ranked, answered: Answered, judge: Judge, progress: Progress) -> Measured:
    pools = {
        question.id: evidence_pool(job.suite.corpus, question, ranked[question.id])
        for question in job.all_questions
    }
    records = [
        AnswerRecord(
            question=question,
            cell=column.name,
            answer=answered.answers[column.name][question.id],
            pool=pools[question.id],
            ranked=ranked[question.id] if column.retrieval and not column.probe else None,
        )
        for column in job.columns
        for question in job.asked(column)
    ]
    progress.say(f"Judging {len(records)} answers …")
    rows = score(records, judge, hallucination_weight=job.suite.spec.hallucination_weight)
    gold = {question.id: gold_ids(job.suite.corpus, question) for question in job.all_questions}
    return Measured(tuple(rows), answered.costs, job.questions, job.columns, gold)


def _retrieval(job: Job, figures: dict[str, Any]) -> dict[str, Any]:
    searched = next((column.name for column in job.columns if column.retrieval), None)
    columns = figures["cells"] | figures["references"]
    metrics = columns[searched]["metrics"] if searched else {}
    return {
        "k": job.spec.retrieval.k,
        "embedder": job.spec.retrieval.embedder,
        "passages": len(job.suite.corpus.passages()),
        "metrics": {name: metrics[name] for name in ("recall_at_k", "mrr") if name in metrics},
    }


def _made(adapter: Adapter | None, answered: Answered) -> dict[str, Any]:
    """What was made or chosen on the way."""
    return {
        "adapter": {"digest": adapter.digest, "manifest": dict(adapter.manifest)} if adapter else None,
        "few_shot_examples": answered.examples,
        "created": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }
