import json

import pytest

from hybrid.evaluation.effects import CONTRASTS, effects
from hybrid.records import Value


def cell(*values):
    return {"correct": {f"q{i}": Value(float(v)) for i, v in enumerate(values)}}


CELLS = {
    "base": cell(0, 0, 0, 0),
    "base+rag": cell(1, 0, 0, 0),
    "tuned": cell(1, 1, 0, 0),
    "tuned+rag": cell(1, 1, 1, 1),
}


def all_effects(cells, metrics=("correct",), binary=("correct",)):
    return effects(cells, {}, binary=binary, metrics=metrics)


@pytest.mark.parametrize(
    ("name", "mean"),
    [
        ("retrieval", 0.375),  # mean of 1/4 − 0 and 4/4 − 2/4
        ("tuning", 0.625),  # mean of 2/4 − 0 and 4/4 − 1/4
        ("interaction", 0.25),  # (1 − 2/4) − (1/4 − 0)
        ("retrieval_base", 0.25),
        ("retrieval_tuned", 0.5),
        ("tuning_alone", 0.5),
        ("tuning_rag", 0.75),
        ("together", 1.0),
    ],
)
def test_contrasts(name, mean):
    assert all_effects(CELLS)[name]["correct"]["mean"] == pytest.approx(mean)


def test_every_key_is_there_without_the_tuned_cells():
    found = all_effects({name: CELLS[name] for name in ("base", "base+rag")})
    assert set(found) == set(CONTRASTS)
    assert found["retrieval_base"]["correct"]["status"] == "ok"
    missing = found["interaction"]["correct"]
    assert (missing["status"], missing["mean"], missing["log_odds"]) == ("not_applicable", None, None)
    assert set(missing) == set(found["retrieval_base"]["correct"])


def test_corrected_intervals_are_wider():
    found = all_effects(CELLS)["tuning_alone"]["correct"]
    assert found["low_corrected"] < found["low"] < found["high"] <= found["high_corrected"]


def test_log_odds_only_for_rates():
    assert all_effects(CELLS)["tuning"]["correct"]["log_odds"]["mean"] > 0
    assert all_effects(CELLS, binary=())["tuning"]["correct"]["log_odds"] is None


def test_the_best_prompt_is_compared_where_it_was_measured():
    found = all_effects(CELLS | {"few-shot+rag": cell(1, 1, 0, 0)})
    assert found["tuned_rag_vs_few_shot_rag"]["correct"]["mean"] == 0.5  # 4/4 − 2/4
    assert "tuned_vs_few_shot" not in found


def test_it_is_json():
    assert json.loads(json.dumps(all_effects(CELLS))) == all_effects(CELLS)
