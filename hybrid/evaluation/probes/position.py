"""Does it matter where among the passages the gold stands?"""

from collections.abc import Mapping
from itertools import combinations
from typing import Any

from hybrid.evaluation.intervals import LEVEL, paired_difference, summarise
from hybrid.evaluation.probes.fates import Fate
from hybrid.records import Value

PLACES = ("first", "middle", "last")
_PAIRS = tuple(combinations(PLACES, 2))


def by_position(fates: Mapping[str, Mapping[str, Fate]], groups: Mapping[str, str]) -> dict[str, Any]:
    """Accuracy by position, and the largest of the paired differences.

    Args:
        fates: place → question id → fate; places that were not measured may be missing.
        groups: question id → cluster.

    Returns:
        ``first``, ``middle`` and ``last`` as metrics of the contract, on the questions that were asked with
        all three, and ``largest``: of the differences ``to`` − ``from`` the one farthest from 0. As it is
        chosen among three, its interval has the level 1 − 0.05/3 (Bonferroni).
    """
    asked = set.intersection(*(set(fates.get(place, {})) for place in PLACES))
    right = {
        place: {id: Value(float(fates[place][id] is Fate.RIGHT)) for id in asked} if asked else {}
        for place in PLACES
    }
    accuracy = {place: summarise(right[place], groups, binary=True).to_json() for place in PLACES}
    return accuracy | {"largest": _largest(right, groups)}


def _largest(right: Mapping[str, Mapping[str, Value]], groups: Mapping[str, str]) -> dict[str, Any]:
    level = 1 - (1 - LEVEL) / len(_PAIRS)
    found = [
        ({"from": a, "to": b}, paired_difference(right[a], right[b], groups, binary=True, level=level))
        for a, b in _PAIRS
    ]
    pair, difference = max(found, key=lambda each: abs(each[1].mean or 0.0))
    return pair | difference.to_json()
