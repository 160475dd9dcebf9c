"""Retrieve, tune, both, or neither: the choice, what speaks against it, and the sentences that say it."""

import math
from collections.abc import Collection, Mapping
from typing import Any, Literal

from hybrid.evaluation.choice import (
    COMPARED,
    MOST_QUESTIONS,
    OPTIONS,
    Choice,
    Chosen,
    Difference,
    best_column,
    choose,
    more_questions,
)

Zone = Literal["worth it", "not worth it", "undecided", "not measured"]
Effects = Mapping[str, Mapping[str, Mapping[str, Any]]]
Rows = Mapping[str, Mapping[str, Any]]

ACTIONS: dict[Choice, str] = {
    "prompt only": "Prompt only: neither retrieving nor tuning is worth it",
    "retrieve": "Retrieve, do not tune",
    "tune": "Tune, do not retrieve",
    "both": "Retrieve and tune",
    "undecided": "Undecided",
    "not measured": "Not measured",
}

PHRASES = {
    "retrieval_base": "retrieval for the base model",
    "retrieval_tuned": "retrieval for the tuned model",
    "tuning_alone": "tuning without retrieval",
    "tuning_rag": "tuning with retrieval",
    "together": "both together",
    "tuned_rag_vs_few_shot_rag": "tuning against examples in the prompt, both with retrieval",
    "tuned_vs_few_shot": "tuning against examples in the prompt",
}

TOLD: dict[Choice, tuple[str, ...]] = {
    "prompt only": ("retrieval_base", "tuning_alone", "together"),
    "retrieve": ("retrieval_base", "tuning_rag"),
    "tune": ("tuning_alone", "retrieval_tuned"),
    "both": ("retrieval_tuned", "tuning_rag"),
    "undecided": ("retrieval_base", "tuning_rag"),
    "not measured": ("retrieval_base", "tuning_rag"),
}
"""Choice → the effects that its sentences give figures of, whether they are worth it or not."""


def decide(
    effects: Effects,
    *,
    worth_it: float,
    metric: str = "score",
    cells_present: Collection[str],
    silent: Collection[str] = (),
    judge_validated: bool = False,
    headline_split: str | None = None,
    without_judge: Mapping[str, Effects] | None = None,
    by_split: Mapping[str, Effects] | None = None,
    hallucination: Rows | None = None,
    tolerance: float | None = None,
) -> dict[str, Any]:
    """The verdict, ready for JSON.

    The choice is that of :func:`hybrid.evaluation.choice.choose`. It is taken back to ``undecided`` where it
    rests on an unvalidated judge alone, or on documents that tuning saw.

    Args:
        effects: as ``effects.effects`` gives them.
        worth_it: d, as a fraction.
        metric: the metric that decides.
        cells_present: the cells that were run.
        silent: columns that abstain on most of what can be answered. Their score is that of silence, right by
            chance wherever the corpus does not tell, so effects with one of them are judged by ``correct``.
        judge_validated: whether the judge's agreement with people is known.
        headline_split: ``seen`` or ``unseen``, if the effects are of one split only.
        without_judge: ``forgiven`` and ``counted`` → the effects with no wrong answer taken as hallucinated,
            and with all of them, neither of which needs a judge. With a judge that is not validated, one of
            them has to give the same choice, and the other one must not rule it out.
        by_split: ``seen`` and ``unseen`` → their effects. Where tuning gains surely more on documents that it
            saw, both splits have to give the same choice.
        hallucination: column → its hallucination rate.
        tolerance: the greatest hallucination rate that is tolerated, if one was declared.

    Returns:
        ``choice``, ``column``, ``remaining``, ``more_questions``, ``metric``, ``worth_it``, ``zones``,
        ``sentence``, ``sentences``, ``silent``; where they apply ``headline_split``, ``by_score`` and
        ``without_judge``, ``splits``, ``within_tolerance``.
    """
    judged_by = {
        name: "correct" if weights.keys() & set(silent) else metric for name, weights in COMPARED.items()
    }

    def chosen(source: Effects) -> Chosen:
        return choose(_picked(source, judged_by), worth_it, cells_present)

    rows = _picked(effects, judged_by)
    zones = {name: _zone(name, rows[name], worth_it) | {"metric": judged_by[name]} for name in PHRASES}
    found = chosen(effects)
    extra: dict[str, Any] = {}
    doubts: list[dict[str, str]] = []
    if found.choice in OPTIONS and not judge_validated and without_judge is not None:
        bare = {name: chosen(source) for name, source in without_judge.items()}
        extra["without_judge"] = {name: each.choice for name, each in bare.items()}
        doubts += _by_judge_alone(found.choice, bare)
    if found.choice in OPTIONS and by_split and _gains_more_where_seen(by_split, judged_by):
        extra["splits"] = {split: chosen(source).choice for split, source in by_split.items()}
        doubts += _by_seen_alone(found.choice, extra["splits"])
    extra |= {"by_score": found.choice} if doubts else {}
    choice: Choice = "undecided" if doubts else found.choice
    column = _column(choice, rows)
    tolerated = _tolerated(column, hallucination or {}, tolerance)
    sentences = [
        _told(_headline(choice, worth_it, metric, judge_validated, headline_split)),
        *doubts,
        *(_open_questions(found, zones) if found.choice == "undecided" else []),
        *_gains(choice, rows, zones),
        *_unmeasured(zones),
        *_against_prompt(zones),
        *_uncorrected(zones),
        *([_told(tolerated[1])] if tolerated else []),
        *_silence(silent),
    ]
    return {
        "choice": choice,
        "column": column,
        "remaining": list(found.remaining),
        "more_questions": found.more_questions,
        "metric": metric,
        "worth_it": worth_it,
        "zones": zones,
        "sentence": " ".join(each["text"] for each in sentences),
        "sentences": sentences,
        "silent": sorted(silent),
        **extra,
        **({"within_tolerance": tolerated[0]} if tolerated else {}),
        **({"headline_split": headline_split} if headline_split else {}),
    }


def _picked(effects: Effects, judged_by: Mapping[str, str]) -> dict[str, Mapping[str, Any]]:
    """Effect → its figures on the metric that judges it."""
    return {name: effects.get(name, {}).get(metric, {}) for name, metric in judged_by.items()}


def _column(choice: Choice, rows: Rows) -> str | None:
    """The column that stands for the choice, if it is an option."""
    option = next((each for each in OPTIONS if each == choice), None)
    return best_column(option, rows) if option else None


def _zone(name: str, row: Mapping[str, Any], worth_it: float) -> dict[str, Any]:
    """Where an interval lies, the same for the corrected interval, and what would decide it.

    Both together are two parts, so that they have to bring 2 d.
    """
    bar = 2 * worth_it if name == "together" else worth_it
    zone = _place(row.get("low"), row.get("high"), bar)
    undecided = zone == "undecided"
    return {
        "zone": zone,
        "bar": bar,
        "corrected": _place(row.get("low_corrected"), row.get("high_corrected"), bar),
        "more_questions": more_questions(_difference(row), bar) if undecided else None,
    }


def _difference(row: Mapping[str, Any]) -> Difference:
    return Difference(row["mean"], row["low"], row["high"], row["n"])


def _place(low: float | None, high: float | None, bar: float) -> Zone:
    if low is None or high is None:
        return "not measured"
    if low > bar:
        return "worth it"
    return "not worth it" if high < bar else "undecided"


def _gains_more_where_seen(by_split: Mapping[str, Effects], judged_by: Mapping[str, str]) -> bool:
    """Whether tuning surely gains more on documents that it saw.

    The two splits share no document, so the interval of the difference is made of both intervals' arms
    (MOVER: Zou and Donner, 2008).
    """
    seen, unseen = (_picked(by_split.get(split, {}), judged_by) for split in ("seen", "unseen"))
    for name in ("tuning_alone", "tuning_rag"):
        on, off = seen[name], unseen[name]
        if on.get("low") is None or off.get("high") is None:
            continue
        arms = math.hypot(on["mean"] - on["low"], off["high"] - off["mean"])
        if on["mean"] - off["mean"] > arms:
            return True
    return False


def _tolerated(column: str | None, hallucination: Rows, tolerance: float | None) -> tuple[bool, str] | None:
    """Whether the chosen column keeps the declared tolerance of hallucination, and the sentence on it."""
    rate = hallucination.get(column or "", {})
    if tolerance is None or rate.get("high") is None:
        return None
    kept = bool(rate["high"] <= tolerance)
    mean, high = round(100 * rate["mean"]), round(100 * rate["high"])
    said = f"{column} hallucinates on {mean} % of the questions, perhaps on {high} %"
    return kept, f"{said}: {'within' if kept else 'above'} the declared tolerance of {100 * tolerance:g} %."


def _told(text: str, effect: str = "") -> dict[str, str]:
    return {"text": text, "effect": effect}


def _headline(choice: Choice, worth_it: float, metric: str, judge_validated: bool, split: str | None) -> str:
    where = f" on {split} documents" if split else ""
    judge = "" if judge_validated else ", by an unvalidated judge"
    return f"{ACTIONS[choice]} ({metric}{where}, worth it from {100 * worth_it:g} points{judge})."


def _by_judge_alone(choice: Choice, bare: Mapping[str, Chosen]) -> list[dict[str, str]]:
    """Nothing, if the choice also comes out without the judge, and is never ruled out."""
    confirmed = any(each.choice == choice for each in bare.values())
    if confirmed and all(choice in each.remaining for each in bare.values()):
        return []
    told = " and ".join(f'"{each.choice}" with wrong answers {name}' for name, each in bare.items())
    text = (
        f'By the judge it would be "{choice}"; without one it is {told}: a validated judge has to settle it.'
    )
    return [_told(text, TOLD[choice][-1])]


def _by_seen_alone(choice: Choice, splits: Mapping[str, Choice]) -> list[dict[str, str]]:
    if set(splits.values()) == {choice}:
        return []
    told = ", ".join(f'on {split} documents "{found}"' for split, found in sorted(splits.items()))
    return [_told(f"Tuning gains more on documents that it was trained on: {told}.", "tuning_rag")]


def _open_questions(found: Chosen, zones: Rows) -> list[dict[str, str]]:
    told = []
    if 1 < len(found.remaining) < len(OPTIONS):
        told.append(_told(f"Left are: {', '.join(found.remaining)}."))
    if found.more_questions:
        told.append(_told(f"{_number(found.more_questions).capitalize()} more questions would settle it."))
    clear = [name for name in PHRASES if zones[name]["zone"] == "worth it"]
    if clear:
        told.append(_told(f"Clearly worth it: {', '.join(PHRASES[name] for name in clear)}.", clear[0]))
    still = [name for name in PHRASES if zones[name]["zone"] == "undecided"]
    if still:
        listed = "; ".join(
            f"{PHRASES[name]} ({_number(zones[name]['more_questions'])} more questions)" for name in still
        )
        told.append(_told(f"Still open: {listed}.", still[0]))
    return told


def _number(more: int) -> str:
    return "over 10,000" if more >= MOST_QUESTIONS else f"about {more:,}"


def _gains(choice: Choice, rows: Rows, zones: Rows) -> list[dict[str, str]]:
    """The figures on which the choice rests."""
    told = []
    for name in TOLD[choice]:
        if zones[name]["zone"] != "not measured":
            mean, low, high = (100 * rows[name][key] for key in ("mean", "low", "high"))
            text = f"{PHRASES[name].capitalize()}: {mean:+.0f} points ({low:+.0f} to {high:+.0f})"
            told.append(_told(f"{text}, {zones[name]['zone']}.", name))
    return told


def _unmeasured(zones: Rows) -> list[dict[str, str]]:
    sides = {"Retrieval": ("retrieval_base", "retrieval_tuned"), "Tuning": ("tuning_alone", "tuning_rag")}
    return [
        _told(f"{word} was not measured.")
        for word, names in sides.items()
        if {zones[name]["zone"] for name in names} == {"not measured"}
    ]


def _against_prompt(zones: Rows) -> list[dict[str, str]]:
    for name in ("tuned_rag_vs_few_shot_rag", "tuned_vs_few_shot"):
        match zones[name]["zone"]:
            case "not worth it":
                text = "Tuning does not beat the best prompt, examples in the prompt of the untuned model."
                return [_told(text, name)]
            case "undecided":
                return [_told("Whether tuning beats the best prompt is undecided.", name)]
            case "worth it":
                return []
    return []


def _silence(silent: Collection[str]) -> list[dict[str, str]]:
    if not silent:
        return []
    listed = ", ".join(sorted(silent))
    return [_told(f"Silent on most answerable questions, so judged by correct: {listed}.")]


def _uncorrected(zones: Rows) -> list[dict[str, str]]:
    """The verdict reads plain intervals; what would not outlive the correction is named."""
    lost = [
        name
        for name, entry in zones.items()
        if entry["zone"] == "worth it" and entry["corrected"] == "undecided"
    ]
    if not lost:
        return []
    listed = ", ".join(PHRASES[name] for name in lost)
    return [_told(f"Not after correction for seven effects: {listed}.", lost[0])]
