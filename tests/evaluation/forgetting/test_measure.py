"""Base and tuned on the same tasks and text, in a whole run."""

import json

import pytest

from hybrid.evaluation.run import evaluate
from hybrid.generation.generator import Generator

FORGETTING = ["forgetting.enabled=true", "forgetting.max_bits_per_byte_increase=0"]


@pytest.fixture(scope="module")
def measured(finished, pipeline):
    """A run of two columns on the small suite, with the adapter of the finished run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HYBRID_HOME", str(finished.home))
        return evaluate(pipeline, cells=["base", "tuned"], limit=2, overrides=FORGETTING)


def test_figures_gate_and_rows_are_in_the_results(measured):
    with open(measured.path("results.json"), encoding="utf-8") as file:
        found = json.load(file)["forgetting"]
    assert list(found) == ["bits_per_byte", "over_abstention", "instruction_following", "gate", "rows"]
    assert all(found[metric][arm]["status"] == "ok" for metric in list(found)[:3] for arm in found[metric])
    assert found["gate"]["limits"]["max_bits_per_byte_increase"] == 0
    assert len(found["rows"]["tasks"]) == 96 and len(found["rows"]["paragraphs"]) == 44


def test_the_adapter_is_on_in_one_arm_only(measured, tiny_generator):
    rows = measured.results["forgetting"]["rows"]
    assert all(row["base"] != row["tuned"] for row in rows["paragraphs"])
    assert any(row["base"]["text"] != row["tuned"]["text"] for row in rows["tasks"])
    from hybrid.evaluation.forgetting.bits import bits
    from hybrid.evaluation.forgetting.material import read_paragraphs

    first = read_paragraphs()[0]
    assert rows["paragraphs"][0]["base"] == pytest.approx(
        bits(tiny_generator, first.text, tuned=False) / first.size
    )


def test_ten_steps_at_a_high_rate_cost_bits_and_the_gate_says_so(measured):
    change = measured.results["forgetting"]["bits_per_byte"]["difference"]
    assert (change["low"] > 0) == ("forgetting.max_bits_per_byte_increase" in measured.failed_thresholds)
    assert change["mean"] != 0


def test_without_a_tuned_column_or_the_switch_nothing_is_measured(at_home, pipeline, monkeypatch):
    monkeypatch.setattr(Generator, "surprisals", None)
    untuned = evaluate(pipeline, cells=["base"], limit=2, overrides=FORGETTING)
    assert untuned.results["forgetting"] is None
    assert at_home.report.results["forgetting"] is None
