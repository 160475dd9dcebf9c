"""How wrong the judge may be in one cell before the verdict is another one.

The verdict takes what the judge calls supported for supported. Say that in one cell the judge lets a share x
of the truly unsupported statements pass (its false-positive rate there is x instead of 0). It called U of the
cell's statements unsupported, so U · x / (1 − x) more are hidden among the S that it called supported, and
each of these is a hidden one with chance p = min(1, U · x / (S · (1 − x))); for x = 1 nothing is known, and p
is 1. An answer without a hallucination that anyone saw, of s supported statements, then has one with chance
1 − (1 − p)^s. Its score, right − w · hallucinated, is lower by w times that, on average. With these scores
the effects are taken anew and the verdict is decided anew; x is the least whole number of points for which
it is another choice. What is ``correct`` does not depend on the judge, and stays.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from hybrid.evaluation.choice import COMPARED
from hybrid.evaluation.intervals import Column, linear_effect
from hybrid.evaluation.scoring import ScoredRow
from hybrid.records import Value

METRIC = "score"
STEP = 10
"""The verdict is tried at every so many points, and between the two where it changes at each."""

Effects = Mapping[str, Mapping[str, Mapping[str, Any]]]
Decide = Callable[[Effects], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Verdicts:
    """How many statements of an answer the judge called supported, and how many not."""

    supported: int
    unsupported: int


@dataclass(frozen=True, slots=True)
class Flip:
    """The least x in points that makes another choice, and which."""

    points: int
    choice: str


def verdict_counts(rows: Iterable[ScoredRow]) -> dict[str, dict[str, Verdicts]]:
    """Cell → question id → what the judge said of the answer's statements; failures count for neither."""
    counts: dict[str, dict[str, Verdicts]] = {}
    for row in rows:
        judged = [each.pool for each in row.statements if not each.pool.failed]
        supported = sum(judgement.supported for judgement in judged)
        counts.setdefault(row.record.cell, {})[row.record.question.id] = Verdicts(
            supported, len(judged) - supported
        )
    return counts


def flips(
    effects: Effects,
    scores: Mapping[str, Column],
    counts: Mapping[str, Mapping[str, Verdicts]],
    groups: Mapping[str, str],
    *,
    weight: float,
    decide: Decide,
) -> dict[str, Any]:
    """What would flip the verdict.

    Args:
        effects: as ``effects.effects`` gives them.
        scores: cell → question id → ``score``.
        counts: as ``verdict_counts`` gives them.
        groups: question id → cluster.
        weight: w, what a hallucination costs.
        decide: the verdict of some effects.

    Returns:
        ``flips``: cell → the least x in points that makes another choice, or None; ``flip``: as a sentence.
    """
    choice = decide(effects)["choice"]
    if choice == "not measured":
        return {"flip": "", "flips": {}}
    compared = {cell for name in effects.keys() & COMPARED.keys() for cell in COMPARED[name]}
    found: dict[str, Flip | None] = {}
    for cell in (cell for cell, column in scores.items() if cell in compared and column):
        trial = partial(_choice_at, cell, effects, scores, counts.get(cell, {}), groups, weight, decide)
        found[cell] = _least(trial, choice)
    return {
        "flip": _sentence(found),
        "flips": {cell: flip.points if flip else None for cell, flip in found.items()},
    }


def lowered(scores: Column, counts: Mapping[str, Verdicts], rate: float, weight: float) -> dict[str, Value]:
    """The scores of a cell as they are on average if that share of unsupported statements passes unseen."""
    supported = sum(each.supported for each in counts.values())
    unsupported = sum(each.unsupported for each in counts.values())
    hidden = unsupported * rate / (1 - rate) if rate < 1 else float(supported)
    chance = min(1.0, hidden / supported) if supported else 0.0
    column = dict(scores)
    for question, each in counts.items():
        value = scores[question].value
        if value is not None and not each.unsupported:
            column[question] = replace(
                scores[question], value=value - weight * (1 - (1 - chance) ** each.supported)
            )
    return column


def _replaced(
    effects: Effects, scores: Mapping[str, Column], cell: str, groups: Mapping[str, str]
) -> Effects:
    """The effects with those that compare this cell taken anew from the scores."""
    changed = dict(effects)
    for name, weights in COMPARED.items():
        if name in effects and cell in weights and METRIC in effects[name]:
            figure = linear_effect(scores, weights, groups, binary=False).to_json()
            changed[name] = {**effects[name], METRIC: {**effects[name][METRIC], **figure}}
    return changed


def _choice_at(
    cell: str,
    effects: Effects,
    scores: Mapping[str, Column],
    counts: Mapping[str, Verdicts],
    groups: Mapping[str, str],
    weight: float,
    decide: Decide,
    points: int,
) -> str:
    """The choice if the judge lets so many of a hundred unsupported statements of the cell pass."""
    column = lowered(scores[cell], counts, points / 100, weight)
    choice: str = decide(_replaced(effects, {**scores, cell: column}, cell, groups))["choice"]
    return choice


def _least(choice_at: Callable[[int], str], choice: str) -> Flip | None:
    high = next((points for points in range(STEP, 101, STEP) if choice_at(points) != choice), None)
    if high is None:
        return None
    points = range(high - STEP + 1, high + 1)
    return next(Flip(each, other) for each in points if (other := choice_at(each)) != choice)


def _sentence(found: Mapping[str, Flip | None]) -> str:
    flipping = {cell: flip for cell, flip in found.items() if flip is not None}
    if not flipping:
        return (
            "No error of the judge in one cell alone would flip this verdict: not if it took every "
            "unsupported statement there for supported."
        )
    cases = [
        f"{flip.points} {'point' if flip.points == 1 else 'points'} higher in {cell} (then: {flip.choice})"
        for cell, flip in sorted(flipping.items(), key=lambda item: (item[1].points, item[0]))
    ]
    rest = "; in no other cell, up to 100 points" if len(flipping) < len(found) else ""
    return (
        f"This verdict would flip if the judge's false-positive rate were {', or '.join(cases)}{rest}. "
        "That rate is the share of unsupported statements that it takes for supported; the verdict takes "
        "it for 0."
    )
