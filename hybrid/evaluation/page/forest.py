"""The effects as a forest plot: each with its interval, beside 0 and the least effect worth having."""

from collections.abc import Mapping
from typing import Any

from hybrid.evaluation.effects import CONTRASTS, FURTHER
from hybrid.evaluation.page.scale import Plot, dot, ends, missing, wide_enough
from hybrid.evaluation.table import words


def forest(results: Mapping[str, Any]) -> Plot:
    """The effects, each on the metric by which the verdict judged it; the scale holds them all, 0 and d."""
    verdict = results.get("verdict") or {}
    metric, worth_it = verdict.get("metric", "score"), verdict.get("worth_it", 0.05)
    effects, zones = results.get("effects", {}), verdict.get("zones", {})
    judged_by = {name: zones.get(name, {}).get("metric", metric) for name in CONTRASTS | FURTHER}
    entries = {name: effects[name].get(judged_by[name], {}) for name in judged_by if name in effects}
    scale = wide_enough([*ends(entries.values()), worth_it], least=(-0.1, 0.1))
    dots = tuple(
        dot(
            words(name),
            entry,
            scale,
            note=_zone(zones.get(name, {}), metric),
            kind=_kind(zones.get(name, {})),
        )
        for name, entry in entries.items()
    )
    return Plot(
        metric,
        dots,
        scale.ticks(),
        missing=missing(entries),
        zero=scale.place(0.0),
        bar=scale.place(worth_it),
    )


def _zone(entry: Mapping[str, Any], metric: str) -> str:
    """The zone of an effect, what would decide it, and its metric if that is not the verdict's."""
    judged_by = entry.get("metric", metric)
    more = f", about {entry['more_questions']:,} more questions" if entry.get("more_questions") else ""
    by = "" if judged_by == metric else f", by {words(judged_by)}"
    return entry.get("zone", "") + more + by


def _kind(entry: Mapping[str, Any]) -> str:
    return {"worth it": "good", "not worth it": "bad", "undecided": "open"}.get(entry.get("zone", ""), "")
