"""What tuning will take, before anything is spent: peak memory by method, what it fits on, and the time.

Memory is derived from the model's config; time is measured on a few steps, or said to be unknown.
"""

import contextlib
import math
import statistics
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from transformers import AutoTokenizer

from hybrid import library, models
from hybrid.errors import BadInput, BadSpec, ModelMissing
from hybrid.generation.device import load_model, pick_device, pick_dtype, resident_memory_mb
from hybrid.generation.encode import ChatEncoder
from hybrid.models import Weights
from hybrid.progress import SILENT, Progress
from hybrid.specs import PipelineSpec, TuningSpec, load_spec
from hybrid.tuning.devices import GPU_BASE_MB, GPUS, this_machine
from hybrid.tuning.encoding import IGNORED, EncodedRow
from hybrid.tuning.footprint import METHODS, Footprint, Mask, Method, Setup, footprint, read_auto_config
from hybrid.tuning.lessons import make_lessons
from hybrid.tuning.replay import stand_ins
from hybrid.tuning.sequences import RowSequence
from hybrid.tuning.train import plan_training, train
from hybrid.tuning.tune import open_tuning

Batch = Sequence[RowSequence]
TIMED_STEPS = 3
CHOICE: Mapping[Method, tuple[str, ...]] = {
    "lora": ("tuning.method=lora", "generation.quantization=none"),
    "qlora": ("tuning.method=qlora", "generation.quantization=nf4"),
    "full": ("tuning.method=full", "generation.quantization=none"),
}
"""What makes a pipeline tune by a method; all that a method implies follows from the pipeline's schema."""
UNASKED: Mapping[str, Any] = {
    "replay": 0.0,
    "replay_texts": 0.0,
    "no_context": "abstain",
    "absent": "abstain",
}
"""For rows without asking the base anything, which takes long; for those of replay others stand in."""
BY_SIZE: tuple[Mask, ...] = ("padding", "pairs", "none")
"""Masks, the one that takes most first."""
FLOAT32 = 4
MIB = 2**20


@dataclass(frozen=True, slots=True)
class Memory:
    """Peak memory of a setup by its parts, in MiB (2**20 bytes).

    ``total`` is less than the sum: see :func:`predict`.
    """

    weights: float
    gradients: float
    optimizer: float
    activations: float
    logits: float
    base: float
    total: float


@dataclass(frozen=True, slots=True)
class Workload:
    """What is learned.

    Attributes:
        rows: in all.
        steps: to be made.
        batch: sequences of the heaviest batch.
        tokens: of the longest of these.
        places: positions with logits, of the batch that has most.
        labels: tokens with loss, of the batch that has most.
        mask: as in a setup, the largest of any batch.
        counted: on the encoded rows; else the most that the pipeline allows.
    """

    rows: int
    steps: int
    batch: int
    tokens: int
    places: int
    labels: int
    mask: Mask
    counted: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """What tuning will take.

    Attributes:
        model: its name.
        method: by which the pipeline tunes.
        workload: what is learned.
        setups: place (``cpu`` or ``gpu``) → method → the step.
        footprints: place → method → bytes and counts.
        memory: place → method → peak memory.
        room: device → memory in MiB; GPUs by their names, and what this machine has.
        seconds_per_step: measured by the pipeline's method; None if it was not.
        untimed: why it was not; empty if it was.
    """

    model: str
    method: Method
    workload: Workload
    setups: Mapping[str, Mapping[Method, Setup]]
    footprints: Mapping[str, Mapping[Method, Footprint]]
    memory: Mapping[str, Mapping[Method, Memory]]
    room: Mapping[str, float]
    seconds_per_step: float | None = None
    untimed: str = ""

    @property
    def seconds(self) -> float | None:
        """Of all steps; None if unknown."""
        return None if self.seconds_per_step is None else self.seconds_per_step * self.workload.steps

    def fits(self, method: Method) -> dict[str, bool]:
        """Device → whether the peak of a method fits into its memory."""
        return {
            device: self.memory["cpu" if device == "this CPU" else "gpu"][method].total <= memory
            for device, memory in self.room.items()
        }

    def to_json(self) -> dict[str, Any]:
        """Everything, memory in MiB."""
        return {
            "model": self.model,
            "method": self.method,
            "workload": asdict(self.workload),
            "places": {
                place: {
                    method: {
                        "setup": asdict(self.setups[place][method]),
                        "footprint": asdict(self.footprints[place][method]),
                        "memory_mib": asdict(memory),
                    }
                    for method, memory in by_method.items()
                }
                for place, by_method in self.memory.items()
            },
            "room_mib": dict(self.room),
            "fits": {method: self.fits(method) for method in METHODS},
            "seconds_per_step": self.seconds_per_step,
            "seconds": self.seconds,
            "untimed": self.untimed,
        }


def predict(found: Footprint, setup: Setup, base_mb: float) -> Memory:
    """Peak memory of a training step after the first, when the optimizer has its moments.

    - **weights**: parameters times bytes; 4.127 bits where they are NF4 (2305.14314, section 3).
    - **gradients**: of the trained parameters, in their own format; with ``step_in_backward`` the greatest.
    - **optimizer**: AdamW's two moments of each trained parameter (1711.05101); none on the device if paged.
    - **activations**: what autograd keeps (2205.05198, section 4); with checkpointing the inputs of layers
      (section 5).
    - **logits**: float32, of all rows at each place where one has a label, and of the labels twice more, as
      they are picked out and as their log-softmax. With a loss everywhere all positions four times: the
      shifted logits, their log-softmax, and the gradients of both.
    - **base**: what is there before the model.

    Weights, moments and base stay throughout. On top of them comes the largest of three that are not there at
    the same time: activations with the logits; activations with the gradients of one layer's activations, at
    most as much as it keeps (checkpointed, it is computed anew; 4-bit weights are dequantised for it); and
    the gradients of the parameters, which come as activations go.

    Args:
        found: of the model in this setup.
        setup: the step.
        base_mb: MiB that are taken before the model is loaded.
    """
    activations = found.kept_inputs if setup.checkpointing else found.kept
    layer = found.kept_by_layer * (2 if setup.checkpointing else 1) + found.dequantised
    scored = setup.places + 2 * setup.labels
    if setup.loss == "everywhere":
        scored = 4 * setup.rows * setup.tokens
    gradients = found.greatest_gradient if setup.step_in_backward else found.gradients
    optimizer = 0 if setup.optimizer == "paged_adamw" else 2 * found.gradients
    logits = FLOAT32 * found.vocabulary * scored
    highest = max(activations + logits, activations + layer, gradients)
    return Memory(
        weights=found.weights / MIB,
        gradients=gradients / MIB,
        optimizer=optimizer / MIB,
        activations=activations / MIB,
        logits=logits / MIB,
        base=base_mb,
        total=base_mb + (found.weights + optimizer + highest) / MIB,
    )


def plan_pipeline(
    pipeline: str = "quickstart",
    *,
    suite: str | None = None,
    seed: int = 0,
    overrides: Sequence[str] = (),
    progress: Progress = SILENT,
) -> Plan:
    """Plans the tuning of a pipeline by all three methods.

    With the model's weights on this machine its training rows are made, and a few steps are timed where they
    fit. With a config alone (a folder or a hub id) rows are as long and as many as the pipeline allows, and
    time is unknown.

    Args:
        pipeline: a built-in name or a YAML file.
        suite: another suite than the pipeline's own.
        seed: of rows and order.
        overrides: ``KEY=VALUE`` for single values of the pipeline file.
        progress: shows lines and steps.

    Raises:
        HybridError: a name is unknown, there is no config, or there is nothing to train on.
    """
    path = library.find_pipeline(pipeline)
    spec = load_spec(PipelineSpec, path, overrides)
    config = read_auto_config(models.locate_config(spec.model, progress.say))
    weights = _weights(spec.model, progress)
    rows = _rows(pipeline, suite, overrides, spec.tuning, weights, seed, progress) if weights else []
    config._attn_implementation = spec.generation.attention
    work = workload(spec, plan_training(rows, config, spec.tuning, seed))
    bases = {"cpu": resident_memory_mb(), "gpu": float(GPU_BASE_MB)}
    specs = [load_spec(PipelineSpec, path, [*overrides, *CHOICE[method]]) for method in METHODS]
    setups = {place: {each.tuning.method: setup_of(each, work, place) for each in specs} for place in bases}
    footprints = {
        place: {method: footprint(config, setup) for method, setup in by_method.items()}
        for place, by_method in setups.items()
    }
    memory = {
        place: {
            method: predict(found, setups[place][method], bases[place]) for method, found in by_method.items()
        }
        for place, by_method in footprints.items()
    }
    plan = Plan(
        model=spec.model,
        method=spec.tuning.method,
        workload=work,
        setups=setups,
        footprints=footprints,
        memory=memory,
        room={**this_machine(), **GPUS},
    )
    if weights is None:
        return replace(plan, untimed=f"{spec.model} has no weights here")
    if reason := _too_large(plan, spec):
        return replace(plan, untimed=reason)
    return replace(plan, seconds_per_step=seconds_per_step(spec, weights, rows, seed, progress))


def _too_large(plan: Plan, spec: PipelineSpec) -> str:
    """Why no step can be made on the pipeline's device; empty if one can."""
    try:
        device = pick_device(spec.generation.device)
    except BadSpec as exc:
        return str(exc)
    place = "cpu" if device.type == "cpu" else "gpu"
    here = {name: room for name, room in this_machine().items() if (name == "this CPU") == (place == "cpu")}
    wanted, room = plan.memory[place][plan.method].total, max(here.values(), default=0.0)
    return f"{plan.method} takes {wanted:,.0f} MiB, and {room:,.0f} are free" if wanted > room else ""


def setup_of(spec: PipelineSpec, work: Workload, place: str) -> Setup:
    """The step that ``hybrid tune`` makes by the pipeline's method on ``cpu`` or ``gpu``."""
    method = spec.tuning.method
    device = torch.device("cuda" if place == "gpu" else "cpu")
    return Setup(
        method=method,
        rows=work.batch,
        tokens=work.tokens,
        places=work.places,
        labels=work.labels,
        dtype=str(pick_dtype(spec.generation.dtype, device)).removeprefix("torch."),
        adapter_dtype="bfloat16" if method == "qlora" and place == "gpu" else "float32",
        rank=spec.tuning.lora.rank,
        dropout=spec.tuning.lora.dropout,
        mask=work.mask,
        attention=spec.generation.attention,
    )


def workload(spec: PipelineSpec, steps: Sequence[Batch]) -> Workload:
    """What is learned in batches; without any the most that the pipeline allows."""
    if not steps:
        return _greatest_workload(spec)
    heaviest = max(steps, key=_padded_tokens)
    masks = set(map(_mask, steps))
    learned = [[_label_places(sequence.labels) for sequence in batch] for batch in steps]
    return Workload(
        rows=sum(len(sequence.rows) for batch in steps for sequence in batch),
        steps=spec.tuning.max_steps or len(steps),
        batch=len(heaviest),
        tokens=max(map(len, heaviest)),
        places=max(len(batch) * len(set().union(*batch)) for batch in learned),
        labels=max(sum(map(len, batch)) for batch in learned),
        mask=next(mask for mask in BY_SIZE if mask in masks),
        counted=True,
    )


def _greatest_workload(spec: PipelineSpec) -> Workload:
    tuning = spec.tuning
    batch = max(1, tuning.batch_tokens // tuning.max_row_tokens)
    tokens = max(tuning.max_row_tokens, tuning.batch_tokens // batch)
    labels = batch * min(spec.generation.max_new_tokens, tokens)
    return Workload(
        rows=tuning.rows_wanted,
        steps=tuning.max_steps or math.ceil(tuning.rows_wanted / batch),
        batch=batch,
        tokens=tokens,
        places=batch * min(labels, tokens),
        labels=labels,
        mask="padding",
        counted=False,
    )


class _Enough(Exception):
    """Ends a training whose steps were timed, before it writes a checkpoint that nobody wants."""


def seconds_per_step(
    spec: PipelineSpec, weights: Weights, rows: Sequence[EncodedRow], seed: int, progress: Progress = SILENT
) -> float:
    """Seconds of a mean step, from a few real ones after one to warm up; nothing of them is kept.

    A step takes as long as its padded tokens are many, so that the timed steps are scaled by these.
    """
    model = load_model(weights, spec.generation, pick_device(spec.generation.device))
    count = TIMED_STEPS + 1
    steps = plan_training(rows, model.config, spec.tuning, seed)
    spread = [steps[i * len(steps) // count] for i in range(count)]
    chosen = [row for batch in spread for sequence in batch for row in sequence.rows]
    tuning = spec.tuning.model_copy(update={"max_steps": count, "start_from": None})
    times: list[float] = []
    with (
        tempfile.TemporaryDirectory() as folder,
        progress.track(f"Timing {TIMED_STEPS} steps after one to warm up", count) as done,
        contextlib.suppress(_Enough),
    ):

        def on_step(step: int, _: float) -> None:
            times.append(time.perf_counter())
            done(step, "")
            if step == count:
                raise _Enough

        tokenizer = AutoTokenizer.from_pretrained(weights.path)
        train(model, tokenizer, chosen, tuning, folder=Path(folder), seed=seed, on_step=on_step)
    # Chosen rows are put into batches anew; when all are through, they come again in the same order.
    taken = plan_training(chosen, model.config, tuning, seed)
    timed = [_padded_tokens(taken[step % len(taken)]) for step in range(1, count)]
    mean = statistics.fmean(map(_padded_tokens, steps))
    return (times[-1] - times[0]) / sum(timed) * mean


def _weights(name: str, progress: Progress) -> Weights | None:
    try:
        return models.locate(name, progress.say)
    except (ModelMissing, BadInput):
        return None


def _rows(
    pipeline: str,
    suite: str | None,
    overrides: Sequence[str],
    tuning: TuningSpec,
    weights: Weights,
    seed: int,
    progress: Progress,
) -> list[EncodedRow]:
    # No model is loaded yet: passages are found on the CPU, whatever the pipeline's device is.
    opened = open_tuning(pipeline, suite, [*overrides, "generation.device=cpu"], progress)
    like_all = {"absent": None, "no_context": None}
    mixture = {name: part.model_copy(update=like_all) for name, part in tuning.mixture.items()}
    unasked = tuning.model_copy(update={**UNASKED, "mixture": mixture})
    spec = opened.spec.model_copy(update={"tuning": unasked})
    encoder = ChatEncoder(AutoTokenizer.from_pretrained(weights.path))
    lessons = make_lessons(
        spec, opened.suite, opened.retriever, weights, encoder, seed=seed, progress=progress
    )
    rows = [lesson.encoded for lesson in lessons.rows]
    return rows + stand_ins(tuning, len(rows), encoder, seed)


def _label_places(labels: Sequence[int]) -> set[int]:
    return {place for place, label in enumerate(labels) if label != IGNORED}


def _mask(batch: Batch) -> Mask:
    if any(sequence.shared for sequence in batch):
        return "pairs"
    return "none" if len(set(map(len, batch))) == 1 else "padding"


def _padded_tokens(batch: Batch) -> int:
    return len(batch) * max(map(len, batch))
