"""What tuning cost, in words, for the terminal and the report."""

from collections.abc import Mapping
from typing import Any

Figures = Mapping[str, Any]

SHARES = {
    "over_abstention": ("general questions", "left unanswered", "questions"),
    "instruction_following": ("instructions", "followed", "instructions"),
}
"""Metric → what is asked, what the share is of, and what n counts."""


def forgetting_lines(results: Mapping[str, Any]) -> list[str]:
    """One line for each figure and one for the gate; none where forgetting was not measured."""
    found = results.get("forgetting") or {}
    whole = {name for name, figures in found.items() if {"base", "tuned", "difference"} <= set(figures)}
    text = [_text_line(found["bits_per_byte"])] if "bits_per_byte" in whole else []
    shares = [_share_line(found[name], *words) for name, words in SHARES.items() if name in whole]
    gate = found.get("gate", {})
    return [*text, *shares, *([_gate_line(gate)] if "limits" in gate else [])]


def _text_line(figures: Figures) -> str:
    base, tuned, change = (figures[name] for name in ("base", "tuned", "difference"))
    moved = f"{change['mean']:+.2f}{_interval(change, 1, '.2f')}"
    return (
        f"general text: {base['mean']:.2f} → {tuned['mean']:.2f} bits per byte "
        f"({moved}, n {change['n']} paragraphs)"
    )


def _share_line(figures: Figures, asked: str, done: str, counted: str) -> str:
    base, tuned, change = (figures[name] for name in ("base", "tuned", "difference"))
    moved = f"{100 * change['mean']:+.0f}{_interval(change, 100, '+.0f')}"
    return (
        f"{asked}: {100 * base['mean']:.0f} → {100 * tuned['mean']:.0f} % {done} "
        f"({moved} points, n {change['n']} {counted})"
    )


def _interval(change: Figures, scale: int, form: str) -> str:
    if change["low"] is None:
        return ""
    return f" [{scale * change['low']:{form}}, {scale * change['high']:{form}}]"


def _gate_line(gate: Mapping[str, Any]) -> str:
    if not gate["limits"]:
        return "forgetting gate: no limit is set"
    failed, undecided = (
        ", ".join(f"{name} {gate['limits'][name]}" for name in gate.get(kind, ()))
        for kind in ("failed", "undecided")
    )
    held = f"failed, the whole interval lies beyond {failed}" if failed else "passed"
    return f"forgetting gate: {held}" + (f"; not shown to be within {undecided}" if undecided else "")
