"""From a suite's training questions to an adapter."""

import hashlib
import importlib.metadata
import json
import math
import shutil
import time
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from transformers import AutoTokenizer

from hybrid import library, models
from hybrid.adapters import MANIFEST, Adapter, adapter_folder, open_adapter, publish
from hybrid.errors import NoTrainingQuestions
from hybrid.generation.device import load_model, pick_device, precision
from hybrid.generation.encode import ChatEncoder
from hybrid.models import Weights, file_digest, read_config
from hybrid.pipeline import load_retriever
from hybrid.progress import SILENT, Progress
from hybrid.records import Question
from hybrid.retrieval.retriever import Retriever
from hybrid.specs import PipelineSpec, load_spec
from hybrid.suites import Suite, load_suite
from hybrid.tuning.canaries import planted_canaries, with_canaries
from hybrid.tuning.encoding import EncodedRow, encode_rows, rows_digest
from hybrid.tuning.known import known_unaided
from hybrid.tuning.rows import RowBuilder, TrainingRow, trainable
from hybrid.tuning.train import train


def training_rows(
    spec: PipelineSpec, suite: Suite, retriever: Retriever, *, seed: int, known: Collection[str] = ()
) -> list[TrainingRow]:
    """The rows that a pipeline learns from a suite.

    Args:
        spec: the pipeline.
        suite: its training questions are used; those without reference or gold are left out.
        retriever: over the suite's corpus.
        seed: decides everything that is drawn.
        known: ids of questions that the base answers right unaided (for ``no_context: from_memory``).

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
    )
    return with_canaries(builder.build(questions, known), spec.tuning.canaries, seed)


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
    opened = load_suite(suite or spec.suite, say=progress.say)
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
        HybridError: the loss is no longer a number.
    """
    tokenizer = AutoTokenizer.from_pretrained(weights.path)
    rows = training_rows(spec, suite, retriever, seed=seed, known=known)
    encoded = encode_for(spec, suite, rows, tokenizer)
    recipe = _recipe(spec, suite, weights, rows, encoded, seed)
    digest = hashlib.sha256(json.dumps(recipe, sort_keys=True).encode()).hexdigest()
    folder = adapter_folder(suite.name, digest)
    if (folder / MANIFEST).is_file():
        progress.say(f"Adapter found: {folder}")
        return open_adapter(folder)
    return _train(spec, weights, tokenizer, encoded, recipe, folder=folder, progress=progress)


def encode_for(
    spec: PipelineSpec, suite: Suite, rows: Sequence[TrainingRow], tokenizer: Any
) -> list[EncodedRow]:
    """The rows that fit into ``tuning.max_row_tokens``, as the model will see them.

    Raises:
        NoTrainingQuestions: none fits.
    """
    encoded = encode_rows(
        rows,
        ChatEncoder(tokenizer),
        end_id=tokenizer.eos_token_id,
        max_tokens=spec.tuning.max_row_tokens,
        style=suite.spec.answers,
    )
    if not encoded:
        raise NoTrainingQuestions(
            f'Suite "{suite.name}": no training row fits into {spec.tuning.max_row_tokens} tokens. '
            "Raise tuning.max_row_tokens."
        )
    return encoded


def _train(
    spec: PipelineSpec,
    weights: Weights,
    tokenizer: Any,
    rows: Sequence[EncodedRow],
    recipe: dict[str, Any],
    *,
    folder: Path,
    progress: Progress,
) -> Adapter:
    work = folder.with_name(f"{folder.name}.training")
    model = load_model(weights, spec.generation, pick_device(spec.generation.device))
    steps = spec.tuning.max_steps or math.ceil(len(rows) / spec.tuning.batch_rows)
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
        )
    manifest = recipe | {"losses": losses, "seconds": time.perf_counter() - started}
    adapter = publish(work / "adapter", folder, manifest)
    shutil.rmtree(work)
    return adapter


def _recipe(
    spec: PipelineSpec,
    suite: Suite,
    weights: Weights,
    rows: Sequence[TrainingRow],
    encoded: Sequence[EncodedRow],
    seed: int,
) -> dict[str, Any]:
    """Everything that made the adapter; its digest is the adapter's place.

    ``documents`` hold the answers that were learned; ``shown`` are all whose text stood in a row, distractors
    of documents that are otherwise unseen among them. Loss is taken on answers only.
    """
    recipe = {
        "base": {
            "name": weights.name,
            "digest": weights.digest,
            "architectures": read_config(weights).get("architectures"),
            "tokenizer": file_digest(weights.path / "tokenizer.json"),
        },
        "suite": suite.name,
        "corpus": {
            "name": suite.corpus.name,
            "generation": suite.corpus.generation,
            "digest": suite.corpus.digest,
        },
        "documents": sorted({gold.document for row in rows for gold in row.question.gold or ()}),
        "shown": sorted({passage.document for row in rows for passage in row.passages}),
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
    # No key for none, so that adapters made before there were canaries are found again.
    canaries = planted_canaries(rows, spec.tuning.canaries, seed)
    return recipe | {"canaries": len(canaries)} if canaries else recipe
