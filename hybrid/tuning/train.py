"""Learning an adapter from encoded rows, through trl and peft."""

import math
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from peft import LoraConfig
from transformers import PrinterCallback, TrainerCallback
from trl import SFTConfig, SFTTrainer

from hybrid.errors import HybridError
from hybrid.specs import TuningSpec
from hybrid.tuning.encoding import IGNORED, EncodedRow

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
) -> list[float]:
    """Trains LoRA on all linear layers, loss on the labels only, and saves a PEFT folder.

    Logits are computed only where there are labels. An interrupted training continues from its last
    complete checkpoint under ``folder/checkpoints``.

    Args:
        model: the loaded base; it is changed.
        tokenizer: of the base.
        rows: what to learn, used in this order up to grouping by length.
        spec: rank, rate, batch.
        folder: ``folder/adapter`` receives the result.
        seed: of the adapter's first weights and of the order of the batches.
        on_step: called with the number of steps done and the last loss.

    Returns:
        The loss of each step.
    """
    trainer = _AnswerTrainer(
        model=model,
        args=_config(spec, model, folder / "checkpoints", seed),
        train_dataset=_dataset(order_rows(rows, spec.batch_rows, seed)),
        processing_class=tokenizer,
        peft_config=_lora(spec),
        callbacks=[_Watch(on_step)],
    )
    trainer.remove_callback(PrinterCallback)
    trainer.train(resume_from_checkpoint=last_checkpoint(folder / "checkpoints"))
    trainer.model.save_pretrained(folder / "adapter")
    return [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]


def order_rows(rows: Sequence[EncodedRow], batch_rows: int, seed: int) -> list[EncodedRow]:
    """Rows of like length side by side, so that a batch pads little; batches in random order nearby."""
    chooser = random.Random(seed)
    ordered: list[EncodedRow] = []
    stretch = 16 * batch_rows
    for start in range(0, len(rows), stretch):
        near = sorted(rows[start : start + stretch], key=lambda row: len(row.ids))
        batches = [near[i : i + batch_rows] for i in range(0, len(near), batch_rows)]
        # A short batch anywhere but at the end would shift all batches after it.
        whole = [batch for batch in batches if len(batch) == batch_rows]
        chooser.shuffle(whole)
        rest = [batch for batch in batches if len(batch) < batch_rows]
        ordered.extend(row for batch in whole + rest for row in batch)
    return ordered


def last_checkpoint(folder: Path) -> str | None:
    """The newest checkpoint that was written to its end."""
    complete = [path.parent for path in folder.glob(f"checkpoint-*/{COMPLETE}")]
    newest = max(complete, key=lambda path: int(path.name.split("-")[1]), default=None)
    return str(newest) if newest else None


def _dataset(rows: Sequence[EncodedRow]) -> Dataset:
    return Dataset.from_dict(
        {"input_ids": [list(row.ids) for row in rows], "labels": [list(row.labels) for row in rows]}
    )


def _lora(spec: TuningSpec) -> LoraConfig:
    return LoraConfig(
        r=spec.lora.rank,
        lora_alpha=spec.lora.alpha,
        lora_dropout=spec.lora.dropout,
        target_modules="all-linear",
        task_type="CAUSAL_LM",
    )


def _config(spec: TuningSpec, model: Any, folder: Path, seed: int) -> SFTConfig:
    return SFTConfig(
        output_dir=str(folder),
        per_device_train_batch_size=spec.batch_rows,
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
            attention_mask=inputs["attention_mask"],
            logits_to_keep=places,
            use_cache=False,
        ).logits.float()
        wanted = learned[:, places]
        total = torch.nn.functional.cross_entropy(logits[wanted], labels[:, places][wanted], reduction="sum")
        return total / (wanted.sum() if num_items_in_batch is None else num_items_in_batch)


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
