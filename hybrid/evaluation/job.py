"""What an evaluation is asked to do: found, checked and opened before any slow work."""

import hashlib
import importlib.metadata
import json
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hybrid import library, models
from hybrid.adapters import Adapter, base_warnings, check_fit, open_adapter
from hybrid.errors import CorpusError
from hybrid.evaluation.columns import COLUMNS, Column, pick_columns, probe_columns
from hybrid.evaluation.regression import open_baseline
from hybrid.evaluation.rows import Values
from hybrid.evaluation.sample import stratified_sample
from hybrid.evaluation.thresholds import check_thresholds
from hybrid.generation.device import precision
from hybrid.generation.generator import check_room
from hybrid.generation.prompt import sample_chats
from hybrid.pipeline import load_retriever
from hybrid.progress import SILENT, Progress
from hybrid.records import Part, Question
from hybrid.retrieval.retriever import Retriever
from hybrid.specs import PipelineSpec, load_spec
from hybrid.suites import Suite, load_suite
from hybrid.tuning.rows import trainable
from hybrid.tuning.tune import trainable_questions

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

VERSIONS = (
    "hybrid-rag-tuning",
    "torch",
    "transformers",
    "peft",
    "trl",
    "sentence-transformers",
    "faiss-cpu",
    "ragas",
)


@dataclass(frozen=True, slots=True)
class Job:
    """What an evaluation is asked to do, everything found and opened.

    Attributes:
        name: of the pipeline.
        spec: the pipeline.
        suite: with its corpus.
        retriever: over that corpus.
        weights: of the base model.
        columns: to run; probes stand last.
        questions: to ask in every cell, sampled.
        bound: questions that only a probe can ask, see ``Question.bound``.
        part: they are from.
        limit: that was set on them.
        seed: of everything that is drawn.
        adapter: to use instead of tuning one.
        warnings: what a reader of the figures has to know about the models and that adapter.
        baseline: the accepted values that the suite's bounds on regression are held against.
    """

    name: str
    spec: PipelineSpec
    suite: Suite
    retriever: Retriever
    weights: models.Weights
    columns: tuple[Column, ...]
    questions: tuple[Question, ...]
    bound: tuple[Question, ...]
    part: Part
    limit: int | None
    seed: int
    adapter: Adapter | None
    warnings: tuple[str, ...]
    baseline: Values | None = None

    @property
    def tunes(self) -> bool:
        """Whether an adapter has to be made first."""
        return self.adapter is None and any(column.tuned for column in self.columns)

    @property
    def all_questions(self) -> tuple[Question, ...]:
        """Everything that some column asks."""
        return self.questions + self.bound

    def asked(self, column: Column) -> tuple[Question, ...]:
        """The questions of one column: a probe that shows the gold asks those that have one."""
        if not column.probe:
            return self.questions
        return tuple(question for question in self.all_questions if question.gold)

    def settings(self) -> dict[str, Any]:
        """Everything that decides the figures, except the machine."""
        return {
            "pipeline": self.spec.model_dump(mode="json"),
            "suite": self.suite.spec.model_dump(mode="json"),
            "columns": [column.name for column in self.columns],
            "questions": _digest(self.all_questions),
            "training": _digest(self.suite.training),
            "known": {model: sorted(ids) for model, ids in self.suite.known.items()},
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
            "prompt": _digest(sample_chats(self.suite.spec.answers)),
            "precision": precision(self.spec.generation),
            "versions": {name: importlib.metadata.version(name) for name in VERSIONS}
            | {"python": platform.python_version()},
        }


def prepare(
    pipeline: str,
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
    progress: Progress = SILENT,
) -> Job:
    """Finds, checks and opens everything that a run needs; see :func:`evaluate` for the arguments.

    Raises:
        HybridError: something is missing or does not fit.
    """
    spec = load_spec(PipelineSpec, library.find_pipeline(pipeline), overrides)
    wanted = pick_columns(list(COLUMNS) if cells is None else cells)
    shown = probe_columns(probes, wanted)
    given = open_adapter(adapter) if adapter else None
    folder = library.find_suite(suite or spec.suite).parent
    weights = models.locate(spec.model, progress.say)
    opened = load_suite(suite or spec.suite, corpus=corpus, say=progress.say)
    columns = wanted if cells is not None else _possible(wanted, spec, opened)
    asked = opened.part(part)
    questions = stratified_sample([question for question in asked if not question.bound], limit, seed)
    bound = stratified_sample([question for question in asked if question.bound], limit, seed)
    if not questions:
        raise CorpusError(f'Suite "{opened.name}" has no questions for the cells in its part "{part}".')
    if probes and not any(question.gold for question in (*questions, *bound)):
        raise CorpusError(f'--probe: no question of suite "{opened.name}" has gold that could be shown.')
    if any(column.few_shot or (column.tuned and given is None) for column in columns):
        trainable_questions(opened)
    check_thresholds(opened.spec)
    baseline = open_baseline(opened.spec.regression, folder, [question.id for question in questions])
    check_room(weights, spec.generation, [*questions, *bound])
    warnings = _check_language(spec, opened.spec.language) + _check_adapter(given, weights, spec)
    for warning in warnings:
        progress.say(warning)
    retriever = load_retriever(spec, opened.corpus, progress.say)
    return Job(
        name=Path(pipeline).stem,
        spec=spec,
        suite=opened,
        retriever=retriever,
        weights=weights,
        columns=(*columns, *shown),
        questions=tuple(questions),
        bound=tuple(bound) if probes else (),
        part=part,
        limit=limit,
        seed=seed,
        adapter=given,
        warnings=tuple(warnings),
        baseline=baseline,
    )


def _check_language(spec: PipelineSpec, language: str) -> list[str]:
    names = {"model": spec.model, "embedder": spec.retrieval.embedder}
    return [
        f"not validated for {language}: the {role} {name}"
        for role, name in names.items()
        if not models.fits_language(name, language)
    ]


def _check_adapter(adapter: Adapter | None, weights: models.Weights, spec: PipelineSpec) -> list[str]:
    if adapter is None:
        return []
    check_fit(adapter, weights)
    return base_warnings(adapter, weights, precision(spec.generation))


def _possible(columns: Sequence[Column], spec: PipelineSpec, suite: Suite) -> list[Column]:
    """Without the few-shot columns where no training question can be made an example, or none is wanted."""
    examples = spec.references.few_shot and any(trainable(suite.corpus, each) for each in suite.training)
    return [column for column in columns if examples or not column.few_shot]


def _digest(records: "Sequence[DataclassInstance]") -> str:
    return hashlib.sha256(json.dumps([asdict(record) for record in records]).encode()).hexdigest()
