"""Retrieve, tune, both, or neither: the effects against the least change that is worth having."""

import math
from collections.abc import Collection, Mapping
from typing import Any, Literal

from hybrid.evaluation.effects import CONTRASTS, FURTHER

COMPARED = CONTRASTS | FURTHER
"""Effect → the columns that it compares, with their coefficients."""

Zone = Literal["worth it", "not worth it", "undecided", "not measured"]
Choice = Literal["prompt only", "retrieve", "tune", "both", "undecided", "not measured"]

MOST_QUESTIONS = 10_000
"""More than this is not computed but called "over 10,000"."""

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


def decide(
    effects: Mapping[str, Mapping[str, Mapping[str, Any]]],
    *,
    worth_it: float,
    metric: str = "score",
    cells_present: Collection[str],
    silent: Collection[str] = (),
    judge_validated: bool = False,
    headline_split: str | None = None,
) -> dict[str, Any]:
    """The verdict, ready for JSON.

    An effect is worth it if its interval lies wholly above ``worth_it``, not worth it if wholly below. Tuning
    has to be worth it also against the best prompt (``few-shot``), where that was measured.

    Args:
        effects: as ``effects.effects`` gives them.
        worth_it: d, as a fraction.
        metric: the metric that decides.
        cells_present: the cells that were run.
        silent: columns that abstain on most of what can be answered. Their score is that of silence, right by
            chance wherever the corpus does not tell, so effects with one of them are judged by ``correct``.
        judge_validated: whether the judge's agreement with people is known.
        headline_split: ``seen`` or ``unseen``, if the effects are of one split only.

    Returns:
        ``choice``, ``metric``, ``worth_it``, ``zones``, ``sentence``, ``silent``; perhaps ``headline_split``.
    """
    judged_by = {name: "correct" if COMPARED[name].keys() & set(silent) else metric for name in PHRASES}
    rows = {name: effects.get(name, {}).get(judged_by[name], {}) for name in PHRASES}
    zones = {name: _zone(row, worth_it) | {"metric": judged_by[name]} for name, row in rows.items()}
    choice = _choose({name: entry["zone"] for name, entry in zones.items()}, rows, cells_present)
    verdict: dict[str, Any] = {
        "choice": choice,
        "metric": metric,
        "worth_it": worth_it,
        "zones": zones,
        "sentence": " ".join(
            [
                _sentence(choice, rows, zones, worth_it, metric, judge_validated, headline_split),
                *_silence(silent),
            ]
        ),
        "silent": sorted(silent),
    }
    return verdict | ({"headline_split": headline_split} if headline_split else {})


def _zone(row: Mapping[str, Any], worth_it: float) -> dict[str, Any]:
    """Where an interval lies, the same for the corrected interval, and what would decide it."""
    zone = _place(row.get("low"), row.get("high"), worth_it)
    return {
        "zone": zone,
        "corrected": _place(row.get("low_corrected"), row.get("high_corrected"), worth_it),
        "more_questions": _more_questions(row, worth_it) if zone == "undecided" else None,
    }


def _place(low: float | None, high: float | None, worth_it: float) -> Zone:
    if low is None or high is None:
        return "not measured"
    if low > worth_it:
        return "worth it"
    return "not worth it" if high < worth_it else "undecided"


def _more_questions(row: Mapping[str, Any], worth_it: float) -> int:
    """Questions to add until an interval around the same estimate would no longer hold d.

    A half-width falls with √n, so n · (half-width ÷ distance to d)² questions are needed in all.
    """
    distance = abs(row["mean"] - worth_it)
    half = row["mean"] - row["low"] if row["mean"] > worth_it else row["high"] - row["mean"]
    if distance * math.sqrt(MOST_QUESTIONS / row["n"]) <= half:
        return MOST_QUESTIONS
    return min(MOST_QUESTIONS, max(1, math.ceil(row["n"] * ((half / distance) ** 2 - 1))))


def _choose(
    zones: Mapping[str, Zone], rows: Mapping[str, Mapping[str, Any]], cells_present: Collection[str]
) -> Choice:
    if not any(zones[name] in ("worth it", "not worth it", "undecided") for name in PHRASES):
        return "not measured"
    retrieval, beside_tuned = zones["retrieval_base"], zones["retrieval_tuned"]
    tuning = _weakest(zones["tuning_alone"], zones["tuned_vs_few_shot"])
    beside_retrieval = _weakest(zones["tuning_rag"], zones["tuned_rag_vs_few_shot_rag"])
    if beside_retrieval == "worth it" and beside_tuned == "worth it":
        return "both"
    retrieve = retrieval == "worth it" and (
        beside_retrieval == "not worth it" or "tuned+rag" not in cells_present
    )
    tune = tuning == "worth it" and (beside_tuned == "not worth it" or "tuned+rag" not in cells_present)
    if retrieve and tune:
        return "retrieve" if rows["retrieval_base"]["mean"] >= rows["tuning_alone"]["mean"] else "tune"
    if retrieve or tune:
        return "retrieve" if retrieve else "tune"
    measured = {zones[name] for name in ("retrieval_base", "tuning_alone", "together")} - {"not measured"}
    return "prompt only" if measured == {"not worth it"} else "undecided"


def _weakest(plain: Zone, against_prompt: Zone) -> Zone:
    """Tuning counts as worth it only if it is so against the base and, if measured, the best prompt."""
    zones = {plain, against_prompt}
    for zone in ("not worth it", "undecided", "worth it"):
        if zone in zones and plain != "not measured":
            return zone
    return "not measured"


def _sentence(
    choice: Choice,
    rows: Mapping[str, Mapping[str, Any]],
    zones: Mapping[str, Mapping[str, Any]],
    worth_it: float,
    metric: str,
    judge_validated: bool,
    split: str | None,
) -> str:
    where = f" on {split} documents" if split else ""
    judge = "" if judge_validated else ", by an unvalidated judge"
    parts = [f"{ACTIONS[choice]} ({metric}{where}, worth it from {100 * worth_it:g} points{judge})."]
    if choice == "undecided":
        clear = [phrase for name, phrase in PHRASES.items() if zones[name]["zone"] == "worth it"]
        parts += [f"Clearly worth it: {', '.join(clear)}."] if clear else []
        open_ones = [
            _open_question(name, zones[name]) for name in PHRASES if zones[name]["zone"] == "undecided"
        ]
        parts += [f"Still open: {'; '.join(open_ones)}."] if open_ones else []
    parts += [_gain(name, rows[name]) for name in ("retrieval_base", "tuning_rag") if _measured(rows[name])]
    parts += _unmeasured(zones) + _against_prompt(zones) + _uncorrected(zones)
    return " ".join(parts)


def _open_question(name: str, entry: Mapping[str, Any]) -> str:
    more = entry["more_questions"]
    number = "over 10,000" if more >= MOST_QUESTIONS else f"about {more:,}"
    return f"{PHRASES[name]} ({number} more questions)"


def _measured(row: Mapping[str, Any]) -> bool:
    return row.get("low") is not None


def _gain(name: str, row: Mapping[str, Any]) -> str:
    mean, low, high = (100 * row[key] for key in ("mean", "low", "high"))
    return f"{PHRASES[name].capitalize()}: {mean:+.0f} points ({low:+.0f} to {high:+.0f})."


def _unmeasured(zones: Mapping[str, Mapping[str, Any]]) -> list[str]:
    sides = {"Retrieval": ("retrieval_base", "retrieval_tuned"), "Tuning": ("tuning_alone", "tuning_rag")}
    missing = [word for word, names in sides.items() if {zones[n]["zone"] for n in names} == {"not measured"}]
    return [f"{word} was not measured." for word in missing]


def _against_prompt(zones: Mapping[str, Mapping[str, Any]]) -> list[str]:
    for name in ("tuned_rag_vs_few_shot_rag", "tuned_vs_few_shot"):
        match zones[name]["zone"]:
            case "not worth it":
                return ["Tuning does not beat the best prompt, examples in the prompt of the untuned model."]
            case "undecided":
                return ["Whether tuning beats the best prompt is undecided."]
            case "worth it":
                return []
    return []


def _silence(silent: Collection[str]) -> list[str]:
    if not silent:
        return []
    return [f"Silent on most answerable questions, so judged by correct: {', '.join(sorted(silent))}."]


def _uncorrected(zones: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The verdict reads plain intervals; what would not outlive the correction is named."""
    lost = [
        PHRASES[name]
        for name, entry in zones.items()
        if entry["zone"] == "worth it" and entry["corrected"] == "undecided"
    ]
    return [f"Not after correction for seven effects: {', '.join(lost)}."] if lost else []
