"""The main job for several models: a run of each in a folder of its own, and one table over them."""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hybrid.errors import BadSpec, RunError
from hybrid.evaluation.folder import run_folder, write_beside
from hybrid.evaluation.job import Job
from hybrid.evaluation.models_table import compare
from hybrid.evaluation.report import Report
from hybrid.evaluation.run import run, settings_of
from hybrid.judging.judge import Judge
from hybrid.models import Served
from hybrid.progress import SILENT, Progress

MODELS = "models.json"


@dataclass(frozen=True, slots=True)
class Comparison:
    """Several models compared.

    Attributes:
        results: as in ``models.json``.
        reports: model → its own run.
        folder: where everything is.
    """

    results: Mapping[str, Any]
    reports: Mapping[str, Report]
    folder: Path

    @property
    def path(self) -> Path:
        """Of ``models.json``."""
        return self.folder / MODELS

    @property
    def failed_thresholds(self) -> list[str]:
        """Names of the suite's thresholds that a model did not reach, with the model."""
        return [f"{name}: {each}" for name, made in self.reports.items() for each in made.failed_thresholds]


def run_several(
    jobs: Sequence[Job],
    judge: Judge,
    *,
    out: Path | None = None,
    resume: bool = False,
    progress: Progress = SILENT,
) -> Comparison:
    """Does prepared jobs that differ in nothing but their models, one after the other.

    Raises:
        RunError: two of them are the same model.
        BadSpec: one tokenizer or one tuned model is named for several served models.
        RunStopped: requests failed or the budget is spent; ``resume`` continues.
    """
    folders = _folders(jobs)
    _check_shared(jobs)
    settings = [settings_of(job, judge) for job in jobs]
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()
    folder = run_folder(digest, out, resume=resume)
    reports = {}
    for name, job in zip(folders, jobs, strict=True):
        progress.say(f"Model: {job.weights.name}")
        begun = (folder / name).exists()
        reports[job.weights.name] = run(job, judge, out=folder / name, resume=begun, progress=progress)
    results = compare(reports)
    write_beside(folder / MODELS, json.dumps(results, indent=2, ensure_ascii=False, allow_nan=False) + "\n")
    return Comparison(results, reports, folder)


def _folders(jobs: Sequence[Job]) -> list[str]:
    """A folder's name for each model."""
    names = [re.sub(r"[^\w.-]+", "-", job.weights.name).strip("-.") for job in jobs]
    if twice := {name for name in names if names.count(name) > 1}:
        raise RunError(f"--model: {', '.join(sorted(twice))} is named twice.")
    return names


def _check_shared(jobs: Sequence[Job]) -> None:
    """What is one model's own must not be said of several."""
    served = [job for job in jobs if isinstance(job.weights, Served)]
    for key in ("tokenizer", "tuned_model"):
        shared = [job for job in served if _from_all(job, key)]
        if len(shared) > 1:
            raise BadSpec(
                f"generation.{key} is said of {len(shared)} served models. "
                f"Say it of each: generation.by_model.MODEL.{key}."
            )


def _from_all(job: Job, key: str) -> bool:
    """Whether a served model takes a key from what is said of all."""
    generation = job.spec.generation
    own = generation.by_model.get(job.weights.model) if isinstance(job.weights, Served) else None
    return getattr(generation, key) is not None and (own is None or key not in own.model_fields_set)
