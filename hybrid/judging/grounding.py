"""The judge that ships with the project: a small cross-encoder beside words and numbers."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from transformers import AutoModel, AutoTokenizer

from hybrid import models
from hybrid.errors import BadInput
from hybrid.judging.cross_encoder import CrossEncoder, EncodedPair, PairEncoder, batches
from hybrid.judging.features import features
from hybrid.judging.judge import Judgement, Pair
from hybrid.records import Verdict

SHIPPED = Path(__file__).parent.parent / "weights" / "grounding"
CARD, ADAPTER, HEADS = "judge.json", "adapter_model.safetensors", "heads.safetensors"
BATCH_PIECES = 6000
MOST_KNOWN = 50_000
"""Inputs that are remembered while a run is judged, about 500 bytes each."""
SCHEMA_VERSION = 1
"""Of a card. Raised also with any change of windows or features, so that the digest changes with verdicts."""


@dataclass(frozen=True, slots=True)
class Combination:
    """A logistic regression over signals.

    Attributes:
        mean: of each signal, shape [signals].
        scale: of each signal, shape [signals].
        weights: of each standardised signal, shape [signals].
        bias: the logit where all signals are at their mean.
    """

    mean: NDArray[np.float64]
    scale: NDArray[np.float64]
    weights: NDArray[np.float64]
    bias: float

    def probability(self, signals: NDArray[np.float64]) -> NDArray[np.float64]:
        """How probable support is, shape [pairs], from signals of shape [pairs, signals]."""
        logits = ((signals - self.mean) / self.scale) @ self.weights + self.bias
        return 1 / (1 + np.exp(-logits))


def load_encoder(base: str) -> tuple[CrossEncoder, PairEncoder, models.Weights]:
    """An untrained cross-encoder on a base model, with its tokenizer."""
    weights = models.locate(base)
    encoder = AutoModel.from_pretrained(
        weights.path,
        add_pooling_layer=False,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        use_safetensors=True,
        dtype=torch.float32,
    )
    tokenizer = AutoTokenizer.from_pretrained(weights.path)
    return CrossEncoder(encoder, encoder.config.hidden_size), PairEncoder(tokenizer), weights


def put_on(model: CrossEncoder, folder: Path) -> None:
    """Puts what was learned on an untrained cross-encoder: the adapter into its layers, and the heads."""
    from peft import PeftModel

    model.encoder = PeftModel.from_pretrained(model.encoder, str(folder)).merge_and_unload()
    heads = {name: tensor.float() for name, tensor in load_file(folder / HEADS).items()}
    model.whole.load_state_dict({part: heads[f"whole.{part}"] for part in ("weight", "bias")})
    model.word.load_state_dict({part: heads[f"word.{part}"] for part in ("weight", "bias")})


class GroundingJudge:
    """Supports a claim by a cross-encoder's reading, combined with what words and numbers tell.

    Args:
        folder: weights and card as ``hybrid judge train`` leaves them; default: the shipped ones.

    Raises:
        BadInput: the folder holds no judge, or one that was trained on other base weights.
    """

    def __init__(self, folder: Path = SHIPPED) -> None:
        card = _card(folder)
        base = models.locate(card["base"]["name"])
        if base.digest != card["base"]["digest"]:
            raise BadInput(str(folder), f"was trained on other weights of {base.name} than those here.")
        self._folder, self._base = folder, base.name
        fitted = card["combination"]
        arrays = {name: np.asarray(fitted[name], dtype=float) for name in ("mean", "scale", "weights")}
        self._combination = Combination(**arrays, bias=fitted["bias"])
        self.threshold = float(card["threshold"])
        self.name = card["name"]
        self.validated = bool(card["validated"])
        self.languages = frozenset(card["languages"])
        self.digest = _digest(folder)
        self._known: Readings = {}

    @cached_property
    def _loaded(self) -> tuple[CrossEncoder, PairEncoder]:
        """Loaded at the first claim: verdicts that are kept need no weights."""
        model, encoder, _ = load_encoder(self._base)
        put_on(model, self._folder)
        return model.eval(), encoder

    def verdicts(self, pairs: Sequence[Pair]) -> list[Judgement]:
        """One judgement for each pair of claim and evidence, in their order."""
        if len(self._known) > MOST_KNOWN:
            self._known.clear()
        scores = self._combination.probability(signals(*self._loaded, pairs, self._known))
        return [
            Judgement(
                Verdict.SUPPORTED if score >= self.threshold else Verdict.UNVERIFIABLE, round(float(score), 4)
            )
            for score in scores
        ]


@dataclass(frozen=True, slots=True)
class Reading:
    """What is made of a claim beside one window: a logit, and one for each piece of the claim."""

    whole: float
    words: NDArray[np.float32]


Readings = dict[tuple[int, ...], Reading]


def signals(
    model: CrossEncoder, encoder: PairEncoder, pairs: Sequence[Pair], known: Readings | None = None
) -> NDArray[np.float64]:
    """What the combination reads, shape [pairs, 5]: three signals of the model, two features.

    Args:
        model: in evaluation mode.
        encoder: of its texts.
        pairs: of claim and evidence.
        known: inputs that were read before, and receives those that are read now: the same passage stands in
            the evidence of many pairs.
    """
    encoded = [encoder.encode(claim, evidence) for claim, evidence in pairs]
    known = {} if known is None else known
    _read(model, encoder.pad, encoded, known)
    rows = [
        (*_summed([known[ids] for ids in pair.inputs]), *features(*texts))
        for pair, texts in zip(encoded, pairs, strict=True)
    ]
    return np.array(rows, dtype=float)


def _read(model: CrossEncoder, pad: int, pairs: Sequence[EncodedPair], known: Readings) -> None:
    """Reads each input once that is not known yet."""
    claims = {ids: pair.claim for pair in pairs for ids in pair.inputs if ids not in known}
    singles = [EncodedPair((ids,), claim) for ids, claim in claims.items()]
    order = sorted(range(len(singles)), key=lambda row: singles[row].size)
    with torch.inference_mode():
        for batch in batches(singles, order, BATCH_PIECES):
            read = [singles[row] for row in batch]
            scores = model(read, pad)
            for place, pair in enumerate(read):
                words = scores.words[place, : pair.claim].numpy().copy()
                known[pair.inputs[0]] = Reading(float(scores.window[place]), words)


def _summed(windows: Sequence[Reading]) -> tuple[float, float, float]:
    """Logits of the best window and of the least word, and the mean chance of a word."""
    words = np.max([window.words for window in windows], axis=0)
    whole = max(window.whole for window in windows)
    if not len(words):
        return whole, 0.0, 1.0
    return whole, -float(np.logaddexp.reduce(-words)), float(np.mean(1 / (1 + np.exp(-words))))


def _card(folder: Path) -> dict[str, Any]:
    path = folder / CARD
    missing = [name for name in (CARD, ADAPTER, HEADS) if not (folder / name).is_file()]
    if missing:
        raise BadInput(str(folder), f"holds no judge: {', '.join(missing)} not found.")
    card: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    if card.get("schema_version") != SCHEMA_VERSION:
        raise BadInput(str(path), f"schema_version {card.get('schema_version')}, expected {SCHEMA_VERSION}.")
    return card


def _digest(folder: Path) -> str:
    digest = hashlib.sha256()
    for name in (CARD, ADAPTER, HEADS):
        digest.update((folder / name).read_bytes())
    return digest.hexdigest()
