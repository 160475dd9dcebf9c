"""One loaded base model, with the adapter toggled on or off."""

import resource
import sys
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig

from hybrid.adapters import Adapter
from hybrid.errors import ModelMismatch, PromptTooLong
from hybrid.generation.answers import AnswerStore, Generated, GeneratedBatch, batch_key
from hybrid.generation.batching import plan_batches
from hybrid.generation.encode import ChatEncoder
from hybrid.generation.prompt import Example, chat
from hybrid.models import Weights
from hybrid.progress import Done
from hybrid.records import Passage, Turn
from hybrid.specs import GenerationSpec


@dataclass(frozen=True, slots=True)
class Prompt:
    """An encoded request.

    Attributes:
        ids: token ids.
        shown: the passages that fitted, in the order in which they are numbered.
        dropped: how many of the last (weakest) passages did not fit the context.
    """

    ids: tuple[int, ...]
    shown: tuple[Passage, ...]
    dropped: int = 0


@dataclass(frozen=True, slots=True)
class Generation:
    """The outputs of many prompts, in their order, and what they cost in total."""

    outputs: tuple[Generated, ...]
    seconds: float
    peak_memory_mb: float


class Generator:
    """A causal language model that answers prompts greedily, with or without an adapter.

    Args:
        weights: the base model.
        spec: how answers are written.
    """

    def __init__(self, weights: Weights, spec: GenerationSpec) -> None:
        self.weights = weights
        self.spec = spec
        self.device = pick_device(spec.device)
        self.tokenizer: Any = AutoTokenizer.from_pretrained(weights.path)
        self.encoder = ChatEncoder(self.tokenizer)
        self.model: Any = load_model(weights, spec, self.device)
        self.adapter_digest = ""
        self.context = int(self.model.config.max_position_embeddings)

    def put_on(self, adapter: Adapter) -> None:
        """Puts an adapter on the base; ``generate(tuned=True)`` uses it, ``tuned=False`` never does.

        Raises:
            ModelMismatch: the adapter was made for another architecture.
        """
        from peft import PeftModel

        try:
            self.model = PeftModel.from_pretrained(self.model, str(adapter.path)).eval()
        except (RuntimeError, ValueError) as exc:
            reason = str(exc).strip().splitlines()[0]
            raise ModelMismatch(
                f"The adapter {adapter.path} does not fit {self.weights.name}: {reason}"
            ) from exc
        self.adapter_digest = adapter.digest

    def prompt(
        self,
        question: str,
        passages: Sequence[Passage],
        history: Sequence[Turn] = (),
        examples: Sequence[Example] = (),
    ) -> Prompt:
        """Encodes a request; the weakest passages are dropped until it fits the context.

        Raises:
            PromptTooLong: it does not fit even without passages.
        """
        room = self.context - self.spec.max_new_tokens
        for shown in range(len(passages), -1, -1):
            ids = self.encoder.prompt(chat(question, passages[:shown], history, examples))
            if len(ids) <= room:
                return Prompt(tuple(ids), tuple(passages[:shown]), len(passages) - shown)
        raise PromptTooLong(
            f"The question takes {len(ids)} tokens without any passage; {self.weights.name} has room for "
            f"{room} ({self.context} less {self.spec.max_new_tokens} for the answer). "
            f"Shorten it: {question[:60]!r} …"
        )

    def generate(
        self,
        prompts: Sequence[Prompt],
        *,
        tuned: bool = False,
        seed: int = 0,
        store: AnswerStore | None = None,
        done: Done = lambda done, note: None,
    ) -> Generation:
        """Greedy answers to all prompts, in their order.

        Args:
            prompts: what :meth:`prompt` made.
            tuned: whether the adapter is on.
            seed: orders the batches.
            store: where batches are kept and found again.
            done: told after each batch how many prompts are done.
        """
        lengths = [len(prompt.ids) + self.spec.max_new_tokens for prompt in prompts]
        outputs: dict[int, Generated] = {}
        seconds = peak = 0.0
        for rows in plan_batches(lengths, budget=self.spec.batch_tokens, seed=seed):
            batch = self._stored_batch([prompts[row].ids for row in rows], tuned, store)
            outputs.update(zip(rows, batch.outputs, strict=True))
            seconds += batch.seconds
            peak = max(peak, batch.peak_memory_mb)
            done(len(outputs), "")
        return Generation(tuple(outputs[row] for row in range(len(prompts))), seconds, peak)

    def setup(self, tuned: bool) -> str:
        """Names everything but the prompts that decides an answer."""
        parts = [
            self.weights.digest,
            self.adapter_digest if tuned else "base",
            str(self.spec.max_new_tokens),
            str(self.model.dtype),
            self.device.type,
            torch.__version__,
        ]
        return "|".join(parts)

    def _stored_batch(
        self, prompts: list[tuple[int, ...]], tuned: bool, store: AnswerStore | None
    ) -> GeneratedBatch:
        if store is None:
            return self._generate_batch(prompts, tuned)
        key = batch_key(self.setup(tuned), prompts)
        batch = store.get(key)
        if batch is None:
            batch = self._generate_batch(prompts, tuned)
            store.put(key, batch)
        return batch

    def _generate_batch(self, prompts: list[tuple[int, ...]], tuned: bool) -> GeneratedBatch:
        started = time.perf_counter()
        width = max(map(len, prompts))
        pad = self._pad_id()
        ids = torch.tensor(
            [[pad] * (width - len(prompt)) + list(prompt) for prompt in prompts], device=self.device
        )
        mask = torch.tensor(
            [[0] * (width - len(prompt)) + [1] * len(prompt) for prompt in prompts], device=self.device
        )
        with torch.inference_mode(), self._adapter(tuned):
            written = self.model.generate(
                input_ids=ids, attention_mask=mask, generation_config=self._decoding()
            )
        outputs = tuple(self._read(row.tolist()) for row in written[:, width:])
        return GeneratedBatch(outputs, time.perf_counter() - started, peak_memory_mb(self.device))

    def _adapter(self, tuned: bool) -> AbstractContextManager[Any]:
        if tuned or not self.adapter_digest:
            return nullcontext()
        switch: AbstractContextManager[Any] = self.model.disable_adapter()
        return switch

    def _decoding(self) -> GenerationConfig:
        # Made anew, so that no sampling setting of the model's own file comes along.
        return GenerationConfig(
            do_sample=False,
            max_new_tokens=self.spec.max_new_tokens,
            eos_token_id=self.stop_ids(),
            pad_token_id=self._pad_id(),
        )

    def stop_ids(self) -> list[int]:
        """Ids that end an answer: the tokenizer's end token and those that the model's own file names."""
        named = self.model.generation_config.eos_token_id
        several = named if isinstance(named, list) else [named]
        return sorted({i for i in [self.tokenizer.eos_token_id, *several] if i is not None})

    def _pad_id(self) -> int:
        pad = self.tokenizer.pad_token_id
        return int(pad if pad is not None else self.tokenizer.eos_token_id)

    def _read(self, ids: list[int]) -> Generated:
        """The text up to the first end token."""
        stops = set(self.stop_ids())
        end = next((i for i, token in enumerate(ids) if token in stops), len(ids))
        text = self.tokenizer.decode(ids[:end], skip_special_tokens=True).strip()
        return Generated(text, end)


def pick_device(name: str) -> torch.device:
    """``auto`` is the GPU if there is one."""
    if name != "auto":
        return torch.device(name)
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def load_model(weights: Weights, spec: GenerationSpec, device: torch.device) -> Any:
    """Loads a base model from safetensors, in evaluation mode."""
    model = AutoModelForCausalLM.from_pretrained(
        weights.path,
        dtype=_dtype(spec.dtype, device),
        attn_implementation=spec.attention,
        use_safetensors=True,
    )
    return model.to(device).eval()


def _dtype(name: str, device: torch.device) -> torch.dtype:
    if name == "auto":
        # On a CPU float32 is the faster one, by a factor of two in training.
        return torch.bfloat16 if device.type == "cuda" else torch.float32
    dtype: torch.dtype = getattr(torch, name)
    return dtype


def peak_memory_mb(device: torch.device) -> float:
    """The most memory that was in use so far: of the GPU, or of this process."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**20
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10
