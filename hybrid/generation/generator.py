"""One loaded model: the base with its adapter on or off, or the base and its tuned weights by turns."""

import math
import time
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Any, Literal, Protocol

import torch
from transformers import AutoConfig, AutoTokenizer, GenerationConfig

from hybrid.adapters import Adapter, check_fit
from hybrid.generation.answers import AnswerStore, Generated, GeneratedBatch, batch_key
from hybrid.generation.batching import plan_batches
from hybrid.generation.device import load_model, peak_memory_mb, pick_device, reset_peak_memory
from hybrid.generation.encode import ChatEncoder
from hybrid.generation.ensemble import Mixture, ensemble_prompt
from hybrid.generation.fitting import Prompt, Rendering, fitted, too_long
from hybrid.generation.prompt import Example, chat
from hybrid.models import Weights, locate
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
        *,
        scores: Sequence[float] = (),
    ) -> Prompt:
        """A request that fits the model's context; an ensemble weighs passages by the retriever's scores."""

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
    """A causal language model that answers prompts greedily, as it comes or tuned.

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
        self.model: Any
        self._loaded: Weights | None = None
        self._load(weights, model)
        self._whole: Weights | None = None
        self.adapter_digest = ""
        self.parity: Parity = "ids"
        self.context = int(self.model.config.max_position_embeddings)

    def put_on(self, adapter: Adapter) -> None:
        """Puts an adapter on the base; ``generate(tuned=True)`` uses it, ``tuned=False`` never does.

        An adapter that was put on before is taken off.
        Whole weights take the place of the base when they are needed, and the other way round: each change
        loads a model, and only one is in memory.

        Raises:
            ModelMismatch: the adapter was made for another architecture.
        """
        from peft import PeftModel

        check_fit(adapter, self.weights)
        if isinstance(self.model, PeftModel):
            self.model = self.model.unload()
        self._whole = locate(str(adapter.path)) if adapter.whole else None
        if not adapter.whole:
            self._load(self.weights)
            self.model = PeftModel.from_pretrained(self.model, str(adapter.path)).eval()
        self.adapter_digest = adapter.digest

    def prompt(
        self,
        question: str,
        passages: Sequence[Passage],
        history: Sequence[Turn] = (),
        examples: Sequence[Example] = (),
        *,
        scores: Sequence[float] = (),
    ) -> Prompt:
        """Encodes a request; first the farthest examples, then the weakest passages go until it fits.

        Args:
            question: that is asked.
            passages: strongest first.
            history: earlier turns, oldest first.
            examples: nearest last.
            scores: of the passages, by the retriever, for an ensemble; empty: all weigh the same.

        Raises:
            PromptTooLong: the question does not fit even alone.
        """
        rendering = Rendering(question, passages, history, examples, self.style)
        if self.spec.mode == "ensemble":
            return ensemble_prompt(rendering, scores, self.spec.ensemble_temperature, self._fitted)
        return self._fitted(rendering)

    def _fitted(self, rendering: Rendering) -> Prompt:
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
        lengths = [max(len(row.ids) for row in prompt.rows) + self.spec.max_new_tokens for prompt in prompts]
        widths = [len(prompt.rows) for prompt in prompts]
        outputs: dict[int, Generated] = {}
        seconds = peak = 0.0
        for batched in plan_batches(lengths, budget=self.spec.batch_tokens, seed=seed, widths=widths):
            batch = self._stored_batch([prompts[i] for i in batched], tuned, store)
            outputs.update(zip(batched, batch.outputs, strict=True))
            seconds += batch.seconds
            peak = max(peak, batch.peak_memory_mb or 0.0)
            done(len(outputs), "")
        return Generation(tuple(outputs[i] for i in range(len(prompts))), seconds, peak)

    def sampled(self, openings: Sequence[str], *, tokens: int, seed: int, store: AnswerStore) -> list[str]:
        """What the base writes after each opening, drawn from its own distribution.

        Args:
            openings: of plain texts, in one batch.
            tokens: the most to write after each.
            seed: gives the same texts again on the same machine.
            store: where batches are kept and found again.
        """
        rows = [(self.encoder.start_id, *self.encoder.text(opening)) for opening in openings]
        key = batch_key(f"{self.setup(tuned=False)}|sampled {tokens} {seed}", rows)
        batch = store.kept(key, lambda: self._sampled_batch(rows, tokens, seed))
        return [output.text for output in batch.outputs]

    def _sampled_batch(self, rows: Sequence[tuple[int, ...]], tokens: int, seed: int) -> GeneratedBatch:
        decoding = self._decoding()
        decoding.update(do_sample=True, top_k=0, max_new_tokens=tokens)
        with torch.random.fork_rng(devices=[self.device] if self.device.type == "cuda" else []):
            torch.manual_seed(seed)
            started = time.perf_counter()
            written = self._written(rows, self._arm(tuned=False), decoding=decoding)
        return GeneratedBatch(tuple(map(self._read, written)), time.perf_counter() - started, None)

    def surprisals(self, ids: Sequence[int], *, tuned: bool = False) -> list[float]:
        """The bits of each token but the first, −log2 p given all before it, base or tuned."""
        row = torch.tensor([list(ids)], device=self.device)
        with self._arm(tuned), torch.inference_mode():
            logits = self.model(input_ids=row, use_cache=False).logits[0, :-1].float()
            nats = torch.nn.functional.cross_entropy(logits, row[0, 1:], reduction="none")
        return [nat / math.log(2) for nat in nats.tolist()]

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
        if self.spec.quantization != "none":
            parts.append(self.spec.quantization)
        if self.spec.attention != "sdpa":
            parts.append(self.spec.attention)
        return "|".join(parts)

    def _stored_batch(
        self, prompts: Sequence[Prompt], tuned: bool, store: AnswerStore | None
    ) -> GeneratedBatch:
        if store is None:
            return self._generate_batch(prompts, tuned)
        key = batch_key(self.setup(tuned), [prompt.content for prompt in prompts])
        return store.kept(key, lambda: self._generate_batch(prompts, tuned))

    def _generate_batch(self, prompts: Sequence[Prompt], tuned: bool) -> GeneratedBatch:
        arm = self._arm(tuned)
        reset_peak_memory(self.device)
        started = time.perf_counter()
        groups = [prompt.rows for prompt in prompts]
        mixing = any(prompt.alone for prompt in prompts)
        mixture = Mixture(groups, self.stop_ids(), self.device) if mixing else None
        written = self._written([row.ids for group in groups for row in group], arm, mixture)
        # All rows of a group have written the same; its first one stands for it.
        firsts = accumulate(map(len, groups[:-1]), initial=0)
        leaders = mixture.leaders() if mixture else [None] * len(groups)
        outputs = tuple(
            replace(self._read(written[first]), leader=leader)
            for first, leader in zip(firsts, leaders, strict=True)
        )
        return GeneratedBatch(outputs, time.perf_counter() - started, peak_memory_mb(self.device))

    def _written(
        self,
        rows: Sequence[tuple[int, ...]],
        arm: AbstractContextManager[Any],
        mixture: Mixture | None = None,
        decoding: GenerationConfig | None = None,
    ) -> list[list[int]]:
        """The ids that follow each row, decoded greedily unless told otherwise; early ends are padded."""
        width = max(map(len, rows))
        pad = self._pad_id()
        ids = torch.tensor([[pad] * (width - len(row)) + list(row) for row in rows], device=self.device)
        mask = torch.tensor([[0] * (width - len(row)) + [1] * len(row) for row in rows], device=self.device)
        with arm, torch.inference_mode():
            whole = self.model.generate(
                input_ids=ids,
                attention_mask=mask,
                generation_config=decoding or self._decoding(),
                logits_processor=[mixture] if mixture else [],
            )
        written: list[list[int]] = whole[:, width:].tolist()
        return written

    def _load(self, weights: Weights, loaded: Any = None) -> None:
        """Loads weights in the place of those that are loaded, if they are others."""
        if weights == self._loaded:
            return
        # First away with the one: the two need not fit side by side.
        self.model = None
        self.model = load_model(weights, self.spec, self.device) if loaded is None else loaded
        # What a call leaves open, such as a repetition penalty, generate() takes from the model's own file.
        ends = self.model.generation_config.eos_token_id
        self.model.generation_config = GenerationConfig(eos_token_id=ends)
        self._loaded = weights

    def _arm(self, tuned: bool) -> AbstractContextManager[Any]:
        """Sees to it that the model is the base, or the tuned one."""
        if self._whole is not None:
            self._load(self._whole if tuned else self.weights)
            return nullcontext()
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
