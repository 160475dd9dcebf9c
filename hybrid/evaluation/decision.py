"""What a decision needs beside the verdict: what was declared, what the effects cost, the eight questions."""

from collections.abc import Mapping, Sequence
from typing import Any

from hybrid.evaluation.cost import break_even, column_costs, effects_cost, tuning_costs
from hybrid.evaluation.eight_questions import Run, eight_questions
from hybrid.specs import InputsSpec

NOTE = "declared, not measured"


def decision(
    results: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], inputs: InputsSpec
) -> dict[str, Any]:
    """``assumptions``, ``costs``, ``effects_cost`` and ``eight_questions`` of a run.

    Args:
        results: as in ``results.json``.
        rows: as in ``rows.jsonl``.
        inputs: what the pipeline file declares.
    """
    return {
        "assumptions": assumptions(inputs),
        "costs": {
            "per_1000_queries": column_costs(results, inputs.prices),
            "tuning_once": tuning_costs(results, inputs),
            "break_even": break_even(results, inputs),
        },
        "effects_cost": effects_cost(results, inputs),
        "eight_questions": eight_questions(Run.of(results, rows, inputs)),
    }


def assumptions(inputs: InputsSpec) -> dict[str, Any]:
    """What was declared, by name, with the note that nobody measured it; empty if nothing was."""
    declared = inputs.model_dump(mode="json", exclude_none=True, exclude_defaults=True)
    return {"note": NOTE, **declared} if declared else {}
