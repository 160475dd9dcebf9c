"""From a suite's training questions to an adapter."""

import hashlib
import importlib.metadata
import json
import shutil
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from transformers import AutoTokenizer

from hybrid import library, models
from hybrid.adapters import MANIFEST, Adapter, adapter_folder, find_adapter, open_adapter, publish
from hybrid.disk import only_writer
from hybrid.errors import HybridError, NoTrainingQuestions
from hybrid.generation.device import load_model, pick_device, precision
from hybrid.generation.encode import ChatEncoder
from hybrid.models import Weights, file_digest, read_config
from hybrid.pipeline import load_retriever
from hybrid.progress import SILENT, Progress
from hybrid.records import Question
from hybrid.retrieval.retriever import Retriever
from hybrid.specs import PipelineSpec, TuningSpec, load_spec
from hybrid.suites import Suite, load_suite
from hybrid.tuning.builder import RowBuilder
from hybrid.tuning.canaries import planted_canaries, with_canaries
from hybrid.tuning.encoding import EncodedRow, encode_rows, rows_digest
from hybrid.tuning.gold import trainable
from hybrid.tuning.held_out import (
    MOST_ROWS,
    EarlyStop,
    HeldOut,
    as_asked,
    held_out_record,
    hold_out,
    share_right,
)
from hybrid.tuning.known import known_unaided
from hybrid.tuning.replay import replay_prompts, replay_rows
from hybrid.tuning.rows import TrainingRow
from hybrid.tuning.train import plan_training, train


@dataclass(frozen=True, slots=True)
class Source:
    """Where rows come from: a suite, the retriever over its corpus, and how many rows it gives."""

    suite: Suite
    retriever: Retriever
    tuning: TuningSpec


def training_rows(
    spec: PipelineSpec, suite: Suite, retriever: Retriever, *, seed: int, known: Collection[str] = ()
) -> list[TrainingRow]:
    """The rows that a pipeline learns from a suite.

    Documents that only ``unseen`` evaluation questions ask about are never read, not even as distractors;
    nor are those of questions that ``tuning.held_out`` keeps out.

    Args:
        spec: the pipeline.
        suite: its training questions are used; those without reference or gold are left out.
        retriever: over the suite's corpus.
        seed: decides everything that is drawn.
        known: ids of questions that the base answers right unaided (for ``from_memory``).

    Raises:
        NoTrainingQuestions: the suite has none that can be trained on.
    """
    learned, held_out = _divided(spec, suite, seed)
    avoid = unseen_documents(suite) | {gold.document for question in held_out for gold in question.gold or ()}
    builder = _builder(spec, suite, retriever, spec.tuning, seed, avoid)
    return with_canaries(builder.build(learned, known), spec.tuning.canaries, seed)


def held_out_rows(
    spec: PipelineSpec,
    suite: Suite,
    retriever: Retriever,
    *,
    seed: int,
    known: Collection[str] = (),
    most: int = MOST_ROWS,
) -> HeldOut:
    """Rows of the questions of a suite that ``tuning.held_out`` keeps out of :func:`training_rows`.

    Args:
        spec: the pipeline.
        suite: see :func:`training_rows`, as the others.
        retriever: over the suite's corpus.
        seed: decides everything that is drawn.
        known: ids of questions that the base answers right unaided.
        most: rows, one a question.
    """
    _, held_out = _divided(spec, suite, seed)
    if not held_out:
        return HeldOut((), suite.spec.answers)
    tuning = as_asked(spec.tuning, min(most, len(held_out)))
    builder = _builder(spec, suite, retriever, tuning, seed, unseen_documents(suite))
    return HeldOut(tuple(builder.build(held_out, known)), suite.spec.answers)


def _divided(spec: PipelineSpec, suite: Suite, seed: int) -> tuple[list[Question], list[Question]]:
    return hold_out(trainable_questions(suite), suite.corpus, spec.tuning.held_out, seed)


def _builder(
    spec: PipelineSpec,
    suite: Suite,
    retriever: Retriever,
    tuning: TuningSpec,
    seed: int,
    avoid: Collection[str],
) -> RowBuilder:
    return RowBuilder(
        suite.corpus,
        retriever,
        passages=spec.retrieval.k,
        spec=tuning,
        style=suite.spec.answers,
        seed=seed,
        avoid=avoid,
    )


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
    progress: Progress = SILENT,
) -> Adapter:
    """Tunes an adapter for a pipeline on a suite's training questions.

    Args:
        pipeline: a built-in name or a YAML file.
        suite: another suite than the pipeline's own.
        seed: of rows, order and first weights.
        overrides: ``KEY=VALUE`` for single values of the pipeline file.
        progress: shows steps, loss and time left.

    Raises:
        HybridError: a name is unknown, weights are missing, or there is nothing to train on.
    """
    spec = load_spec(PipelineSpec, library.find_pipeline(pipeline), overrides)
    mixed = next(iter(spec.tuning.mixture), None)
    opened = load_suite(suite or mixed or spec.suite, say=progress.say)
    opened.require_training()
    weights = models.locate(spec.model, progress.say)
    retriever = load_retriever(spec, opened.corpus, progress.say)
    known = known_unaided(spec, opened, weights, progress)
    return tune(spec, opened, retriever, weights, seed=seed, known=known, progress=progress)


def tune(
    spec: PipelineSpec,
    suite: Suite,
    retriever: Retriever,
    weights: Weights,
    *,
    seed: int = 0,
    known: Collection[str] = (),
    progress: Progress = SILENT,
) -> Adapter:
    """Tunes an adapter, or finds the one that the same rows and settings made before.

    Args:
        spec: the pipeline.
        suite: gives training questions and corpus.
        retriever: over that corpus.
        weights: the base model.
        seed: of rows, order and first weights.
        known: see :func:`training_rows`.
        progress: shows steps, loss and time left.

    Raises:
        NoTrainingQuestions: there is nothing to train on.
        HybridError: a loss, a gradient or a weight is no number, or another process trains the same adapter.
    """
    tokenizer = AutoTokenizer.from_pretrained(weights.path)
    sources = _sources(spec, suite, retriever, progress)
    encoder = ChatEncoder(tokenizer)
    parts: list[dict[str, Any]] = []
    encoded: list[EncodedRow] = []
    canaries = 0
    for source in sources:
        own = spec.model_copy(update={"tuning": source.tuning})
        rows = training_rows(own, source.suite, source.retriever, seed=seed, known=known)
        encoded += encode_rows(
            rows,
            encoder,
            end_id=tokenizer.eos_token_id,
            max_tokens=spec.tuning.max_row_tokens,
            style=source.suite.spec.answers,
        )
        parts.append(_part(source, rows))
        canaries += len(planted_canaries(rows, spec.tuning.canaries, seed))
    if not encoded:
        raise NoTrainingQuestions(
            f'Suite "{suite.name}": no training row fits into {spec.tuning.max_row_tokens} tokens. '
            "Raise tuning.max_row_tokens."
        )
    encoded += _replay(spec, weights, len(encoded), seed, progress)
    start = open_adapter(find_adapter(spec.tuning.start_from)) if spec.tuning.start_from else None
    held_out = _held_out(spec, sources, seed, known)
    recipe = _recipe(spec, weights, parts, encoded, start, seed) | {"canaries": canaries}
    recipe["held_out"] = held_out_record(held_out, spec.generation)
    digest = hashlib.sha256(json.dumps(recipe, sort_keys=True).encode()).hexdigest()
    folder = adapter_folder("+".join(source.suite.name for source in sources), digest)
    work = folder.with_name(f"{folder.name}.training")
    if (folder / MANIFEST).is_file():
        progress.say(f"Adapter found: {folder}")
        # It is left over where a training was killed just after it had published.
        shutil.rmtree(work, ignore_errors=True)
        return open_adapter(folder)
    work.mkdir(parents=True, exist_ok=True)
    with only_writer(work, partial(_refused, work)):
        return _train(
            spec, weights, tokenizer, encoded, recipe, held_out, start=start, folder=folder, progress=progress
        )


def _refused(work: Path, holder: str) -> HybridError:
    return HybridError(f"{work} is being trained in by process {holder}; wait for it, or stop it and go on.")


def _sources(spec: PipelineSpec, suite: Suite, retriever: Retriever, progress: Progress) -> list[Source]:
    """The suites of the mixture, each with its rows; without a mixture the suite that is asked."""
    if not spec.tuning.mixture:
        return [Source(suite, retriever, spec.tuning)]
    opened = {name: load_suite(name, say=progress.say) for name in spec.tuning.mixture}
    return [
        Source(
            opened[name],
            load_retriever(spec, opened[name].corpus, progress.say),
            spec.tuning.model_copy(update={"rows": rows}),
        )
        for name, rows in spec.tuning.mixture.items()
    ]


def _held_out(
    spec: PipelineSpec, sources: Sequence[Source], seed: int, known: Collection[str]
) -> list[HeldOut]:
    most = max(1, MOST_ROWS // len(sources))
    return [
        held_out_rows(
            spec.model_copy(update={"tuning": source.tuning}),
            source.suite,
            source.retriever,
            seed=seed,
            known=known,
            most=most,
        )
        for source in sources
    ]


def _replay(
    spec: PipelineSpec, weights: Weights, rows: int, seed: int, progress: Progress
) -> list[EncodedRow]:
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
    held_out: Sequence[HeldOut],
    *,
    start: Adapter | None,
    folder: Path,
    progress: Progress,
) -> Adapter:
    work = folder.with_name(f"{folder.name}.training")
    model = load_model(weights, spec.generation, pick_device(spec.generation.device))
    steps = len(plan_training(rows, model, spec.tuning, recipe["seed"]))
    stop = EarlyStop(partial(share_right, held_out, weights=weights, spec=spec.generation), spec.tuning)
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
            start_from=start.path if start else None,
            callbacks=[stop] if any(part.rows for part in held_out) else [],
        )
    manifest = recipe | {"losses": losses, "seconds": time.perf_counter() - started}
    manifest["held_out"] = recipe["held_out"] | {"curve": stop.curve}
    adapter = publish(work / "adapter", folder, manifest)
    shutil.rmtree(work, ignore_errors=True)
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
            name: importlib.metadata.version(name) for name in ("torch", "transformers", "peft", "trl")
        },
    }
