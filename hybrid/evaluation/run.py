"""The main job: retrieve, tune, answer in every column, judge, compare."""

import hashlib
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hybrid.adapters import Adapter
from hybrid.evaluation.agreement import agreement, read_labels
from hybrid.evaluation.answering import Answered, answer_columns, retrieve
from hybrid.evaluation.decision import decision
from hybrid.evaluation.folder import run_folder
from hybrid.evaluation.forgetting.measure import forgetting
from hybrid.evaluation.job import Job, prepare
from hybrid.evaluation.pool import Ranked, evidence_pool
from hybrid.evaluation.power import power_line
from hybrid.evaluation.probes.aside import Findings, aside
from hybrid.evaluation.regression import held_regressions
from hybrid.evaluation.report import Report
from hybrid.evaluation.results import Measured, gold_ids, row_json, summed_up
from hybrid.evaluation.rows import values_of
from hybrid.evaluation.scoring import AnswerRecord, score
from hybrid.generation.budget import Budget
from hybrid.judging.judge import Judge, for_language
from hybrid.judging.named import check_judge, open_judge
from hybrid.models import Served
from hybrid.pipeline import load_retriever
from hybrid.progress import SILENT, Progress
from hybrid.records import Part
from hybrid.tuning.tune import tune


def evaluate(
    pipeline: str = "quickstart",
    *,
    suite: str | None = None,
    part: Part = "dev",
    model: str | None = None,
    corpus: str | None = None,
    adapter: Path | None = None,
    cells: Sequence[str] | None = None,
    probes: Sequence[str] = (),
    limit: int | None = None,
    seed: int = 0,
    overrides: Sequence[str] = (),
    strict: bool = False,
    judge: Judge | str | None = None,
    max_cost: float | None = None,
    out: Path | None = None,
    resume: bool = False,
    progress: Progress = SILENT,
) -> Report:
    """Measures base and tuned model, with and without retrieval, on one suite.

    Args:
        pipeline: a built-in name or a YAML file.
        suite: another suite than the pipeline's own.
        part: ``dev``, or ``test`` for the final figure.
        model: another model than the pipeline's own.
        corpus: another corpus than the suite's own: its name, ``NAME@GENERATION``, or a path of texts.
        adapter: a PEFT folder or a tuned model's, to use instead of tuning.
        cells: columns to run (``base``, ``base+rag``, ``tuned``, ``tuned+rag``, ``few-shot``,
            ``few-shot+rag``); default: all that the suite allows.
        probes: what explains the cells, see ``PROBES``: ``oracle``, ``distractors``, ``position``,
            ``counterfactual``, ``regurgitation``, ``stale``.
        limit: ask only so many questions, a stratified sample.
        seed: of everything that is drawn.
        overrides: ``KEY=VALUE`` for single values of the pipeline file.
        strict: refuse an adapter that learned from documents which changed or went since.
        judge: of statements against evidence: a name, or an object of your own; default: the suite's.
        max_cost: stop before a vendor's answers cost more than so many USD.
        out: an empty folder for the files; default: a new one under ``<home>/runs``.
        resume: continue a run that was interrupted.
        progress: shows what goes on.

    Raises:
        RunStopped: requests failed or the budget is spent; what was answered is kept, ``resume`` continues.
        HybridError: the user can fix it; nothing was generated yet.
    """
    if isinstance(judge, str):
        check_judge(judge)
    job = prepare(
        pipeline,
        suite=suite,
        part=part,
        model=model,
        corpus=corpus,
        adapter=adapter,
        cells=cells,
        probes=probes,
        limit=limit,
        seed=seed,
        overrides=overrides,
        strict=strict,
        budget=Budget(max_cost),
        progress=progress,
    )
    judge = judge or job.suite.spec.judge
    opened = open_judge(judge, progress.say) if isinstance(judge, str) else judge
    return run(job, opened, out=out, resume=resume, progress=progress)


def run(
    job: Job, judge: Judge, *, out: Path | None = None, resume: bool = False, progress: Progress = SILENT
) -> Report:
    """Does a prepared job; see :func:`evaluate` for the arguments."""
    settings = settings_of(job, judge)
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()
    folder = run_folder(digest, out, resume=resume)
    judge = for_language(judge, job.suite.spec.language)
    power = power_line(len(job.questions), len({question.group for question in job.questions}))
    progress.say(power)
    adapter = _adapter(job, progress)
    ranked = retrieve(job)
    retrained = _retrained(job, progress)
    answered = answer_columns(job, adapter, ranked, progress, retrained=retrained)
    found = aside(job, adapter, answered, retrained=retrained)
    measured = _measured(job, found, ranked, answered, judge, progress)
    known = job.suite.known.get(job.weights.name)
    inputs = job.spec.inputs
    figures = summed_up(
        measured, job.suite.spec, judge, job.seed, known, tolerance=inputs.hallucination_tolerance
    )
    figures["questions"] |= {
        "part": job.part,
        "limit": job.limit,
        "skipped": len(job.suite.skipped),
        "skipped_ids": list(job.suite.skipped),
        "bound": len(job.bound),
    }
    warnings = [*job.warnings, *answered.warnings]
    results = figures | {
        "suite": job.suite.name,
        "pipeline": job.name,
        "power": power,
        "abstention_detector": agreement(read_labels()).to_json(),
        "retrieval": _retrieval(job, figures),
        "forgetting": forgetting(job, adapter, progress),
        "provenance": settings | _made(adapter, retrained, answered) | {"warnings": warnings},
    }
    rows = [row_json(row, measured.gold_of(row)) for row in measured.rows]
    results["thresholds"] += held_regressions(job.suite.spec.regression, job.baseline, values_of(rows))
    return Report(results | decision(results, rows, inputs), rows).save(folder)


def settings_of(job: Job, judge: Judge) -> dict[str, Any]:
    """Everything that decides the figures, except the machine: runs with other settings are other runs."""
    return job.settings() | {"judge": judge.digest}


def _adapter(job: Job, progress: Progress) -> Adapter | None:
    if not job.tunes or isinstance(job.weights, Served):
        return job.adapter
    return tune(job.spec, job.suite, job.retriever, job.weights, seed=job.seed, progress=progress)


def _retrained(job: Job, progress: Progress) -> Adapter | None:
    """The adapter that is made in the same way on the next edition of the corpus."""
    if not job.retrains or job.successor is None or isinstance(job.weights, Served):
        return None
    later = job.successor.suite
    retriever = load_retriever(job.spec, later.corpus, progress.say)
    return tune(job.spec, later, retriever, job.weights, seed=job.seed, progress=progress)


def _measured(
    job: Job,
    found: Findings,
    ranked: Ranked,
    answered: Answered,
    judge: Judge,
    progress: Progress,
) -> Measured:
    retrieved = {id: tuple(hit.passage for hit in hits) for id, hits in ranked.items()}
    pools = {
        question.id: evidence_pool(job.suite.corpus, question, retrieved[question.id])
        for question in job.all_questions
    }
    records = [
        AnswerRecord(
            question=request.question,
            cell=column.name,
            answer=answered.answers[column.name][id],
            pool=answered.showcase.pool(column, request, pools[id]),
            ranked=retrieved[id] if column.retrieval and not column.probe else None,
            swap=answered.showcase.swap(column, id),
        )
        for column in job.columns
        for id, request in answered.requests[column.name].items()
    ]
    progress.say(f"Judging {len(records)} answers …")
    rows = score(records, judge, hallucination_weight=job.suite.spec.hallucination_weight, progress=progress)
    gold = {question.id: gold_ids(job.suite.corpus, question) for question in job.all_questions}
    return Measured(
        tuple(rows),
        answered.costs,
        job.questions,
        job.columns,
        gold,
        found,
    )


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


def _made(adapter: Adapter | None, retrained: Adapter | None, answered: Answered) -> dict[str, Any]:
    """What was made or chosen on the way."""
    return {
        "adapter": _told(adapter),
        "retrained": _told(retrained),
        "few_shot_examples": answered.examples,
        "prompt_parity": answered.parity,
        "created": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }


def _told(adapter: Adapter | None) -> dict[str, Any] | None:
    return {"digest": adapter.digest, "manifest": dict(adapter.manifest)} if adapter else None
