"""What an answer costs in each column, what tuning costs once, and after how many queries it has paid.

Tokens and seconds are measured. Money is told only where the pipeline file declares prices: tokens at their
price and the machine at its hourly price are added, so that one declares whichever is paid.
"""

import math
from collections.abc import Mapping
from typing import Any

from hybrid.evaluation.choice import PAIRS
from hybrid.specs import InputsSpec, PricesSpec

QUERIES = 1000
MEASURED = ("prompt_tokens", "output_tokens", "seconds")

RIVALS = {"tuned+rag": "few-shot+rag", "tuned": "base+rag"}
"""What tuning can replace: examples in the prompt, or passages."""

Results = Mapping[str, Any]
Costs = dict[str, float | None]


def column_costs(results: Results, prices: PricesSpec) -> dict[str, Costs]:
    """Column → tokens, seconds and, with prices, money for 1,000 queries; of the columns that were run."""
    columns = {**results["cells"], **results["references"]}
    return {
        name: _per_queries(column["metrics"], prices)
        for name, column in columns.items()
        if column["metrics"]["seconds"]["mean"] is not None and column["metrics"]["seconds"]["n"]
    }


def tuning_costs(results: Results, inputs: InputsSpec) -> Costs:
    """What tuning costs once: seconds of the machine and, with prices, money; None where it is not known."""
    made = (results.get("provenance") or {}).get("adapter") or {}
    seconds, prices = made.get("manifest", {}).get("seconds"), inputs.prices
    parts = [
        None if prices.hour is None or inputs.tuning_hours is None else prices.hour * inputs.tuning_hours,
        None if prices.machine_hour is None or seconds is None else prices.machine_hour * seconds / 3600,
    ]
    return {"seconds": seconds, "price": _added(parts)}


def effects_cost(results: Results, inputs: InputsSpec) -> dict[str, Any]:
    """Each effect of two columns beside what it costs: for 1,000 queries, and once for tuning."""
    costs, once = column_costs(results, inputs.prices), tuning_costs(results, inputs)
    return {
        name: {
            "score": {key: results["effects"][name]["score"][key] for key in ("mean", "low", "high")},
            "per_1000_queries": {key: _less(costs[above][key], costs[below][key]) for key in costs[above]},
            "once": once if above.startswith("tuned") and not below.startswith("tuned") else None,
        }
        for name, (above, below) in PAIRS.items()
        if name in results["effects"] and above in costs and below in costs
    }


def break_even(results: Results, inputs: InputsSpec) -> dict[str, Any]:
    """Tuned column → after how many queries tuning has paid, against what it can replace.

    In money where prices are declared, else in seconds of the machine. ``queries`` is None where an answer of
    the tuned column is not the cheaper one.
    """
    costs, once = column_costs(results, inputs.prices), tuning_costs(results, inputs)
    found = {}
    for tuned, rival in RIVALS.items():
        unit = "price" if once["price"] is not None else "seconds"
        if tuned in costs and rival in costs and once[unit] is not None:
            saved = _less(costs[rival][unit], costs[tuned][unit])
            found[tuned] = {"against": rival, "unit": unit, "queries": _queries(once[unit], saved)}
    return found


def _queries(once: float | None, saved: float | None) -> int | None:
    if once is None or saved is None or saved <= 0:
        return None
    return math.ceil(QUERIES * once / saved)


def _per_queries(metrics: Mapping[str, Mapping[str, Any]], prices: PricesSpec) -> Costs:
    each = {name: QUERIES * metrics[name]["mean"] / metrics[name]["n"] for name in MEASURED}
    parts = [
        _priced(each["prompt_tokens"] / 1e6, prices.million_prompt_tokens),
        _priced(each["output_tokens"] / 1e6, prices.million_output_tokens),
        _priced(each["seconds"] / 3600, prices.machine_hour),
    ]
    return {**each, "price": _added(parts)}


def _priced(amount: float, price: float | None) -> float | None:
    return None if price is None else amount * price


def _added(parts: list[float | None]) -> float | None:
    """The sum of what is known; None if nothing is."""
    known = [part for part in parts if part is not None]
    return sum(known) if known else None


def _less(a: float | None, b: float | None) -> float | None:
    return None if a is None or b is None else a - b
