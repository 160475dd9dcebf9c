"""Do passages help a model that knows the answer already, or do they lead it astray?"""

from collections.abc import Collection, Mapping
from typing import Any

from hybrid.evaluation.conditional import conditional_rate
from hybrid.records import Value

#: The cell without passages, and the same with them.
PAIRS = {"base": "base+rag", "tuned": "tuned+rag"}


def memory(
    table: Mapping[str, Mapping[str, Mapping[str, Value]]],
    groups: Mapping[str, str],
    known: Collection[str] | None = None,
) -> dict[str, Any]:
    """``harm``, ``silenced`` and ``help`` of passages, for the base and for the tuned model.

    harm = P(answered, but not correct, with passages | known without), silenced = P(abstained with passages |
    known without), help = P(correct with passages | not known without).

    Args:
        table: column → metric → question id → value.
        groups: question id → cluster.
        known: ids of the questions that count as known to the base. By default, and always for the tuned
            model, those that the cell without passages, in this very run, answers correctly.

    Returns:
        ``base`` and ``tuned``, each with the three rates as metrics of the contract; ``withheld`` with
        its n where too few questions stand behind it.
    """
    return {
        alone: _rates(table.get(alone, {}), table.get(shown, {}), groups, known if alone == "base" else None)
        for alone, shown in PAIRS.items()
    }


def _rates(
    alone: Mapping[str, Mapping[str, Value]],
    shown: Mapping[str, Mapping[str, Value]],
    groups: Mapping[str, str],
    known: Collection[str] | None,
) -> dict[str, Any]:
    unaided, aided = _figures(alone.get("correct", {})), _figures(shown.get("correct", {}))
    sure = {id for id in aided if (id in known if known is not None else unaided.get(id) == 1.0)}
    unsure = aided.keys() - sure if known is not None else {id for id in aided if unaided.get(id) == 0.0}
    answered = shown.get("answer_rate", {})
    silent = {id for id in sure if answered[id].value == 0.0}
    harmed = {id: Value(float(aided[id] == 0.0 and id not in silent)) for id in sure}
    silenced = {id: Value(float(id in silent)) for id in sure}
    helped = {id: Value(aided[id]) for id in unsure}
    return {
        "harm": conditional_rate(harmed, groups, "known without passages"),
        "silenced": conditional_rate(silenced, groups, "known without passages"),
        "help": conditional_rate(helped, groups, "not known without passages"),
    }


def _figures(values: Mapping[str, Value]) -> dict[str, float]:
    return {id: value.value for id, value in values.items() if value.value is not None}
