"""How well a judge agrees with people: on labelled pairs, beside plain word overlap."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from hybrid.judging.judge import Judge, Judgement, judge_all
from hybrid.judging.overlap import content_words
from hybrid.judging.pairs import LabelledPair
from hybrid.progress import SILENT, Progress

BINS = 10

Numbers = NDArray[np.float64]
Labels = NDArray[np.bool_]


def validate(judge: Judge, pairs: Sequence[LabelledPair], *, progress: Progress = SILENT) -> dict[str, Any]:
    """The figures of a judge on labelled pairs.

    Pairs without a known label, and those on which the judge failed, are counted and left out.

    Returns:
        ``auc``, ``balanced_accuracy`` of its own verdicts, ``best_threshold_balanced_accuracy``,
        ``threshold`` (of its score, if it has one), ``calibration_error``, ``n``, ``n_supported``,
        ``n_failed``, ``overlap_auc`` and ``overlap_balanced_accuracy`` (share of the claim's content words
        that the evidence holds, at its own best threshold), ``auc_difference`` to that with a 95 % interval,
        ``judge``, ``judge_digest``. A figure that cannot be told is None.
    """
    judgements = judge_all(judge, [(pair.claim, pair.text) for pair in pairs], progress=progress)
    judged = [(pair, judgements[pair.claim, pair.text]) for pair in pairs]
    kept = [(pair, said) for pair, said in judged if pair.supported is not None and not said.failed]
    label = np.array([bool(pair.supported) for pair, _ in kept], dtype=bool)
    score = np.array([_score(said) for _, said in kept], dtype=float)
    verdict = np.array([said.supported for _, said in kept], dtype=bool)
    plain = np.array([_words_found(pair) for pair, _ in kept], dtype=float)
    figures: dict[str, Any] = {
        "n": len(kept),
        "n_supported": int(label.sum()),
        "n_failed": len(pairs) - len(kept),
        "judge": judge.name,
        "judge_digest": judge.digest,
        "threshold": getattr(judge, "threshold", None),
    }
    both = 0 < label.sum() < len(label)
    return figures | (_compared(label, score, verdict, plain) if both else dict.fromkeys(_COMPARED))


def told(found: Mapping[str, Any]) -> list[str]:
    """The figures of :func:`validate` in words."""
    lines = [
        f"judge: {found['judge']} ({found['judge_digest'][:12]})",
        f"pairs: {found['n']}, {found['n_supported']} of them supported, {found['n_failed']} without a verdict",
    ]
    if found["auc"] is None:
        return [*lines, "Nothing to compare: both labels are needed."]
    gain = found["auc_difference"]
    ends = "" if gain["low"] is None else f" [{gain['low']:+.3f}, {gain['high']:+.3f}]"
    return [
        *lines,
        f"AUC: {found['auc']:.3f}; word overlap {found['overlap_auc']:.3f}; "
        f"difference {gain['mean']:+.3f}{ends}",
        f"balanced accuracy: {found['balanced_accuracy']:.3f} by its verdicts, "
        f"{found['best_threshold_balanced_accuracy']:.3f} at the best threshold for these pairs, "
        f"word overlap {found['overlap_balanced_accuracy']:.3f} at its best",
        f"calibration error: {found['calibration_error']:.3f}",
    ]


_COMPARED = (
    "auc",
    "balanced_accuracy",
    "best_threshold_balanced_accuracy",
    "calibration_error",
    "overlap_auc",
    "overlap_balanced_accuracy",
    "auc_difference",
)


def _compared(label: Labels, score: Numbers, verdict: Labels, plain: Numbers) -> dict[str, Any]:
    best = best_threshold(score, label)
    overlap = best_threshold(plain, label)
    return {
        "auc": auc(score, label),
        "balanced_accuracy": balanced_accuracy(verdict, label),
        "best_threshold_balanced_accuracy": balanced_accuracy(score >= best, label),
        "calibration_error": calibration_error(score, label),
        "overlap_auc": auc(plain, label),
        "overlap_balanced_accuracy": balanced_accuracy(plain >= overlap, label),
        "auc_difference": auc_difference(score, plain, label),
    }


def _score(judgement: Judgement) -> float:
    return float(judgement.supported) if judgement.score is None else judgement.score


def _words_found(pair: LabelledPair) -> float:
    words, held = set(content_words(pair.claim)), set(content_words(pair.text))
    return len(words & held) / len(words) if words else 0.0


def auc(score: Numbers, label: Labels) -> float:
    """The chance that a supported pair scores higher than another; ties count half."""
    positive = int(label.sum())
    above = rankdata(score)[label].sum() - positive * (positive + 1) / 2
    return float(above / (positive * (len(label) - positive)))


def auc_difference(score: Numbers, other: Numbers, label: Labels) -> dict[str, float | None]:
    """AUC of one score less that of another on the same pairs, with a 95 % interval.

    The interval needs two pairs of each label.

    Source: DeLong, DeLong and Clarke-Pearson, Comparing the areas under two or more correlated receiver
    operating characteristic curves (Biometrics 44, 1988).
    """
    parts = [_placements(each, label) for each in (score, other)]
    positive = parts[0][0] - parts[1][0]
    negative = parts[0][1] - parts[1][1]
    mean = float(positive.mean())
    if min(len(positive), len(negative)) < 2:
        return {"mean": mean, "low": None, "high": None}
    variance = positive.var(ddof=1) / len(positive) + negative.var(ddof=1) / len(negative)
    half = 1.96 * float(np.sqrt(variance))
    return {"mean": mean, "low": mean - half, "high": mean + half}


def _placements(score: Numbers, label: Labels) -> tuple[Numbers, Numbers]:
    """Of each supported pair the share of others below it, of each other the supported ones above it."""
    inside = np.empty(len(score))
    for part in (label, ~label):
        inside[part] = rankdata(score[part])
    below = rankdata(score) - inside
    return below[label] / (~label).sum(), 1 - below[~label] / label.sum()


def balanced_accuracy(verdict: Labels, label: Labels) -> float:
    """Mean of the share of supported pairs that were found, and of the others that were not called so."""
    return float((verdict[label].mean() + (~verdict[~label]).mean()) / 2)


def best_threshold(score: Numbers, label: Labels, weight: Numbers | None = None) -> float:
    """The least score to call supported with which (weighed) balanced accuracy is highest."""
    weight = np.ones(len(score)) if weight is None else weight
    order = np.argsort(score)[::-1]
    ordered = score[order]
    positive = np.cumsum(np.where(label, weight, 0.0)[order]) / weight[label].sum()
    negative = np.cumsum(np.where(label, 0.0, weight)[order]) / weight[~label].sum()
    # Equal scores fall on the same side.
    last = np.append(ordered[1:] != ordered[:-1], True)
    gain = np.where(last, positive - negative, -np.inf)
    return float(ordered[int(np.argmax(gain))])


def calibration_error(score: Numbers, label: Labels) -> float:
    """Mean distance of score and share supported over ``BINS`` bins of equal count.

    Source: Naeini et al., Obtaining Well Calibrated Probabilities Using Bayesian Binning (AAAI 2015).
    """
    bins = np.array_split(np.argsort(score, kind="stable"), BINS)
    parts = [len(rows) * abs(score[rows].mean() - label[rows].mean()) for rows in bins if len(rows)]
    return float(sum(parts) / len(score))
