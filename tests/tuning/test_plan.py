import re
from dataclasses import replace

import pytest
import yaml
from transformers import LlamaConfig

from hybrid.errors import ModelMissing
from hybrid.specs import PipelineSpec
from hybrid.tuning import devices
from hybrid.tuning import lessons as lessons_module
from hybrid.tuning import plan as plan_module
from hybrid.tuning.encoding import IGNORED, EncodedRow
from hybrid.tuning.footprint import METHODS, Footprint, Setup, footprint
from hybrid.tuning.plan import MIB, plan_pipeline, predict, workload
from hybrid.tuning.sequences import RowSequence

LLAMA_2_7B = LlamaConfig(
    vocab_size=32000,
    hidden_size=4096,
    intermediate_size=11008,
    num_hidden_layers=32,
    num_attention_heads=32,
    num_key_value_heads=32,
)
# torchtune's recipes of Llama-2-7B: LoRA of rank 8 on queries and values, all in bfloat16; AdamW, for full
# tuning the paged one with its step in the backward pass; checkpointed; no mask; loss on all positions.
TORCHTUNE = Setup(
    method="lora",
    rows=4,
    tokens=2048,
    places=4 * 2048,
    labels=4 * 2048,
    dtype="bfloat16",
    adapter_dtype="bfloat16",
    rank=8,
    targets=("q_proj", "v_proj"),
    checkpointing=True,
    mask="none",
    loss="everywhere",
)
PAGED = {"optimizer": "paged_adamw", "step_in_backward": True}
FOUND = Footprint(
    parameters=0,
    trained=0,
    adapted=0,
    vocabulary=1000,
    weights=100 * MIB,
    gradients=10 * MIB,
    greatest_gradient=MIB,
    kept=50 * MIB,
    kept_inputs=5 * MIB,
    kept_by_layer=8 * MIB,
    dequantised=2 * MIB,
)
SMALL = Setup("lora", 2, 100, 60, 40, "float32", "float32", 16)


@pytest.mark.parametrize(
    ("method", "changes", "published"), [("qlora", {}, 12.3), ("lora", {}, 21.3), ("full", PAGED, 24.1)]
)
def test_torchtunes_published_peaks_are_met(method, changes, published):
    setup = replace(TORCHTUNE, method=method, **changes)
    predicted = predict(footprint(LLAMA_2_7B, setup), setup, 1024).total * MIB / 1e9
    assert predicted == pytest.approx(published, rel=0.25)


def test_parts_and_total_by_hand():
    found = predict(FOUND, SMALL, 7)
    # 4 bytes × 1,000 × (60 places + 2 × 40 labels)
    assert found.logits * MIB == 560_000
    assert (found.weights, found.gradients, found.optimizer, found.activations) == (100, 10, 20, 50)
    # base, weights, moments, activations; then gradients of a layer and a dequantised weight, not the logits
    assert found.total == 7 + 100 + 20 + 50 + max(560_000 / MIB, 8 + 2)


def test_with_many_labels_logits_make_the_peak():
    found = predict(FOUND, replace(SMALL, places=200, labels=200 * 20), 0)
    assert found.total == 100 + 20 + 50 + found.logits
    assert found.logits * MIB == 4 * 1000 * (200 + 2 * 4000)


def test_gradients_make_the_peak_when_they_outweigh_activations():
    found = predict(replace(FOUND, gradients=90 * MIB), SMALL, 0)
    assert found.total == 100 + 180 + 90


def test_checkpointing_keeps_inputs_and_computes_one_layer_anew():
    found = predict(FOUND, replace(SMALL, checkpointing=True), 0)
    assert (found.activations, found.total) == (5, 100 + 20 + 5 + 2 * 8 + 2)


def test_a_paged_optimizer_takes_nothing_at_the_peak():
    found = predict(FOUND, replace(SMALL, **PAGED), 0)
    assert (found.optimizer, found.gradients) == (0, 1)


def row(tokens, labels, first):
    return EncodedRow(
        str(first), (first, *[1] * (tokens - 1)), (IGNORED,) * (tokens - labels) + (1,) * labels
    )


def single(*rows):
    return [RowSequence((each,)) for each in rows]


def test_the_workload_is_counted_on_the_batches():
    spec = PipelineSpec(suite="none")
    steps = [single(row(10, 2, 1), row(12, 3, 2)), single(row(20, 4, 3))]
    found = workload(spec, steps)
    assert (found.rows, found.steps, found.counted, found.mask) == (3, 2, True, "padding")
    # 2 × 12 padded tokens are more than 20; labels at 8, 9 and 9, 10, 11: 4 places of 2 rows, 5 labels
    assert (found.batch, found.tokens, found.places, found.labels) == (2, 12, 8, 5)
    assert workload(spec, [single(row(9, 2, 1))]).mask == "none"
    shared = [[RowSequence((row(9, 2, 1), row(9, 2, 1)), shared=6)]]
    assert workload(spec, shared).mask == "pairs"
    assert workload(spec, [*shared, *steps]).mask == "padding"
    stopped = spec.model_copy(update={"tuning": spec.tuning.model_copy(update={"max_steps": 7})})
    assert workload(stopped, steps).steps == 7


def test_without_rows_the_workload_is_what_the_pipeline_allows():
    tuning = {"rows": 31, "batch_tokens": 1500, "max_row_tokens": 640}
    found = workload(PipelineSpec(suite="none", generation={"max_new_tokens": 48}, tuning=tuning), [])
    # 1,500 // 640 rows of 1,500 // 2 tokens; 31 rows in twos
    assert (found.batch, found.tokens, found.steps, found.labels) == (2, 750, 16, 96)
    assert not found.counted


@pytest.fixture
def write(tmp_path, tiny_weights):
    def write(**changes):
        spec = {
            "suite": "python-reference",
            "model": str(tiny_weights.path),
            "retrieval": {"embedder": "hashing:64", "k": 2},
            "generation": {"device": "cpu"},
            "tuning": {"rows": 12, "batch_tokens": 1000, "max_row_tokens": 900},
        }
        (tmp_path / "p.yaml").write_text(yaml.safe_dump(spec | changes))
        return str(tmp_path / "p.yaml")

    return write


def test_a_plan_asks_the_base_nothing(write, monkeypatch):
    def known(spec, *_):
        assert (spec.tuning.absent, spec.tuning.no_context) == ("abstain", "abstain")
        return ()

    monkeypatch.setattr(lessons_module, "known_unaided", known)
    monkeypatch.setattr(plan_module, "seconds_per_step", lambda *_: 1.0)
    tuning = {
        "mixture": {"python-reference": {"rows": 12, "absent": "from_memory"}},
        "no_context": "from_memory",
        "replay": 0.5,
        "batch_tokens": 1000,
    }
    assert plan_pipeline(write(tuning=tuning)).workload.counted


def test_what_does_not_fit_is_not_timed(write, monkeypatch):
    def timed(*_):
        raise AssertionError

    monkeypatch.setattr(plan_module, "seconds_per_step", timed)
    monkeypatch.setattr(plan_module, "this_machine", lambda: {"this CPU": 100.0})
    plan = plan_pipeline(write())
    assert plan.seconds is None and plan.workload.counted
    assert re.fullmatch(r"lora takes [\d,]+ MiB, and 100 are free", plan.untimed)
    monkeypatch.undo()
    monkeypatch.setattr(plan_module, "seconds_per_step", timed)
    untimed = plan_pipeline(write(generation={"device": "cuda"})).untimed
    assert 'generation.device: "cuda" cannot be used here' in untimed


def test_a_plan_with_weights_times_real_steps_and_keeps_nothing(write, state_folder):
    plan = plan_pipeline(write())
    assert plan.workload.counted and plan.workload.tokens <= 1000
    assert plan.seconds_per_step > 0
    assert plan.seconds == pytest.approx(plan.seconds_per_step * plan.workload.steps)
    assert not (state_folder / "adapters").exists()
    for method in METHODS:
        assert plan.memory["cpu"][method].base > 100
        assert all(plan.fits(method).values())
    # Full tuning is in float32 wherever the pipeline names no format.
    dtypes = {place: [setup.dtype for setup in plan.setups[place].values()] for place in plan.setups}
    assert dtypes == {"cpu": ["float32"] * 3, "gpu": ["bfloat16", "bfloat16", "float32"]}


def test_a_config_alone_is_planned_and_its_time_is_unknown(write, tmp_path):
    LLAMA_2_7B.save_pretrained(tmp_path / "config-only")
    plan = plan_pipeline(write(model=str(tmp_path / "config-only")))
    assert plan.seconds is None and not plan.workload.counted
    fits = {method: plan.fits(method) for method in METHODS}
    # 13.5 GB of weights in bfloat16 fill a T4; float32 with gradients and moments takes eight times that.
    assert (fits["qlora"]["T4 16GB"], fits["lora"]["T4 16GB"]) == (True, False)
    assert fits["lora"]["RTX 4090 24GB"]
    assert (fits["full"]["H100 80GB"], fits["full"]["H200 141GB"]) == (False, True)


def test_a_served_model_cannot_be_planned(write):
    with pytest.raises(ModelMissing, match="on a server"):
        plan_pipeline(write(model="endpoint:m@http://127.0.0.1:1/v1"))


@pytest.mark.parametrize(
    ("limit", "used", "expected"), [("max", "5", float("inf")), (str(3 * MIB), str(MIB), 2.0)]
)
def test_the_limit_of_a_container_counts(tmp_path, limit, used, expected):
    assert devices.room_of_container_mb(tmp_path) == float("inf")
    (tmp_path / "memory.max").write_text(limit + "\n")
    (tmp_path / "memory.current").write_text(used + "\n")
    assert devices.room_of_container_mb(tmp_path) == expected
