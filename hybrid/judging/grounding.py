"""The judge that ships with the project: a small cross-encoder beside words, numbers and names."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from transformers import AutoModel, AutoTokenizer

from hybrid import models
from hybrid.errors import BadInput
from hybrid.judging.cross_encoder import CrossEncoder, EncodedPair, PairEncoder, Scores, batches
from hybrid.judging.features import features
from hybrid.judging.judge import Judgement, Pair
from hybrid.records import Verdict

SHIPPED = Path(__file__).parent.parent / "weights" / "grounding"
CARD, ADAPTER, HEADS = "judge.json", "adapter_model.safetensors", "heads.safetensors"
BATCH_PIECES = 6000
SCHEMA_VERSION = 1


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
    """Supports a claim by a cross-encoder's reading, combined with what words, numbers and names tell.

    Args:
        folder: weights and card as ``hybrid judge train`` leaves them; default: the shipped ones.

    Raises:
        BadInput: the folder holds no judge, or one that was trained on other base weights.
    """

    def __init__(self, folder: Path = SHIPPED) -> None:
        card = _card(folder)
        self._model, self._encoder, base = load_encoder(card["base"]["name"])
        if base.digest != card["base"]["digest"]:
            raise BadInput(str(folder), f"was trained on other weights of {base.name} than those here.")
        put_on(self._model, folder)
        self._model.eval()
        fitted = card["combination"]
        arrays = {name: np.asarray(fitted[name], dtype=float) for name in ("mean", "scale", "weights")}
        self._combination = Combination(**arrays, bias=fitted["bias"])
        self.threshold = float(card["threshold"])
        self.name = card["name"]
        self.validated = bool(card["validated"])
        self.languages = frozenset(card["languages"])
        self.digest = _digest(folder)

    def verdicts(self, pairs: Sequence[Pair]) -> list[Judgement]:
        """One judgement for each pair of claim and evidence, in their order."""
        scores = self._combination.probability(signals(self._model, self._encoder, pairs))
        return [
            Judgement(
                Verdict.SUPPORTED if score >= self.threshold else Verdict.UNVERIFIABLE, round(float(score), 4)
            )
            for score in scores
        ]


def signals(model: CrossEncoder, encoder: PairEncoder, pairs: Sequence[Pair]) -> NDArray[np.float64]:
    """What the combination reads, shape [pairs, signals]."""
    encoded = [encoder.encode(claim, evidence) for claim, evidence in pairs]
    order = sorted(range(len(pairs)), key=lambda row: max(map(len, encoded[row].inputs)))
    found: dict[int, tuple[float, ...]] = {}
    with torch.inference_mode():
        for batch in batches(encoded, order, BATCH_PIECES):
            scores = model([encoded[row] for row in batch], encoder.pad)
            found.update(zip(batch, _read(scores, [encoded[row] for row in batch]), strict=True))
    return np.array([_crossed(found[row], features(*pair)) for row, pair in enumerate(pairs)], dtype=float)


def _read(scores: Scores, pairs: Sequence[EncodedPair]) -> list[tuple[float, ...]]:
    """Of each pair: logits as a whole and of the least word, mean and least chance of a word, windows."""
    chance = torch.sigmoid(scores.words)
    held = scores.mask.float()
    mean = (chance * held).sum(1) / held.sum(1).clamp(min=1)
    least = chance.masked_fill(~scores.mask, 1.0).amin(1)
    columns = (scores.whole, scores.least, mean, least)
    rows = zip(*(column.tolist() for column in columns), strict=True)
    return [(*row, float(np.log(len(pair.inputs)))) for row, pair in zip(rows, pairs, strict=True)]


def _crossed(read: Sequence[float], seen: Sequence[float]) -> tuple[float, ...]:
    """All signals, and each once more weighed by the number of windows: long evidence is read less well."""
    *model, long = read
    return (*model, long, *seen, *(long * each for each in (*model, *seen)))


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
