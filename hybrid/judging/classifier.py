"""A sequence classifier as judge: one of natural language inference, or one that scores consistency."""

import hashlib
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import torch
from safetensors import SafetensorError
from transformers import AutoConfig, AutoModelForSequenceClassification, AutoTokenizer

from hybrid.errors import JudgeUnusable
from hybrid.generation.batching import plan_batches
from hybrid.generation.device import pick_device
from hybrid.generation.encode import plain_tokenizer
from hybrid.judging.judge import Judgement, Pair
from hybrid.judging.labels import THRESHOLD, judgement, probabilities, read_labels
from hybrid.judging.windows import windows
from hybrid.models import Weights, file_digest
from hybrid.records import Verdict

#: Padded tokens of one batch.
BATCH_TOKENS = 8192
#: Tokens that a claim has to leave free for evidence.
LEAST_ROOM = 16
#: Taken as the context where neither tokenizer nor model says.
CONTEXT = 512


class ClassifierJudge:
    """Judges by a classifier that reads evidence and claim together.

    What its labels mean is told by their names, see :func:`hybrid.judging.labels.read_labels`. Evidence
    longer than the context is read in windows. The weights are loaded at the first claim, in float32, so
    that a GPU and a CPU say the same.

    Args:
        weights: of a sequence classifier in safetensors that needs no code of its own.

    Raises:
        JudgeUnusable: the model is no such classifier.
    """

    def __init__(self, weights: Weights) -> None:
        self._weights = weights
        self._config = _config(weights)
        told = [str(self._config.id2label[i]) for i in range(self._config.num_labels)]
        self._labels = read_labels(told, weights.name)
        self._tokenizer: Any = AutoTokenizer.from_pretrained(weights.path)
        if not getattr(self._tokenizer, "is_fast", False):
            raise JudgeUnusable(f"{weights.name} has no tokenizer.json; only fast tokenizers are supported.")

    @property
    def name(self) -> str:
        """How reports call it."""
        return f"classifier:{self._weights.name}"

    @cached_property
    def digest(self) -> str:
        """SHA-256 of what the verdicts depend on."""
        tokenizer = self._weights.path / "tokenizer.json"
        read_by = file_digest(tokenizer) if tokenizer.is_file() else ""
        rules = (self._weights.digest, read_by, self._labels, self._context, THRESHOLD)
        return hashlib.sha256(repr(rules).encode()).hexdigest()

    @property
    def validated(self) -> bool:
        """Its agreement with people was not measured here."""
        return False

    @property
    def languages(self) -> frozenset[str]:
        """None are named: a model's files do not say."""
        return frozenset()

    def verdicts(self, pairs: Sequence[Pair]) -> list[Judgement]:
        """One judgement for each pair of claim and evidence, in their order."""
        claims = [self._encoded(claim, evidence) for claim, evidence in pairs]
        found = iter(self._probabilities([window for read in claims for window in read]))
        too_long = Judgement(None, None, f"the claim does not fit the context of {self._context} tokens")
        return [judgement([next(found) for _ in read]) if read else too_long for read in claims]

    @cached_property
    def _plain(self) -> Any:
        return plain_tokenizer(self._tokenizer)

    @cached_property
    def _pairing(self) -> Any:
        """The tokenizer's own backend, which sets the control tokens between evidence and claim."""
        from tokenizers import Tokenizer

        backend = Tokenizer.from_str(self._tokenizer.backend_tokenizer.to_str())
        backend.no_truncation()
        backend.no_padding()
        return backend

    @cached_property
    def _context(self) -> int:
        """Tokens that the model can read at once; two less than its positions, as RoBERTa begins at 2."""
        positions = int(getattr(self._config, "max_position_embeddings", 0) or 0)
        said = (int(self._tokenizer.model_max_length), positions - 2)
        # A tokenizer that does not know says 10 to the power of 30.
        return min((tokens for tokens in said if 0 < tokens < 10**9), default=CONTEXT)

    @cached_property
    def _device(self) -> torch.device:
        return pick_device("auto")

    @cached_property
    def _model(self) -> Any:
        name = self._weights.name
        try:
            model, loaded = AutoModelForSequenceClassification.from_pretrained(
                self._weights.path, dtype=torch.float32, use_safetensors=True, output_loading_info=True
            )
        except (OSError, RuntimeError, ValueError, SafetensorError) as exc:
            reason = str(exc).strip().splitlines()[0]
            raise JudgeUnusable(f"{name} cannot be loaded as a classifier: {reason}") from exc
        if missing := sorted(loaded["missing_keys"]):
            # transformers would draw them at random, and only warn.
            raise JudgeUnusable(f"{name} was not trained as a classifier: {missing[0]} is not in its file.")
        return model.to(self._device).eval()

    def _encoded(self, claim: str, evidence: str) -> list[Any]:
        """The claim with each window of its evidence; none if it leaves no room for any."""
        hypothesis = self._plain.encode(claim, add_special_tokens=False)
        room = self._context - len(hypothesis.ids) - self._pairing.num_special_tokens_to_add(True)
        return [
            self._paired(window, hypothesis, room)
            for window in (windows(evidence, self._sizes, room) if room >= LEAST_ROOM else ())
        ]

    def _paired(self, window: str, hypothesis: Any, room: int) -> Any:
        premise = self._plain.encode(window, add_special_tokens=False)
        # Joined sentences can take a token more than they take apart.
        premise.truncate(room)
        return self._pairing.post_process(premise, hypothesis, True)

    def _sizes(self, texts: Sequence[str]) -> list[int]:
        return [len(self._plain.encode(text, add_special_tokens=False).ids) for text in texts]

    def _probabilities(self, rows: Sequence[Any]) -> list[dict[Verdict, float]]:
        found: dict[int, dict[Verdict, float]] = {}
        for batch in plan_batches([len(row.ids) for row in rows], budget=BATCH_TOKENS, seed=0):
            logits = self._logits([rows[number] for number in batch])
            found |= {
                number: probabilities(row, self._labels) for number, row in zip(batch, logits, strict=True)
            }
        return [found[number] for number in range(len(rows))]

    def _logits(self, rows: Sequence[Any]) -> list[list[float]]:
        width = max(len(row.ids) for row in rows)

        def padded(values: Sequence[Sequence[int]], fill: int) -> torch.Tensor:
            table = [[*row, *[fill] * (width - len(row))] for row in values]
            return torch.tensor(table, device=self._device)

        inputs = {
            "input_ids": padded([row.ids for row in rows], self._tokenizer.pad_token_id or 0),
            "attention_mask": padded([row.attention_mask for row in rows], 0),
        }
        if getattr(self._config, "type_vocab_size", 0) > 1:
            inputs["token_type_ids"] = padded([row.type_ids for row in rows], 0)
        with torch.inference_mode():
            logits: list[list[float]] = self._model(**inputs).logits.float().tolist()
        return logits


def _config(weights: Weights) -> Any:
    try:
        config = AutoConfig.from_pretrained(weights.path)
    except (ValueError, OSError) as exc:
        reason = "its architecture is not part of transformers, and code that a model brings is never run."
        raise JudgeUnusable(f"{weights.name} cannot be a judge: {reason}") from exc
    if not any(name.endswith("ForSequenceClassification") for name in config.architectures or ()):
        reason = f"{', '.join(config.architectures or ['its architecture'])} is no sequence classifier."
        raise JudgeUnusable(f"{weights.name} cannot be a judge: {reason}")
    return config
