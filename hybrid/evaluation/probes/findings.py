"""What probes find beside the figures of their columns."""

from collections.abc import Iterable, Mapping
from typing import Any

from hybrid.evaluation.memory import PAIRS
from hybrid.evaluation.probes.counterfactual import context_or_memory
from hybrid.evaluation.probes.fates import Fate, fates, harm
from hybrid.evaluation.probes.position import PLACES, by_position
from hybrid.evaluation.probes.stale import who_follows
from hybrid.evaluation.scoring import ScoredRow

ALONE = {shown: alone for alone, shown in PAIRS.items()}


def findings(rows: Iterable[ScoredRow], groups: Mapping[str, str]) -> dict[str, dict[str, dict[str, Any]]]:
    """Probe → cell → what its columns show together with others.

    ``distractors``: ``harm`` among the questions that are right with the gold alone, and ``harm_known`` among
    those that are right without passages. ``position``: see :func:`by_position`. ``counterfactual``: see
    :func:`context_or_memory`. ``stale``: see :func:`who_follows`.
    """
    columns: dict[str, list[ScoredRow]] = {}
    for row in rows:
        columns.setdefault(row.record.cell, []).append(row)
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for cell in ALONE:
        of_cell = {
            name.removesuffix(f"/{cell}"): of_one
            for name, of_one in columns.items()
            if name.endswith(f"/{cell}")
        }
        if "distractors" in of_cell:
            found.setdefault("distractors", {})[cell] = _harms(cell, of_cell, columns, groups)
        if any(f"position-{place}" in of_cell for place in PLACES):
            of_place = {place: fates(of_cell.get(f"position-{place}", [])) for place in PLACES}
            found.setdefault("position", {})[cell] = by_position(of_place, groups)
        if "counterfactual" in of_cell:
            found.setdefault("counterfactual", {})[cell] = context_or_memory(
                of_cell["counterfactual"], groups
            )
    for cell in [name.removeprefix("stale/") for name in columns if name.startswith("stale/")]:
        found.setdefault("stale", {})[cell] = who_follows(cell, columns, groups)
    return found


def _harms(
    cell: str,
    of_cell: Mapping[str, list[ScoredRow]],
    columns: Mapping[str, list[ScoredRow]],
    groups: Mapping[str, str],
) -> dict[str, Any]:
    beside = fates(of_cell["distractors"])
    conditions: dict[str, tuple[Mapping[str, Fate], str]] = {
        "harm": (fates(of_cell.get("oracle", [])), "right with the gold passages alone"),
        "harm_known": (fates(columns.get(ALONE[cell], [])), "right without passages"),
    }
    return {name: harm(without, beside, groups, among) for name, (without, among) in conditions.items()}
