"""What retrieving and tuning change: contrasts of the four cells, and of tuning with the best prompt."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from hybrid.evaluation.intervals import LEVEL, Column, Frame, Summary

CELLS = ("base", "base+rag", "tuned", "tuned+rag")

CONTRASTS: dict[str, dict[str, float]] = {
    "retrieval": {"base": -0.5, "base+rag": 0.5, "tuned": -0.5, "tuned+rag": 0.5},
    "tuning": {"base": -0.5, "base+rag": -0.5, "tuned": 0.5, "tuned+rag": 0.5},
    "interaction": {"base": 1.0, "base+rag": -1.0, "tuned": -1.0, "tuned+rag": 1.0},
    "retrieval_base": {"base": -1.0, "base+rag": 1.0},
    "retrieval_tuned": {"tuned": -1.0, "tuned+rag": 1.0},
    "tuning_alone": {"base": -1.0, "tuned": 1.0},
    "tuning_rag": {"base+rag": -1.0, "tuned+rag": 1.0},
}
"""The seven effects of the two-by-two: cell → coefficient. They are the family of the correction."""

FURTHER: dict[str, dict[str, float]] = {
    "together": {"base": -1.0, "tuned+rag": 1.0},
    "tuned_vs_few_shot": {"few-shot": -1.0, "tuned": 1.0},
    "tuned_rag_vs_few_shot": {"few-shot": -1.0, "tuned+rag": 1.0},
    "tuned_rag_vs_few_shot_rag": {"few-shot+rag": -1.0, "tuned+rag": 1.0},
}
"""What else is reported; only there if both columns are. Not part of the family."""

COMPARISONS: dict[str, dict[str, float]] = {
    "tuned_vs_retrieval": {"base+rag": -1.0, "tuned": 1.0},
    "tuned_vs_few_shot_rag": {"few-shot+rag": -1.0, "tuned": 1.0},
    "few_shot": {"base": -1.0, "few-shot": 1.0},
    "few_shot_rag": {"base+rag": -1.0, "few-shot+rag": 1.0},
    "retrieval_few_shot": {"few-shot": -1.0, "few-shot+rag": 1.0},
    "retrieval_vs_few_shot": {"few-shot": -1.0, "base+rag": 1.0},
    "retrieval_few_shot_vs_base": {"base": -1.0, "few-shot+rag": 1.0},
}
"""The other pairs of columns, which the choice between the options needs; like ``FURTHER``."""


def effects(
    cells: Mapping[str, Mapping[str, Column]],
    groups: Mapping[str, str],
    *,
    binary: Collection[str],
    metrics: Sequence[str],
    level: float = LEVEL,
) -> dict[str, dict[str, dict[str, Any]]]:
    """Effect → metric → figures, ready for JSON.

    Args:
        cells: cell or reference → metric → question id → value.
        groups: question id → cluster.
        binary: the metrics whose rows are 0 or 1; these also get log-odds.
        metrics: the metrics to report.
        level: of the plain intervals.

    Returns:
        For each of the seven effects and each metric, always: ``mean``, ``low``, ``high``, counts,
        ``status``, ``reason``, ``low_corrected`` and ``high_corrected`` (Bonferroni over the seven effects
        of a metric), ``log_odds`` (``mean``, ``low``, ``high``; or None). Of the further contrasts those
        that were measured.
    """
    further = FURTHER | COMPARISONS
    measured = {name: weights for name, weights in further.items() if all(cell in cells for cell in weights)}
    frames = {metric: Frame(_columns(cells, metric), groups) for metric in metrics}
    return {
        name: {metric: _effect(frames[metric], weights, metric in binary, level) for metric in metrics}
        for name, weights in (CONTRASTS | measured).items()
    }


def _columns(cells: Mapping[str, Mapping[str, Column]], metric: str) -> dict[str, Column]:
    return {cell: cells.get(cell, {}).get(metric, {}) for cell in dict.fromkeys((*CELLS, *cells))}


def _effect(frame: Frame, weights: Mapping[str, float], binary: bool, level: float) -> dict[str, Any]:
    corrected_level = 1 - (1 - level) / len(CONTRASTS)
    plain, corrected = frame.linear(weights, binary=binary, levels=(level, corrected_level))
    log_odds = frame.log_odds(weights, level=level) if binary else None
    return plain.to_json() | {
        "low_corrected": corrected.low,
        "high_corrected": corrected.high,
        "log_odds": _ends(log_odds),
    }


def _ends(summary: Summary | None) -> dict[str, float | None] | None:
    if summary is None or summary.mean is None:
        return None
    return {"mean": summary.mean, "low": summary.low, "high": summary.high}
