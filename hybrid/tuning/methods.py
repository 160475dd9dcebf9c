"""What a tuning method learns, where it starts, and what it leaves.

``lora`` learns low-rank additions to all linear layers (2106.09685), ``qlora`` the same on a base in 4 bits
(2305.14314), which :func:`hybrid.generation.device.load_model` quantises, and ``full`` all weights.
"""

from pathlib import Path
from typing import Any

from peft import LoraConfig, PeftModel

from hybrid import models
from hybrid.adapters import Adapter
from hybrid.errors import BadSpec
from hybrid.models import Weights
from hybrid.specs import TuningSpec


def check_start(spec: TuningSpec, start: Adapter | None) -> None:
    """Looks whether a method can go on from what an earlier tuning left.

    Raises:
        BadSpec: whole weights are given to a method that learns an adapter, or the other way round.
    """
    if start is None or start.whole == (spec.method == "full"):
        return
    if start.whole:
        raise BadSpec(
            f"tuning.start_from: {start.path} holds whole weights, and tuning.method: {spec.method} goes on "
            "from an adapter. Name the folder as the model instead."
        )
    raise BadSpec(
        f"tuning.start_from: {start.path} is an adapter, and tuning.method: full goes on from whole weights. "
        f"Make them with: hybrid models export {start.path} FOLDER"
    )


def first_weights(weights: Weights, start: Adapter | None) -> Weights:
    """What is loaded to learn: the base, or the whole weights that a training goes on from."""
    return models.locate(str(start.path)) if start is not None and start.whole else weights


def learner(model: Any, spec: TuningSpec, start_from: Path | None) -> tuple[Any, LoraConfig | None]:
    """The model that learns, and the settings of the adapter that the trainer still has to put on it.

    Args:
        model: the loaded base, or the whole weights to go on from.
        spec: method, rank, alpha and dropout.
        start_from: a PEFT folder whose weights are the first ones; its rank stays.
    """
    if spec.method == "full":
        return model, None
    if start_from is not None:
        return PeftModel.from_pretrained(model, str(start_from), is_trainable=True), None
    return model, LoraConfig(
        r=spec.lora.rank,
        lora_alpha=spec.lora.alpha,
        lora_dropout=spec.lora.dropout,
        target_modules="all-linear",
        task_type="CAUSAL_LM",
    )


def save(model: Any, tokenizer: Any, folder: Path) -> None:
    """Writes a plain PEFT folder, or of whole weights one that ``from_pretrained`` reads, with tokenizer."""
    model.save_pretrained(folder)
    if not isinstance(model, PeftModel):
        tokenizer.save_pretrained(folder)
