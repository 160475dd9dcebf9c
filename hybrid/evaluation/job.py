"""What an evaluation is asked to do: found, checked and opened before any slow work."""

import hashlib
import importlib.metadata
import json
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hybrid import library, models
from hybrid.adapters import Adapter, open_adapter
from hybrid.corpus.stale import stale_warnings
from hybrid.errors import CorpusError, RunError
from hybrid.evaluation.columns import COLUMNS, RETRAINED, Column, pick_columns, probe_columns
from hybrid.evaluation.fit import (
    adapter_warnings,
    check_examples,
    check_price,
    check_questions,
    check_tuned,
    has_tuned,
    leak_warnings,
    learns,
    left_out,
    precision_of,
)
from hybrid.evaluation.probes.editions import NextEdition, next_edition
from hybrid.evaluation.regression import open_baseline
from hybrid.evaluation.rows import Values
from hybrid.evaluation.sample import stratified_sample
from hybrid.evaluation.thresholds import check_thresholds
from hybrid.generation.budget import Budget
from hybrid.generation.ensemble import check_mode
from hybrid.generation.prompt import sample_chats
from hybrid.judging.named import check_judge
from hybrid.pipeline import load_retriever
from hybrid.progress import SILENT, Progress
from hybrid.records import Part, Question
from hybrid.retrieval.retriever import Retriever
from hybrid.specs import PipelineSpec, SuiteSpec, load_spec
from hybrid.suites import Suite, load_suite
from hybrid.tuning.gold import trainable
from hybrid.tuning.lessons import trainable_questions

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

LEAST_K = {"distractors": 2, "position": 3}
"""How many passages a probe has to show: the gold, and something beside or on both sides of it."""


@dataclass(frozen=True, slots=True)
class Job:
    """What an evaluation is asked to do, everything found and opened.

    Attributes:
        name: of the pipeline.
        spec: the pipeline.
        suite: with its corpus.
        retriever: over that corpus.
        weights: of the base model, or what is known of one on a server.
        columns: to run; probes stand last.
        questions: to ask in every cell, sampled.
        bound: questions that only a probe can ask, see ``Question.bound``.
        part: they are from.
        limit: that was set on them.
        seed: of everything that is drawn.
        probes: that were asked for.
        adapter: to use instead of tuning one.
        warnings: what a reader of the figures has to know about the models and that adapter.
        budget: what a vendor's answers may cost.
        successor: the next edition of the corpus, for the probe ``stale``.
        baseline: the accepted values that the suite's bounds on regression are held against.
    """

    name: str
    spec: PipelineSpec
    suite: Suite
    retriever: Retriever
    weights: models.Model
    columns: tuple[Column, ...]
    questions: tuple[Question, ...]
    bound: tuple[Question, ...]
    part: Part
    limit: int | None
    seed: int
    probes: tuple[str, ...]
    adapter: Adapter | None
    warnings: tuple[str, ...]
    budget: Budget = field(default_factory=Budget)
    successor: NextEdition | None = None
    baseline: Values | None = None

    @property
    def tunes(self) -> bool:
        """Whether an adapter has to be made first."""
        return learns(self.weights, self.adapter) and any(column.tuned for column in self.columns)

    @property
    def retrains(self) -> bool:
        """Whether another adapter has to be made, on the next edition of the corpus."""
        return RETRAINED in self.columns

    @property
    def forgets(self) -> bool:
        """Whether it is measured what tuning cost: asked for, a tuned column, and a model that runs here."""
        here = isinstance(self.weights, models.Weights)
        return here and self.spec.forgetting.enabled and any(column.tuned for column in self.columns)

    @property
    def all_questions(self) -> tuple[Question, ...]:
        """Everything that some column asks."""
        return self.questions + self.bound

    def asked(self, column: Column) -> tuple[Question, ...]:
        """The questions of one column.

        A probe that shows the gold asks, at most, those that have one; ``stale`` those whose answer changed.
        """
        if column.probe == "stale" and self.successor:
            return self.successor.questions
        if not column.probe or column.few_shot:
            return self.questions
        return tuple(question for question in self.all_questions if question.gold)

    def settings(self) -> dict[str, Any]:
        """Everything that decides the figures, except the machine."""
        return {
            # How patiently a server is asked may change when a run is continued.
            "pipeline": self.spec.model_dump(mode="json", exclude={"generation": {"server"}}),
            "suite": self.suite.spec.model_dump(mode="json"),
            "columns": [column.name for column in self.columns],
            "probes": list(self.probes),
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
            "successor": self.successor
            and {
                "suite": self.successor.suite.name,
                "corpus": self.successor.suite.corpus.digest,
                "training": _digest(self.successor.suite.training),
                "questions": _digest(self.successor.questions),
            },
            "model": {"name": self.weights.name, "digest": self.weights.digest, "note": self.weights.note},
            "embedder": self.retriever.embedder.digest,
            "adapter_given": self.adapter.digest if self.adapter else None,
            "prompt": _digest(sample_chats(self.suite.spec.answers)),
            "precision": precision_of(self.weights, self.spec),
            "versions": {name: importlib.metadata.version(name) for name in VERSIONS}
            | {"python": platform.python_version()},
        }


def prepare(
    pipeline: str,
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
    budget: Budget | None = None,
    progress: Progress = SILENT,
) -> Job:
    """Finds, checks and opens everything that a run needs; see :func:`evaluate` for the arguments.

    Raises:
        HybridError: something is missing or does not fit.
    """
    chosen = [f"model={json.dumps(model)}"] if model else []
    spec = load_spec(PipelineSpec, library.find_pipeline(pipeline), [*overrides, *chosen])
    check_mode(spec)
    wanted = pick_columns(list(COLUMNS) if cells is None else cells)
    check_examples(spec, wanted if cells is not None else ())
    shown = probe_columns(probes, wanted)
    _check_k(probes, spec.retrieval.k)
    named = adapter or spec.adapter
    given = open_adapter(named) if named else None
    found = library.find_suite(suite or spec.suite)
    check_judge(load_spec(SuiteSpec, found).judge)
    weights = models.find(spec.model, progress.say)
    check_tuned(spec, weights, given, wanted if cells is not None else ())
    budget = budget or Budget()
    check_price(spec, weights, budget)
    opened = load_suite(suite or spec.suite, corpus=corpus, say=progress.say)
    columns = [*wanted, *shown] if cells is not None else _possible([*wanted, *shown], spec, opened, weights)
    asked = opened.part(part)
    questions = stratified_sample([question for question in asked if not question.bound], limit, seed)
    bound = stratified_sample([question for question in asked if question.bound], limit, seed)
    if not questions:
        raise CorpusError(f'Suite "{opened.name}" has no questions for the cells in its part "{part}".')
    show_gold = [column for column in columns if column.probe and not column.few_shot]
    if show_gold and not any(question.gold for question in (*questions, *bound)):
        raise CorpusError(f'--probe: no question of suite "{opened.name}" has gold that could be shown.')
    learned = any(column.tuned and learns(weights, given) for column in columns)
    if learned or any(column.few_shot for column in columns):
        trainable_questions(opened)
    successor = next_edition(opened, found.parent, questions, progress.say) if "stale" in probes else None
    # A mixture is learned from suites of its own, which do not change.
    if successor and learned and successor.suite.training and not spec.tuning.mixture:
        columns += [RETRAINED] if COLUMNS["tuned"] in columns else []
    check_thresholds(opened.spec)
    baseline = open_baseline(opened.spec.regression, found.parent, [question.id for question in questions])
    check_questions(weights, spec, [*questions, *bound])
    warnings = _check_language(spec, opened.spec.language) + adapter_warnings(given, weights, spec)
    start = [open_adapter(spec.tuning.start_from)] if learned and spec.tuning.start_from else []
    adapters = [given, *start] if given else start
    warnings += leak_warnings(adapters, opened)
    warnings += stale_warnings(adapters, opened.corpus, strict=strict)
    warnings += left_out(spec) if cells is None else []
    for warning in warnings:
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
        bound=tuple(bound) if any(column.probe == "oracle" for column in columns) else (),
        part=part,
        limit=limit,
        seed=seed,
        probes=tuple(dict.fromkeys(probes)),
        adapter=given,
        warnings=tuple(warnings),
        budget=budget,
        successor=successor,
        baseline=baseline,
    )


def _check_k(probes: Sequence[str], k: int) -> None:
    for probe in probes:
        if k < LEAST_K.get(probe, 1):
            raise RunError(
                f"--probe {probe} shows at least {LEAST_K[probe]} passages, but retrieval.k is {k}. "
                f"Raise it: --set retrieval.k={LEAST_K[probe]}"
            )


def _check_language(spec: PipelineSpec, language: str) -> list[str]:
    names = {"model": spec.model, "embedder": spec.retrieval.embedder}
    return [
        f"not validated for {language}: the {role} {name}"
        for role, name in names.items()
        if not models.fits_language(name, language)
    ]


def _possible(
    columns: Sequence[Column], spec: PipelineSpec, suite: Suite, weights: models.Model
) -> list[Column]:
    """The columns that can be run.

    Without the few-shot ones where there are no examples, or each passage is shown alone; and without the
    tuned ones of an untuned server.
    """
    tuned = has_tuned(weights, spec)
    wanted = spec.references.few_shot and spec.generation.mode == "together"
    examples = wanted and any(trainable(suite.corpus, each) for each in suite.training)
    return [column for column in columns if (examples or not column.few_shot) and (tuned or not column.tuned)]


def _digest(records: "Sequence[DataclassInstance]") -> str:
    return hashlib.sha256(json.dumps([asdict(record) for record in records]).encode()).hexdigest()
