"""Learning from encoded rows, through trl and peft."""

from collections.abc import Sequence
from itertools import cycle, islice
from pathlib import Path
from typing import Any, NamedTuple

import torch
from datasets import Dataset
from transformers import PrinterCallback, TrainerCallback
from trl import SFTConfig, SFTTrainer

from hybrid.generation.device import return_freed_memory
from hybrid.specs import TuningSpec
from hybrid.tuning.checkpoints import checkpoint, last_checkpoint
from hybrid.tuning.encoding import IGNORED, EncodedRow
from hybrid.tuning.methods import learner, save
from hybrid.tuning.sequences import RowSequence, plan_steps, share_beginnings, tensors
from hybrid.tuning.watch import SECONDS, NotFinite, OnStep, Watch, require_finite_loss, stopped

CHECKPOINT_STEPS = 10


class Trained(NamedTuple):
    """What a training came to: the loss of each step, and the seconds of all, earlier processes' included."""

    losses: list[float]
    seconds: float


def train(
    model: Any,
    tokenizer: Any,
    rows: Sequence[EncodedRow],
    spec: TuningSpec,
    *,
    folder: Path,
    seed: int,
    on_step: OnStep,
    start_from: Path | None = None,
    callbacks: Sequence[TrainerCallback] = (),
) -> Trained:
    """Trains an adapter or all weights (``spec.method``), loss on the labels only, and saves the result.

    Logits are computed only where there are labels, and what neighbouring rows share is read once. An
    interrupted training continues from its last complete checkpoint under ``folder/checkpoints``.

    Args:
        model: the loaded base; it is changed.
        tokenizer: of the base.
        rows: what to learn.
        spec: method, rank, rate, batch.
        folder: ``folder/adapter`` receives the result.
        seed: of the adapter's first weights and of the order of the batches.
        on_step: called with the number of steps done and the last loss.
        start_from: a PEFT folder whose weights are the first ones; its rank stays.
        callbacks: others that look on; if one names a best step, the weights of that step are saved.

    Raises:
        HybridError: a loss, a gradient or a weight is no number; the rows of that step are named.
    """
    return_freed_memory()
    steps = plan_training(rows, model.config, spec, seed)
    model, adapter = learner(model, spec, start_from)
    trainer = _AnswerTrainer(
        model=model,
        args=_config(spec, model, folder / "checkpoints", seed),
        train_dataset=_dataset(steps),
        data_collator=lambda items: tensors(steps[items[0]["step"]]),
        processing_class=tokenizer,
        peft_config=adapter,
        callbacks=[Watch(on_step), *callbacks],
    )
    if model.device.type == "cpu" and spec.method != "full":
        # trl rounds an adapter on a 4-bit base to bfloat16; a checkpoint would be read again as float32.
        _in_full_precision(trainer.model)
    trainer.remove_callback(PrinterCallback)
    checkpoints = folder / "checkpoints"
    done = last_checkpoint(checkpoints)
    try:
        trainer.train(resume_from_checkpoint=str(done) if done else None)
    except NotFinite as exc:
        step = trainer.state.global_step
        raise stopped(step + 1, steps[step], exc) from exc
    if trainer.state.best_global_step not in {None, trainer.state.global_step}:
        trainer._load_from_checkpoint(str(checkpoint(checkpoints, trainer.state.best_global_step)))
    save(trainer.model, tokenizer, folder / "adapter")
    steps_made = [entry for entry in trainer.state.log_history if "loss" in entry]
    return Trained([step["loss"] for step in steps_made], sum(step[SECONDS] for step in steps_made))


def _in_full_precision(model: Any) -> None:
    for weight in model.parameters():
        if weight.requires_grad:
            weight.data = weight.data.float()


def plan_training(
    rows: Sequence[EncodedRow], config: Any, spec: TuningSpec, seed: int
) -> list[list[RowSequence]]:
    """The batches of a training of a model with this config: as many as the spec says, or one pass."""
    if sees_everything(config):
        sequences = share_beginnings(rows, spec.batch_tokens)
    else:
        sequences = [RowSequence((row,)) for row in rows]
    steps = plan_steps(sequences, spec.batch_tokens, seed)
    return list(islice(cycle(steps), spec.max_steps)) if spec.max_steps else steps


def sees_everything(config: Any) -> bool:
    """Whether every layer attends to all earlier tokens under any mask, so that rows can share a beginning.

    Sliding windows, state-space layers and FlashAttention 2 take no mask of this form.
    """
    kinds = set(getattr(config, "layer_types", None) or ["full_attention"])
    windowed = getattr(config, "sliding_window", None) and getattr(config, "use_sliding_window", True)
    return kinds == {"full_attention"} and not windowed and config._attn_implementation in {"sdpa", "eager"}


def _dataset(steps: Sequence[Sequence[RowSequence]]) -> Dataset:
    """One item a step; trl takes what has ids as encoded, and the collator makes the tensors."""
    ids = [[i for sequence in batch for i in sequence.ids] for batch in steps]
    return Dataset.from_dict({"input_ids": ids, "step": list(range(len(steps)))})


def _config(spec: TuningSpec, model: Any, folder: Path, seed: int) -> SFTConfig:
    return SFTConfig(
        output_dir=str(folder),
        per_device_train_batch_size=1,
        remove_unused_columns=False,
        num_train_epochs=1,
        learning_rate=spec.learning_rate,
        lr_scheduler_type="linear",
        warmup_steps=spec.warmup_steps,
        train_sampling_strategy="sequential",
        shuffle_dataset=False,
        max_length=None,
        packing=False,
        use_cpu=model.device.type == "cpu",
        bf16=False,
        gradient_checkpointing=False,
        dataloader_pin_memory=False,
        logging_steps=1,
        logging_nan_inf_filter=False,
        save_strategy="steps",
        save_steps=CHECKPOINT_STEPS,
        report_to="none",
        disable_tqdm=True,
        seed=seed,
        data_seed=seed,
    )


class _AnswerTrainer(SFTTrainer):
    """Computes logits only where there are labels.

    trl does so on a GPU; on a CPU it scores every position (``add_fused_lm_head``), which for a vocabulary of
    49,152 and short answers takes longer than all the rest of a step.
    """

    def compute_loss(
        self, model: Any, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        labels = inputs["labels"][:, 1:]
        learned = labels != IGNORED
        # The places where any row has a label; the model's own forward computes these logits and no others.
        places = learned.any(dim=0).nonzero().flatten()
        logits = model(
            input_ids=inputs["input_ids"],
            attention_mask=_additive(inputs["attention_mask"], model.dtype),
            position_ids=inputs["position_ids"],
            logits_to_keep=places,
            use_cache=False,
        ).logits.float()
        wanted = learned[:, places]
        total = torch.nn.functional.cross_entropy(logits[wanted], labels[:, places][wanted], reduction="sum")
        loss = total / (wanted.sum() if num_items_in_batch is None else num_items_in_batch)
        require_finite_loss(loss)
        return loss


def _additive(mask: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """A mask of token pairs as what is added to their scores; one of tokens stays as it is."""
    if mask.dim() == 2:
        return mask
    return torch.zeros(mask.shape, dtype=dtype, device=mask.device).masked_fill(~mask, torch.finfo(dtype).min)
