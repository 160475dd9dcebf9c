"""Learning from encoded rows, through trl and peft."""

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from transformers import PrinterCallback, TrainerCallback
from trl import SFTConfig, SFTTrainer

from hybrid.errors import HybridError
from hybrid.generation.device import return_freed_memory
from hybrid.specs import TuningSpec
from hybrid.tuning.encoding import IGNORED, EncodedRow
from hybrid.tuning.methods import learner, save
from hybrid.tuning.sequences import RowSequence, plan_steps, share_beginnings, tensors

OnStep = Callable[[int, float], None]
CHECKPOINT_STEPS = 10
COMPLETE = "COMPLETE"


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
) -> list[float]:
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

    Returns:
        The loss of each step.
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
        callbacks=[_Watch(on_step)],
    )
    trainer.remove_callback(PrinterCallback)
    trainer.train(resume_from_checkpoint=last_checkpoint(folder / "checkpoints"))
    save(trainer.model, tokenizer, folder / "adapter")
    return [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]


def plan_training(
    rows: Sequence[EncodedRow], config: Any, spec: TuningSpec, seed: int
) -> list[list[RowSequence]]:
    """The batches of a training of a model with this config, in the order of its steps."""
    if sees_everything(config):
        sequences = share_beginnings(rows, spec.batch_tokens)
    else:
        sequences = [RowSequence((row,)) for row in rows]
    return plan_steps(sequences, spec.batch_tokens, seed)


def sees_everything(config: Any) -> bool:
    """Whether every layer attends to all earlier tokens under any mask, so that rows can share a beginning.

    Sliding windows, state-space layers and FlashAttention 2 take no mask of this form.
    """
    kinds = set(getattr(config, "layer_types", None) or ["full_attention"])
    windowed = getattr(config, "sliding_window", None) and getattr(config, "use_sliding_window", True)
    return kinds == {"full_attention"} and not windowed and config._attn_implementation in {"sdpa", "eager"}


def last_checkpoint(folder: Path) -> str | None:
    """The newest checkpoint that was written to its end."""
    complete = [path.parent for path in folder.glob(f"checkpoint-*/{COMPLETE}")]
    newest = max(complete, key=lambda path: int(path.name.split("-")[1]), default=None)
    return str(newest) if newest else None


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
        max_steps=spec.max_steps or -1,
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
        save_total_limit=2,
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
        return total / (wanted.sum() if num_items_in_batch is None else num_items_in_batch)


def _additive(mask: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """A mask of token pairs as what is added to their scores; one of tokens stays as it is."""
    if mask.dim() == 2:
        return mask
    return torch.zeros(mask.shape, dtype=dtype, device=mask.device).masked_fill(~mask, torch.finfo(dtype).min)


class _Watch(TrainerCallback):
    """Reports each step, stops at a loss that is no number, and marks checkpoints that are complete."""

    def __init__(self, on_step: OnStep) -> None:
        self._on_step = on_step

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
        loss = (logs or {}).get("loss")
        if loss is None:
            return
        if not math.isfinite(loss):
            raise HybridError(
                f"Training stopped at step {state.global_step}: the loss is {loss}. Lower the rate."
            )
        self._on_step(state.global_step, loss)

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        Path(args.output_dir, f"checkpoint-{state.global_step}", COMPLETE).touch()
