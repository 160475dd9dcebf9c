"""From a suite's training questions to an adapter, or to tuned weights."""

import hashlib
import importlib.metadata
import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from transformers import AutoTokenizer

from hybrid import library, models
from hybrid.adapters import MANIFEST, Adapter, adapter_folder, check_fit, open_adapter, publish
from hybrid.disk import only_writer
from hybrid.errors import BadSpec, HybridError, ModelMismatch
from hybrid.generation.device import load_model, pick_device, precision
from hybrid.generation.encode import ChatEncoder
from hybrid.models import Served, Weights, file_digest, read_config
from hybrid.pipeline import load_retriever
from hybrid.progress import SILENT, Progress
from hybrid.retrieval.retriever import Retriever
from hybrid.specs import PipelineSpec, load_spec
from hybrid.suites import Suite, load_suite
from hybrid.tuning.encoding import EncodedRow, rows_digest
from hybrid.tuning.held_out import MOST_ROWS, EarlyStop, HeldOut, held_out_record, share_right
from hybrid.tuning.lessons import Source, held_out_rows, make_lessons
from hybrid.tuning.lint.checks import lint_training, stop_at_errors
from hybrid.tuning.methods import check_start, first_weights
from hybrid.tuning.teacher import find_teacher
from hybrid.tuning.train import plan_training, train


@dataclass(frozen=True, slots=True)
class Opened:
    """All that training rows are made of, and the base that learns them."""

    spec: PipelineSpec
    suite: Suite
    retriever: Retriever
    weights: Weights


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
        teacher=served,
        progress=progress,
    )


def open_tuning(pipeline: str, suite: str | None, overrides: Sequence[str], progress: Progress) -> Opened:
    """Opens what a pipeline needs to be tuned; the arguments are those of :func:`tune_pipeline`.

    Raises:
        HybridError: a name is unknown, weights are missing, or there is nothing to train on.
    """
    spec = load_spec(PipelineSpec, library.find_pipeline(pipeline), overrides)
    if suite and spec.tuning.mixture:
        raise BadSpec(
            f"{pipeline} learns from the suites of tuning.mixture, not from {suite}. Leave out --suite, or "
            "learn from that suite alone with --set tuning.mixture={}"
        )
    opened = load_suite(suite or spec.suite, say=progress.say)
    if not spec.tuning.mixture:
        opened.require_training()
    weights = models.locate(spec.model, progress.say)
    retriever = load_retriever(spec, opened.corpus, progress.say)
    return Opened(spec, opened, retriever, weights)


def tune(
    spec: PipelineSpec,
    suite: Suite,
    retriever: Retriever,
    weights: Weights,
    *,
    seed: int = 0,
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
        teacher: a larger model on a server that writes targets.
        progress: shows steps, loss and time left.

    Raises:
        NoTrainingQuestions: there is nothing to train on.
        ModelMismatch: ``tuning.start_from`` was made for another architecture.
        BadSpec: the method cannot go on from what it names.
        BadRows: the rows have a fault that must not be learned.
        RunStopped: the teacher did not answer everything.
        HybridError: a loss, a gradient or a weight is no number, or another process trains the same adapter.
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
        teacher=teacher,
        progress=progress,
    )
    encoded = [lesson.encoded for lesson in lessons.rows]
    held_out = _held_out(spec, [each.source for each in lessons.taught], seed)
    parts = [each.to_json() for each in lessons.taught]
    recipe = _recipe(spec, weights, parts, encoded, start, seed)
    recipe |= {"canaries": lessons.canaries, "held_out": held_out_record(held_out, spec.generation)}
    digest = hashlib.sha256(json.dumps(recipe, sort_keys=True).encode()).hexdigest()
    folder = adapter_folder("+".join(part["suite"] for part in parts), digest)
    work = folder.with_name(f"{folder.name}.training")
    if (folder / MANIFEST).is_file():
        progress.say(f"Adapter found: {folder}")
        # It is left over where a training was killed just after it had published.
        shutil.rmtree(work, ignore_errors=True)
        return open_adapter(folder)
    if spec.tuning.lint:
        stop_at_errors(lint_training(lessons, spec.tuning, suite), progress)
    work.mkdir(parents=True, exist_ok=True)
    with only_writer(work, partial(_refused, work)):
        return _train(
            spec,
            weights,
            tokenizer,
            encoded,
            recipe,
            held_out,
            start=start,
            work=work,
            folder=folder,
            progress=progress,
        )


def _refused(work: Path, holder: str) -> HybridError:
    return HybridError(f"{work} is being trained in by process {holder}; wait for it, or stop it and go on.")


def _start(spec: PipelineSpec, weights: Weights) -> Adapter | None:
    """What an earlier tuning left whose weights are the first ones, if the pipeline names it."""
    if spec.tuning.start_from is None:
        return None
    start = open_adapter(spec.tuning.start_from)
    try:
        check_start(spec.tuning, start)
        check_fit(start, weights)
    except (BadSpec, ModelMismatch) as exc:
        raise type(exc)(f"{exc} To begin anew: --set tuning.start_from=null") from exc
    return start


def _held_out(spec: PipelineSpec, sources: Sequence[Source], seed: int) -> list[HeldOut]:
    most = max(1, MOST_ROWS // len(sources))
    return [
        held_out_rows(
            spec.model_copy(update={"tuning": source.tuning}),
            source.suite,
            source.retriever,
            seed=seed,
            known=source.known,
            most=most,
        )
        for source in sources
    ]


def _train(
    spec: PipelineSpec,
    weights: Weights,
    tokenizer: Any,
    rows: Sequence[EncodedRow],
    recipe: dict[str, Any],
    held_out: Sequence[HeldOut],
    *,
    start: Adapter | None,
    work: Path,
    folder: Path,
    progress: Progress,
) -> Adapter:
    model = load_model(first_weights(weights, start), spec.generation, pick_device(spec.generation.device))
    steps = len(plan_training(rows, model.config, spec.tuning, recipe["seed"]))
    stop = EarlyStop(partial(share_right, held_out, weights=weights, spec=spec.generation), spec.tuning)
    with progress.track(f"Tuning on {len(rows)} rows", steps) as done:
        trained = train(
            model,
            tokenizer,
            rows,
            spec.tuning,
            folder=work,
            seed=recipe["seed"],
            on_step=lambda step, loss: done(step, f"loss {loss:.3f}"),
            start_from=start.path if start and not start.whole else None,
            callbacks=[stop] if any(part.rows for part in held_out) else [],
        )
    manifest = recipe | trained._asdict()
    manifest["held_out"] = recipe["held_out"] | {"curve": stop.curve}
    adapter = publish(work / "adapter", folder, manifest)
    shutil.rmtree(work, ignore_errors=True)
    return adapter


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
        "tuning": spec.tuning.model_dump(mode="json", exclude={"canaries", "lint"}),
        "precision": precision(spec.generation),
        "seed": seed,
        "versions": {
            name: importlib.metadata.version(name)
            for name in ("torch", "transformers", "peft", "trl", "bitsandbytes")
        },
    }
