"""One loaded base model, with the adapter toggled on or off."""

import math
import time
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import torch
from transformers import AutoConfig, AutoTokenizer, GenerationConfig

from hybrid.adapters import Adapter, check_fit
from hybrid.generation.answers import AnswerStore, Generated, GeneratedBatch, batch_key
from hybrid.generation.batching import plan_batches
from hybrid.generation.device import load_model, peak_memory_mb, pick_device, reset_peak_memory
from hybrid.generation.encode import ChatEncoder
from hybrid.generation.fitting import Prompt, Rendering, fitted, too_long
from hybrid.generation.prompt import Example, chat
from hybrid.models import Weights
from hybrid.progress import Done
from hybrid.records import Passage, Question, Turn
from hybrid.specs import GenerationSpec, Style


@dataclass(frozen=True, slots=True)
class Generation:
    """The outputs of many prompts, in their order, and what they cost in total.

    ``peak_memory_mb`` is None if another machine generated.
    """

    outputs: tuple[Generated, ...]
    seconds: float
    peak_memory_mb: float | None


Parity = Literal["ids", "template"]
"""Whether token ids were sent, or messages that a server put into its own template."""


class TextGenerator(Protocol):
    """What a pipeline needs of a generator: the model may be here, or on a server."""

    @property
    def parity(self) -> Parity:
        """How prompts reach the model."""

    def prompt(
        self,
        question: str,
        passages: Sequence[Passage],
        history: Sequence[Turn] = (),
        examples: Sequence[Example] = (),
    ) -> Prompt:
        """A request that fits the model's context."""

    def generate(
        self,
        prompts: Sequence[Prompt],
        *,
        tuned: bool = False,
        seed: int = 0,
        store: AnswerStore | None = None,
        done: Done = lambda done, note: None,
    ) -> Generation:
        """Greedy answers to all prompts, in their order."""


class Generator:
    """A causal language model that answers prompts greedily, with or without an adapter.

    Args:
        weights: the base model.
        spec: how answers are written.
        style: whether the prompt asks for short answers or for long ones.
        model: loaded from these weights already, such as one that is being trained.
    """

    def __init__(
        self, weights: Weights, spec: GenerationSpec, style: Style = "short", *, model: Any = None
    ) -> None:
        self.weights = weights
        self.spec = spec
        self.style = style
        self.device = pick_device(spec.device)
        self.tokenizer: Any = AutoTokenizer.from_pretrained(weights.path)
        self.encoder = ChatEncoder(self.tokenizer)
        self.model: Any = load_model(weights, spec, self.device) if model is None else model
        # What a call leaves open, such as a repetition penalty, generate() takes from the model's own file.
        ends = self.model.generation_config.eos_token_id
        self.model.generation_config = GenerationConfig(eos_token_id=ends)
        self.adapter_digest = ""
        self.parity: Parity = "ids"
        self.context = int(self.model.config.max_position_embeddings)

    def put_on(self, adapter: Adapter) -> None:
        """Puts an adapter on the base; ``generate(tuned=True)`` uses it, ``tuned=False`` never does.

        Raises:
            ModelMismatch: the adapter was made for another architecture.
        """
        from peft import PeftModel

        check_fit(adapter, self.weights)
        self.model = PeftModel.from_pretrained(self.model, str(adapter.path)).eval()
        self.adapter_digest = adapter.digest

    def prompt(
        self,
        question: str,
        passages: Sequence[Passage],
        history: Sequence[Turn] = (),
        examples: Sequence[Example] = (),
    ) -> Prompt:
        """Encodes a request; first the farthest examples, then the weakest passages go until it fits.

        Raises:
            PromptTooLong: the question does not fit even alone.
        """
        rendering = Rendering(question, passages, history, examples, self.style)
        room = self.context - self.spec.max_new_tokens
        return fitted(rendering, self.encoder.prompt, room, self.weights.name)

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
            peak = max(peak, batch.peak_memory_mb or 0.0)
            done(len(outputs), "")
        return Generation(tuple(outputs[row] for row in range(len(prompts))), seconds, peak)

    def surprisals(self, ids: Sequence[int], *, tuned: bool = False) -> list[float]:
        """The bits of each token but the first, −log2 p given all before it, base or tuned."""
        row = torch.tensor([list(ids)], device=self.device)
        with torch.inference_mode(), self._adapter(tuned):
            logits = self.model(input_ids=row, use_cache=False).logits[0, :-1].float()
            nats = torch.nn.functional.cross_entropy(logits, row[0, 1:], reduction="none")
        return [nat / math.log(2) for nat in nats.tolist()]

    def start_id(self) -> int:
        """The token before a text that stands alone: the tokenizer's first, or else its end of a turn."""
        first = self.tokenizer.bos_token_id
        return int(first if first is not None else self.tokenizer.eos_token_id)

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
        reset_peak_memory(self.device)
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


def check_room(weights: Weights, spec: GenerationSpec, questions: Iterable[Question]) -> None:
    """Encodes questions without passages, before the model is loaded.

    Raises:
        PromptTooLong: one does not fit the model's context.
    """
    encoder = ChatEncoder(AutoTokenizer.from_pretrained(weights.path))
    room = int(AutoConfig.from_pretrained(weights.path).max_position_embeddings) - spec.max_new_tokens
    for question in questions:
        taken = len(encoder.prompt(chat(question.text, (), question.history)))
        if taken > room:
            raise too_long(question.text, taken, room, weights.name)
