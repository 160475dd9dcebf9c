"""A judge learns from labelled pairs: the cross-encoder first, then its combination with what words tell."""

import hashlib
import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from scipy.optimize import minimize
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from hybrid.errors import BadInput
from hybrid.judging.cross_encoder import CrossEncoder, EncodedPair, PairEncoder, Scores, batches
from hybrid.judging.grounding import ADAPTER, CARD, HEADS, SCHEMA_VERSION, Combination, load_encoder, signals
from hybrid.judging.mixture import mixture
from hybrid.judging.pairs import LabelledPair, held_out, without
from hybrid.judging.validate import best_threshold
from hybrid.progress import SILENT, Done, Progress

WORD_WEIGHT = 0.5
"""Of the loss on words, where it is known which ones are not supported."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a judge learns.

    Attributes:
        base: the encoder.
        rank: of the adapter in all linear layers.
        learning_rate: of the adapter; rises over the first twentieth, then falls to 0.
        heads_rate: of the heads.
        batch_pieces: word pieces of one step.
        shares: of the rows made of a set that are learned, by its name; of the others all.
        calibration: share of the groups kept back to fit the combination and the threshold.
        penalty: on the squared weights of the combination; high, so that all signals keep a say: what a model
            learned from is friendlier to it than what it will judge.
        seed: of everything that is drawn.
    """

    base: str = "bundled:all-minilm-l6-v2"
    rank: int = 32
    learning_rate: float = 1e-3
    heads_rate: float = 1e-3
    batch_pieces: int = 2600
    shares: Mapping[str, float] = field(default_factory=dict)
    calibration: float = 0.08
    penalty: float = 10.0
    seed: int = 0


@dataclass(frozen=True, slots=True)
class _Row:
    """An encoded pair: its label, and for each piece of its claim whether it is supported (-1: unknown)."""

    pair: EncodedPair
    supported: bool
    words: tuple[int, ...]


def train_judge(
    pairs: Sequence[LabelledPair],
    validation: Sequence[LabelledPair],
    folder: Path,
    *,
    recipe: Recipe = Recipe(),
    name: str = "grounding",
    progress: Progress = SILENT,
) -> dict[str, Any]:
    """Trains a judge and writes it into a folder: a PEFT adapter, two heads, and a card.

    Args:
        pairs: to learn from; their sources are weighed by their number.
        validation: pairs that must not be learned; every pair that shares a claim or evidence with them is
            dropped before training.
        folder: receives ``judge.json``, ``adapter_model.safetensors``, ``heads.safetensors``.
        recipe: how to learn.
        name: of the judge in reports.
        progress: shows what goes on.

    Returns:
        The card, as in ``judge.json``.

    Raises:
        BadInput: nothing is left to learn from, or a validation row is among what would be learned.
    """
    torch.manual_seed(recipe.seed)
    forbidden = held_out(validation)
    kept = without([pair for pair in pairs if pair.supported is not None], forbidden)
    progress.say(f"{len(pairs) - len(kept)} of {len(pairs)} pairs dropped: unlabelled, or in the validation.")
    # Once more: what was made of pairs can by chance be a row of the validation.
    learned, calibrating = (without(part, forbidden) for part in _divided(kept, recipe))
    for part in (learned, calibrating):
        _check(part, forbidden)
    model, encoder, weights = load_encoder(recipe.base)
    model.encoder = _with_adapter(model.encoder, recipe.rank)
    rows = [_encoded(pair, encoder) for pair in learned]
    with progress.track("Learning to judge", sum(row.pair.size for row in rows)) as done:
        losses = _learn(model, encoder, rows, recipe, done)
    model.eval()
    _save_weights(model, folder, recipe.base)
    progress.say(f"Combining on {len(calibrating)} pairs …")
    combination, threshold = _combine(model, encoder, calibrating, recipe.penalty)
    card = {
        "schema_version": SCHEMA_VERSION,
        "name": name,
        "base": {"name": weights.name, "digest": weights.digest},
        "languages": ["en"],
        "validated": bool(validation),
        "threshold": threshold,
        "combination": {
            "mean": combination.mean.tolist(),
            "scale": combination.scale.tolist(),
            "weights": combination.weights.tolist(),
            "bias": combination.bias,
        },
        "recipe": asdict(recipe),
        "pairs": {"given": len(pairs), "kept": len(kept), "learned": len(rows), "combined": len(calibrating)},
        "sources": _sources(kept),
        "validation": _digest(validation),
        "loss": {"first": float(np.mean(losses[:50])), "last": float(np.mean(losses[-50:]))},
    }
    (folder / CARD).write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
    return card


def _divided(pairs: Sequence[LabelledPair], recipe: Recipe) -> tuple[list[LabelledPair], list[LabelledPair]]:
    """What is learned and what calibrates, by groups; each set brings its own mixture."""
    learned: list[LabelledPair] = []
    calibrating: list[LabelledPair] = []
    for source in sorted({pair.source for pair in pairs}):
        of_source = [pair for pair in pairs if pair.source == source]
        groups = sorted({pair.group for pair in of_source})
        back = set(random.Random(recipe.seed).sample(groups, round(recipe.calibration * len(groups))))
        made = mixture([pair for pair in of_source if pair.group not in back], recipe.seed)
        learned += made[: round(recipe.shares.get(source, 1.0) * len(made))]
        calibrating += mixture([pair for pair in of_source if pair.group in back], recipe.seed)
    random.Random(recipe.seed).shuffle(learned)
    return learned, calibrating


def _check(pairs: Sequence[LabelledPair], forbidden: frozenset[str]) -> None:
    if not pairs:
        raise BadInput("the pairs to learn from", "too few are left to learn from and to calibrate with.")
    left = len(pairs) - len(without(pairs, forbidden))
    if left:
        raise BadInput("the pairs to learn from", f"{left} of them hold text of the validation.")


def _with_adapter(encoder: Any, rank: int) -> Any:
    from peft import LoraConfig, get_peft_model

    targets = ["query", "key", "value", "dense"]
    return get_peft_model(encoder, LoraConfig(r=rank, lora_alpha=2 * rank, target_modules=targets))


def _encoded(pair: LabelledPair, encoder: PairEncoder) -> _Row:
    encoded = encoder.encode(pair.claim, pair.text)
    if pair.supported or not pair.wrong:
        words = (1 if pair.supported else -1,) * encoded.claim
    else:
        words = tuple(int(not _touches(span, pair.wrong)) for span in encoder.pieces(pair.claim))
    return _Row(encoded, bool(pair.supported), words)


def _touches(span: tuple[int, int], wrong: Sequence[tuple[int, int]]) -> bool:
    return any(start < span[1] and span[0] < end for start, end in wrong)


def _learn(
    model: CrossEncoder, encoder: PairEncoder, rows: Sequence[_Row], recipe: Recipe, done: Done
) -> list[float]:
    """One pass in batches of pairs of like length; gives the loss of each step."""
    rng = random.Random(recipe.seed)
    pairs = [row.pair for row in rows]
    lengths = [max(map(len, pair.inputs)) + 8 * rng.random() for pair in pairs]
    steps = list(batches(pairs, sorted(range(len(rows)), key=lengths.__getitem__), recipe.batch_pieces))
    rng.shuffle(steps)
    heads = [*model.whole.parameters(), *model.word.parameters()]
    adapter = [each for each in model.encoder.parameters() if each.requires_grad]
    optimizer = torch.optim.AdamW(
        [{"params": adapter, "lr": recipe.learning_rate}, {"params": heads, "lr": recipe.heads_rate}],
        weight_decay=0.01,
    )
    rise = max(1, len(steps) // 20)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 1) / rise, (len(steps) - step) / (len(steps) - rise + 1))
    )
    losses, read = [], 0
    for step in steps:
        batch = [rows[row] for row in step]
        loss = _loss(model([row.pair for row in batch], encoder.pad), batch)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_([*adapter, *heads], 1.0)
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
        read += sum(row.pair.size for row in batch)
        done(read, f"loss {np.mean(losses[-50:]):.3f}")
    return losses


def _loss(scores: Scores, rows: Sequence[_Row]) -> Tensor:
    """Of the claim as a whole, of its least supported word, and of each word where that is known."""
    label = torch.tensor([float(row.supported) for row in rows])
    loss = binary_cross_entropy_with_logits(scores.whole, label)
    loss = loss + binary_cross_entropy_with_logits(scores.least, label)
    width = scores.words.shape[1]
    words = torch.tensor([[*row.words, *(-1,) * (width - len(row.words))] for row in rows])
    known = words >= 0
    if known.any():
        by_word = binary_cross_entropy_with_logits(scores.words[known], words[known].float())
        loss = loss + WORD_WEIGHT * by_word
    return loss


def _combine(
    model: CrossEncoder, encoder: PairEncoder, pairs: Sequence[LabelledPair], penalty: float
) -> tuple[Combination, float]:
    """The combination fitted on pairs that were not learned, every set and label weighing the same."""
    found = signals(model, encoder, [(pair.claim, pair.text) for pair in pairs])
    label = np.array([bool(pair.supported) for pair in pairs])
    weight = _balance(pairs)
    combination = scaled(fit(found, label, weight, penalty), found, label, weight)
    return combination, best_threshold(combination.probability(found), label, weight)


def _balance(pairs: Sequence[LabelledPair]) -> NDArray[np.float64]:
    """A weight for each pair with which each set, and in it each label, weighs the same."""
    cells = [(pair.source, pair.supported) for pair in pairs]
    return np.array([len(pairs) / len(set(cells)) / cells.count(cell) for cell in cells])


def fit(
    found: NDArray[np.float64], label: NDArray[np.bool_], weight: NDArray[np.float64], penalty: float
) -> Combination:
    """Logistic regression of labels on standardised signals, with a penalty on squared weights.

    Args:
        found: signals, shape [pairs, signals].
        label: shape [pairs].
        weight: of each pair, mean 1, shape [pairs].
        penalty: on the sum of squared weights, beside the mean loss.
    """
    mean, scale = found.mean(0), found.std(0)
    scale = np.where(scale > 1e-6, scale, 1.0)
    standard = (found - mean) / scale
    sign = np.where(label, 1.0, -1.0)

    def loss(parameters: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        margin = sign * (standard @ parameters[1:] + parameters[0])
        slope = -weight * sign / (1 + np.exp(margin)) / len(sign)
        value = float(np.mean(weight * np.logaddexp(0, -margin)) + penalty * np.sum(parameters[1:] ** 2))
        gradient = np.concatenate([[slope.sum()], standard.T @ slope + 2 * penalty * parameters[1:]])
        return value, gradient

    found_at = minimize(loss, np.zeros(found.shape[1] + 1), jac=True, method="L-BFGS-B").x
    return Combination(mean, scale, found_at[1:], float(found_at[0]))


def scaled(
    combination: Combination,
    found: NDArray[np.float64],
    label: NDArray[np.bool_],
    weight: NDArray[np.float64],
) -> Combination:
    """The combination with its logits brought to the scale of chances, which a penalty makes too small.

    Source: Platt, Probabilistic Outputs for Support Vector Machines (1999).
    """
    logits = ((found - combination.mean) / combination.scale) @ combination.weights + combination.bias
    line = fit(logits[:, None], label, weight, 0.0)
    slope = float(line.weights[0] / line.scale[0])
    bias = slope * (combination.bias - float(line.mean[0])) + line.bias
    return replace(combination, weights=combination.weights * slope, bias=bias)


def _sources(pairs: Sequence[LabelledPair]) -> dict[str, int]:
    names = [pair.source for pair in pairs]
    return {name: names.count(name) for name in sorted(set(names))}


def _digest(pairs: Sequence[LabelledPair]) -> str:
    return hashlib.sha256(json.dumps([asdict(pair) for pair in pairs]).encode()).hexdigest()


def _save_weights(model: CrossEncoder, folder: Path, base: str) -> None:
    """The adapter in half precision, and the heads."""
    folder.mkdir(parents=True, exist_ok=True)
    # Where the base lay on this machine is nobody's business; the card names it.
    model.encoder.peft_config["default"].base_model_name_or_path = base
    model.encoder.save_pretrained(str(folder))
    tensors = load_file(folder / ADAPTER)
    save_file({name: tensor.half() for name, tensor in tensors.items()}, folder / ADAPTER)
    heads = {
        f"{head}.{part}": tensor.detach().contiguous()
        for head in ("whole", "word")
        for part, tensor in getattr(model, head).state_dict().items()
    }
    save_file(heads, folder / HEADS)
