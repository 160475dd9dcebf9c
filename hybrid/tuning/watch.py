"""What looks on while a model learns: steps are told, checkpoints sealed, and what is no number stops it."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import TrainerCallback

from hybrid.errors import HybridError
from hybrid.tuning.checkpoints import checkpoint, retire, seal
from hybrid.tuning.sequences import RowSequence

SECONDS = "seconds"
OnStep = Callable[[int, float], None]


class NotFinite(Exception):
    """A loss, a gradient or a weight that is no number."""


class Watch(TrainerCallback):
    """Tells each step, seals checkpoints, and stops before or right after a step that spoils the weights.

    Args:
        on_step: called with the number of steps done and the last loss.
    """

    def __init__(self, on_step: OnStep) -> None:
        self._on_step = on_step
        self._since = time.perf_counter()

    def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, model: Any = None, **_: Any) -> None:
        """Looks at the gradients.

        Raises:
            NotFinite: one is no number.
        """
        gradients = ((name, weight.grad) for name, weight in _learned(model) if weight.grad is not None)
        _require_finite("gradient", gradients)

    def on_optimizer_step(self, args: Any, state: Any, control: Any, model: Any = None, **_: Any) -> None:
        """Looks at the weights that were changed.

        Raises:
            NotFinite: one is no number.
        """
        _require_finite("weight", _learned(model))

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
        """Tells a step, and notes in the trainer's log, which checkpoints keep, what it took."""
        if "loss" in (logs or {}):
            now = time.perf_counter()
            state.log_history[-1][SECONDS] = now - self._since
            self._since = now
            self._on_step(state.global_step, logs["loss"])

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Seals the checkpoint that was just written, and only then removes older ones."""
        folder = Path(args.output_dir)
        seal(checkpoint(folder, state.global_step))
        retire(folder)


def require_finite_loss(loss: torch.Tensor) -> None:
    """Looks at a loss before it is learned from.

    Raises:
        NotFinite: it is no number.
    """
    if not torch.isfinite(loss):
        raise NotFinite(f"the loss is {loss.item()}")


def stopped(step: int, batch: Sequence[RowSequence], reason: NotFinite) -> HybridError:
    """The error for a training that cannot go on.

    Args:
        step: at which it stopped, from 1 on.
        batch: of this step.
        reason: what is no number.
    """
    names = dict.fromkeys(row.question for sequence in batch for row in sequence.rows)
    return HybridError(
        f"Training stopped at step {step}: {reason}. Nothing was published. "
        f"Look at the rows of this step ({', '.join(names)}), or lower tuning.learning_rate."
    )


def _learned(model: Any) -> Iterator[tuple[str, torch.nn.Parameter]]:
    return ((name, weight) for name, weight in model.named_parameters() if weight.requires_grad)


def _require_finite(kind: str, tensors: Iterable[tuple[str, torch.Tensor]]) -> None:
    for name, tensor in tensors:
        if not torch.isfinite(tensor).all():
            raise NotFinite(f"a {kind} of {name} is no number")
