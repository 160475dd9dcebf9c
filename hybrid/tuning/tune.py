"""From a suite's training questions to an adapter, or to tuned weights."""

import hashlib
import importlib.metadata
import json
import shutil
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from transformers import AutoTokenizer

from hybrid import library, models
from hybrid.adapters import MANIFEST, Adapter, adapter_folder, check_fit, open_adapter, publish
from hybrid.errors import NoTrainingQuestions
from hybrid.generation.device import load_model, pick_device, precision
from hybrid.generation.encode import ChatEncoder
from hybrid.models import Served, Weights, file_digest, read_config
from hybrid.pipeline import load_retriever
from hybrid.progress import SILENT, Progress
from hybrid.records import Question
from hybrid.retrieval.retriever import Retriever
from hybrid.specs import PipelineSpec, TuningSpec, load_spec
from hybrid.suites import Suite, load_suite
from hybrid.tuning.builder import RowBuilder
from hybrid.tuning.canaries import planted_canaries, with_canaries
from hybrid.tuning.encoding import EncodedRow, Lesson, fit_rows, rows_digest
from hybrid.tuning.gold import trainable
from hybrid.tuning.known import known_unaided
from hybrid.tuning.methods import check_start, first_weights
from hybrid.tuning.replay import replay_prompts, replay_rows
from hybrid.tuning.rows import TrainingRow
from hybrid.tuning.teacher import Teacher, find_teacher
from hybrid.tuning.train import plan_training, train


@dataclass(frozen=True, slots=True)
class Source:
    """Where rows come from: a suite, the retriever over its corpus, and how many rows it gives.

    ``known`` are ids of its training questions that the base answers right unaided.
    """

    suite: Suite
    retriever: Retriever
    tuning: TuningSpec
    known: Collection[str]


@dataclass(frozen=True, slots=True)
class Opened:
    """All that training rows are made of, and the base that learns them."""

    spec: PipelineSpec
    suite: Suite
    retriever: Retriever
    weights: Weights
    known: frozenset[str]


@dataclass(frozen=True, slots=True)
class Lessons:
    """Everything that a pipeline learns.

    Attributes:
        rows: in their order.
        parts: what a manifest tells of each suite.
        canaries: how many were planted.
    """

    rows: list[Lesson]
    parts: list[dict[str, Any]]
    canaries: int


Teach = Callable[[Sequence[TrainingRow]], list[TrainingRow]]


def training_rows(
    spec: PipelineSpec,
    suite: Suite,
    retriever: Retriever,
    *,
    seed: int,
    known: Collection[str] = (),
    teach: Teach | None = None,
) -> list[TrainingRow]:
    """The rows that a pipeline learns from a suite.

    Documents that only ``unseen`` evaluation questions ask about are never read, not even as distractors.

    Args:
        spec: the pipeline.
        suite: its training questions are used; those without reference or gold are left out.
        retriever: over the suite's corpus.
        seed: decides everything that is drawn.
        known: ids of questions that the base answers right unaided (for ``from_memory``).
        teach: puts other targets in place of the references, see :mod:`hybrid.tuning.teacher`.

    Raises:
        NoTrainingQuestions: the suite has none that can be trained on.
    """
    questions = trainable_questions(suite)
    builder = RowBuilder(
        suite.corpus,
        retriever,
        passages=spec.retrieval.k,
        spec=spec.tuning,
        style=suite.spec.answers,
        seed=seed,
        avoid=unseen_documents(suite),
    )
    rows = builder.build(questions, known)
    return with_canaries(teach(rows) if teach else rows, spec.tuning.canaries, seed)


def unseen_documents(suite: Suite) -> frozenset[str]:
    """Documents that evaluation questions ask about and no training question does."""
    asked = {gold.document for question in suite.questions for gold in question.gold or ()}
    return frozenset(asked - {gold.document for question in suite.training for gold in question.gold or ()})


def trainable_questions(suite: Suite) -> list[Question]:
    """The training questions from which a target can be made.

    Raises:
        NoTrainingQuestions: the suite has none.
    """
    questions = [question for question in suite.require_training() if trainable(suite.corpus, question)]
    if not questions:
        raise NoTrainingQuestions(
            f'Suite "{suite.name}": no training question has both a reference and gold. '
            "Name an adapter with --adapter FOLDER, or leave the tuned cells out with --cells base,base+rag."
        )
    return questions


def tune_pipeline(
    pipeline: str = "quickstart",
    *,
    suite: str | None = None,
    seed: int = 0,
    overrides: Sequence[str] = (),
    teacher: str | None = None,
    progress: Progress = SILENT,
) -> Adapter:
    """Tunes an adapter for a pipeline on a suite's training questions.

    Args:
        pipeline: a built-in name or a YAML file.
        suite: another suite than the pipeline's own.
        seed: of rows, order and first weights.
        overrides: ``KEY=VALUE`` for single values of the pipeline file.
        teacher: ``endpoint:MODEL@URL`` of a larger model that writes targets.
        progress: shows steps, loss and time left.

    Raises:
        HybridError: a name is unknown, weights are missing, or there is nothing to train on.
    """
    served = find_teacher(teacher) if teacher else None
    opened = open_tuning(pipeline, suite, overrides, progress)
    return tune(
        opened.spec,
        opened.suite,
        opened.retriever,
        opened.weights,
        seed=seed,
        known=opened.known,
        teacher=served,
        progress=progress,
    )


def open_tuning(pipeline: str, suite: str | None, overrides: Sequence[str], progress: Progress) -> Opened:
    """Opens what a pipeline needs to be tuned; the arguments are those of :func:`tune_pipeline`.

    Raises:
        HybridError: a name is unknown, weights are missing, or there is nothing to train on.
    """
    spec = load_spec(PipelineSpec, library.find_pipeline(pipeline), overrides)
    mixed = next(iter(spec.tuning.mixture), None)
    opened = load_suite(suite or mixed or spec.suite, say=progress.say)
    opened.require_training()
    weights = models.locate(spec.model, progress.say)
    retriever = load_retriever(spec, opened.corpus, progress.say)
    return Opened(spec, opened, retriever, weights, known_unaided(spec, opened, weights, progress))


def tune(
    spec: PipelineSpec,
    suite: Suite,
    retriever: Retriever,
    weights: Weights,
    *,
    seed: int = 0,
    known: Collection[str] = (),
    teacher: Served | None = None,
    progress: Progress = SILENT,
) -> Adapter:
    """Tunes by the pipeline's method, or finds what the same rows and settings made before.

    Args:
        spec: the pipeline.
        suite: gives training questions and corpus.
        retriever: over that corpus.
        weights: the base model.
        seed: of rows, order and first weights.
        known: see :func:`training_rows`.
        teacher: a larger model on a server that writes targets.
        progress: shows steps, loss and time left.

    Raises:
        NoTrainingQuestions: there is nothing to train on.
        ModelMismatch: ``tuning.start_from`` was made for another architecture.
        BadSpec: the method cannot go on from what it names.
        RunStopped: the teacher did not answer everything.
        HybridError: the loss is no longer a number.
    """
    start = _start(spec, weights)
    tokenizer = AutoTokenizer.from_pretrained(weights.path)
    lessons = make_lessons(
        spec,
        suite,
        retriever,
        weights,
        ChatEncoder(tokenizer),
        seed=seed,
        known=known,
        teacher=teacher,
        progress=progress,
    )
    encoded = [lesson.encoded for lesson in lessons.rows]
    recipe = _recipe(spec, weights, lessons.parts, encoded, start, seed) | {"canaries": lessons.canaries}
    digest = hashlib.sha256(json.dumps(recipe, sort_keys=True).encode()).hexdigest()
    folder = adapter_folder("+".join(part["suite"] for part in lessons.parts), digest)
    if (folder / MANIFEST).is_file():
        progress.say(f"Adapter found: {folder}")
        return open_adapter(folder)
    return _train(spec, weights, tokenizer, encoded, recipe, start=start, folder=folder, progress=progress)


def make_lessons(
    spec: PipelineSpec,
    suite: Suite,
    retriever: Retriever,
    weights: Weights,
    encoder: ChatEncoder,
    *,
    seed: int,
    known: Collection[str] = (),
    teacher: Served | None = None,
    progress: Progress = SILENT,
) -> Lessons:
    """Everything that :func:`tune` learns with the same arguments; ``encoder`` is that of the weights.

    Raises:
        NoTrainingQuestions: there is nothing to train on.
        RunStopped: the teacher did not answer everything.
    """
    made = Lessons([], [], 0)
    canaries = 0
    for source in _sources(spec, suite, retriever, weights, known, progress):
        own = spec.model_copy(update={"tuning": source.tuning})
        asked = Teacher(teacher, spec.generation, source.suite, progress) if teacher else None
        rows = training_rows(
            own,
            source.suite,
            source.retriever,
            seed=seed,
            known=source.known,
            teach=asked.teach if asked else None,
        )
        made.rows.extend(
            fit_rows(
                rows,
                encoder,
                end_id=encoder.tokenizer.eos_token_id,
                max_tokens=spec.tuning.max_row_tokens,
                style=source.suite.spec.answers,
            )
        )
        made.parts.append(_part(source, rows) | ({"teacher": asked.to_json()} if asked else {}))
        canaries += len(planted_canaries(rows, source.tuning.canaries, seed))
    if not made.rows:
        raise NoTrainingQuestions(
            f'Suite "{suite.name}": no training row fits into {spec.tuning.max_row_tokens} tokens. '
            "Raise tuning.max_row_tokens."
        )
    made.rows.extend(_replay(spec, weights, len(made.rows), seed, progress))
    return replace(made, canaries=canaries)


def _sources(
    spec: PipelineSpec,
    suite: Suite,
    retriever: Retriever,
    weights: Weights,
    known: Collection[str],
    progress: Progress,
) -> list[Source]:
    """The suites of the mixture, each with its rows; without a mixture the suite that is asked.

    Codes are planted into the rows of the first one alone, so that each stands once.
    """
    if not spec.tuning.mixture:
        return [Source(suite, retriever, spec.tuning, known)]
    sources: list[Source] = []
    for name, rows in spec.tuning.mixture.items():
        opened = load_suite(name, say=progress.say)
        canaries = 0 if sources else spec.tuning.canaries
        sources.append(
            Source(
                opened,
                load_retriever(spec, opened.corpus, progress.say),
                spec.tuning.model_copy(update={"rows": rows, "canaries": canaries}),
                known_unaided(spec, opened, weights, progress),
            )
        )
    return sources


def _start(spec: PipelineSpec, weights: Weights) -> Adapter | None:
    """What an earlier tuning left whose weights are the first ones, if the pipeline names it."""
    if spec.tuning.start_from is None:
        return None
    start = open_adapter(spec.tuning.start_from)
    check_start(spec.tuning, start)
    check_fit(start, weights)
    return start


def _replay(spec: PipelineSpec, weights: Weights, rows: int, seed: int, progress: Progress) -> list[Lesson]:
    count = round(spec.tuning.replay * rows)
    if not count:
        return []
    return replay_rows(
        replay_prompts(count, seed),
        weights,
        spec.generation,
        max_tokens=spec.tuning.max_row_tokens,
        progress=progress,
    )


def _train(
    spec: PipelineSpec,
    weights: Weights,
    tokenizer: Any,
    rows: Sequence[EncodedRow],
    recipe: dict[str, Any],
    *,
    start: Adapter | None,
    folder: Path,
    progress: Progress,
) -> Adapter:
    work = folder.with_name(f"{folder.name}.training")
    model = load_model(first_weights(weights, start), spec.generation, pick_device(spec.generation.device))
    steps = spec.tuning.max_steps or len(plan_training(rows, model.config, spec.tuning, recipe["seed"]))
    started = time.perf_counter()
    with progress.track(f"Tuning on {len(rows)} rows", steps) as done:
        losses = train(
            model,
            tokenizer,
            rows,
            spec.tuning,
            folder=work,
            seed=recipe["seed"],
            on_step=lambda step, loss: done(step, f"loss {loss:.3f}"),
            start_from=start.path if start and not start.whole else None,
        )
    manifest = recipe | {"losses": losses, "seconds": time.perf_counter() - started}
    adapter = publish(work / "adapter", folder, manifest)
    shutil.rmtree(work)
    return adapter


def _part(source: Source, rows: Sequence[TrainingRow]) -> dict[str, Any]:
    """What a manifest tells of one suite.

    ``documents`` hold the answers that were learned; ``shown`` are all whose text stood in a row. Loss is
    taken on answers only.
    """
    corpus = source.suite.corpus
    return {
        "suite": source.suite.name,
        "corpus": {"name": corpus.name, "generation": corpus.generation, "digest": corpus.digest},
        "rows": len(rows),
        "documents": sorted({gold.document for row in rows for gold in row.question.gold or ()}),
        "shown": sorted({passage.document for row in rows for passage in row.passages}),
    }


def _recipe(
    spec: PipelineSpec,
    weights: Weights,
    parts: Sequence[dict[str, Any]],
    encoded: Sequence[EncodedRow],
    start: Adapter | None,
    seed: int,
) -> dict[str, Any]:
    """Everything that made the adapter; its digest is the adapter's place."""
    return {
        "base": {
            "name": weights.name,
            "digest": weights.digest,
            "architectures": read_config(weights).get("architectures"),
            "tokenizer": file_digest(weights.path / "tokenizer.json"),
        },
        "sources": list(parts),
        "start_from": start.digest if start else None,
        "rows": {
            "n": len(encoded),
            "tokens": sum(len(row.ids) for row in encoded),
            "digest": rows_digest(encoded),
        },
        "tuning": spec.tuning.model_dump(mode="json", exclude={"canaries"}),
        "precision": precision(spec.generation),
        "seed": seed,
        "versions": {
            name: importlib.metadata.version(name)
            for name in ("torch", "transformers", "peft", "trl", "bitsandbytes")
        },
    }
