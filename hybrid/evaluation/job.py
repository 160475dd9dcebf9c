"""What an evaluation is asked to do: found, checked and opened before any slow work."""

import hashlib
import importlib.metadata
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hybrid import library, models
from hybrid.adapters import Adapter, base_warning, open_adapter
from hybrid.errors import CorpusError
from hybrid.evaluation.columns import COLUMNS, Column, pick_columns
from hybrid.evaluation.sample import stratified_sample
from hybrid.generation import prompt
from hybrid.pipeline import load_retriever
from hybrid.progress import SILENT, Progress
from hybrid.records import Part, Question
from hybrid.retrieval.retriever import Retriever
from hybrid.specs import PipelineSpec, load_spec
from hybrid.suites import Suite, load_suite

VERSIONS = ("torch", "transformers", "peft", "trl", "sentence-transformers", "faiss-cpu", "ragas")


@dataclass(frozen=True, slots=True)
class Job:
    """What an evaluation is asked to do, everything found and opened.

    Attributes:
        name: of the pipeline.
        spec: the pipeline.
        suite: with its corpus.
        retriever: over that corpus.
        weights: of the base model.
        columns: to run.
        questions: to ask, sampled.
        part: they are from.
        limit: that was set on them.
        seed: of everything that is drawn.
        adapter: to use instead of tuning one.
    """

    name: str
    spec: PipelineSpec
    suite: Suite
    retriever: Retriever
    weights: models.Weights
    columns: tuple[Column, ...]
    questions: tuple[Question, ...]
    part: Part
    limit: int | None
    seed: int
    adapter: Adapter | None

    @property
    def tunes(self) -> bool:
        """Whether an adapter has to be made first."""
        return self.adapter is None and any(column.tuned for column in self.columns)

    def settings(self) -> dict[str, Any]:
        """Everything that decides the figures, except the machine."""
        return {
            "pipeline": self.spec.model_dump(mode="json"),
            "suite": self.suite.spec.model_dump(mode="json"),
            "columns": [column.name for column in self.columns],
            "questions": _digest([question.id for question in self.questions]),
            "part": self.part,
            "limit": self.limit,
            "seed": self.seed,
            "corpus": {
                "name": self.suite.corpus.name,
                "generation": self.suite.corpus.generation,
                "digest": self.suite.corpus.digest,
            },
            "model": {"name": self.weights.name, "digest": self.weights.digest, "note": self.weights.note},
            "embedder": self.retriever.embedder.digest,
            "adapter_given": self.adapter.digest if self.adapter else None,
            "prompt": _digest([prompt.WITH_SOURCES, prompt.WITHOUT_SOURCES]),
            "versions": {name: importlib.metadata.version(name) for name in VERSIONS},
        }


def prepare(
    pipeline: str,
    *,
    suite: str | None = None,
    part: Part = "dev",
    corpus: str | None = None,
    adapter: Path | None = None,
    cells: Sequence[str] | None = None,
    limit: int | None = None,
    seed: int = 0,
    overrides: Sequence[str] = (),
    progress: Progress = SILENT,
) -> Job:
    """Finds, checks and opens everything that a run needs; see :func:`evaluate` for the arguments.

    Raises:
        HybridError: something is missing or does not fit.
    """
    spec = load_spec(PipelineSpec, library.find_pipeline(pipeline), overrides)
    opened = load_suite(suite or spec.suite, corpus=corpus, say=progress.say)
    questions = stratified_sample(opened.part(part), limit, seed)
    if not questions:
        raise CorpusError(f'Suite "{opened.name}" has no questions in its part "{part}".')
    given = open_adapter(adapter) if adapter else None
    columns = _columns(cells, spec, opened, given)
    weights = models.locate(spec.model, progress.say)
    if given and (warning := base_warning(given, weights)):
        progress.say(warning)
    retriever = load_retriever(spec, opened.corpus, progress.say)
    return Job(
        name=Path(pipeline).stem,
        spec=spec,
        suite=opened,
        retriever=retriever,
        weights=weights,
        columns=tuple(columns),
        questions=tuple(questions),
        part=part,
        limit=limit,
        seed=seed,
        adapter=given,
    )


def _columns(
    names: Sequence[str] | None, spec: PipelineSpec, suite: Suite, adapter: Adapter | None
) -> list[Column]:
    """The columns asked for, or all that can be run. Without training questions there are no examples.

    Raises:
        NoTrainingQuestions: a column needs them, and the suite has none.
    """
    columns = pick_columns(list(COLUMNS) if names is None else names)
    if names is None and not (spec.references.few_shot and suite.training):
        columns = [column for column in columns if not column.few_shot]
    if any(column.few_shot or (column.tuned and adapter is None) for column in columns):
        suite.require_training()
    return columns


def _digest(texts: Sequence[str]) -> str:
    return hashlib.sha256(json.dumps(texts).encode()).hexdigest()
