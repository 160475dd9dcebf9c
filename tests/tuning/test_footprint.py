import json

import pytest
import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, LlamaConfig

from hybrid.errors import BadInput
from hybrid.tuning.footprint import Setup, footprint, read_auto_config

ROWS, TOKENS = 2, 24
LORA = LoraConfig(r=4, target_modules="all-linear", task_type="CAUSAL_LM")


def config(**changes):
    sizes = {
        "vocab_size": 50,
        "hidden_size": 32,
        "intermediate_size": 80,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
    }
    return LlamaConfig(**sizes | changes)


def setup(method="lora", **changes):
    every = {"rows": ROWS, "tokens": TOKENS, "places": 8, "labels": 6, "rank": 4}
    return Setup(method, **every | {"dtype": "float32", "adapter_dtype": "float32"} | changes)


def really_kept(method, mask, attention="sdpa"):
    """Bytes that autograd keeps in a forward pass of a real model."""
    model = AutoModelForCausalLM.from_config(config(), attn_implementation=attention).train()
    if method == "lora":
        model = get_peft_model(model, LORA).get_base_model()
    kept = {}

    def note(tensor):
        kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage()
        return tensor

    ids = torch.zeros((ROWS, TOKENS), dtype=torch.long)
    attended = torch.ones_like(ids)
    if mask == "padding":
        attended[1, 15:] = 0
    if mask == "pairs":
        attended = torch.zeros((ROWS, 1, TOKENS, TOKENS))
    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        model.base_model(input_ids=ids, attention_mask=attended, use_cache=False)
    own = {each.untyped_storage().data_ptr() for each in (*model.parameters(), *model.buffers())}
    return sum(storage.nbytes() for place, storage in kept.items() if place not in own)


@pytest.mark.parametrize("mask", ["none", "padding", "pairs"])
@pytest.mark.parametrize("method", ["lora", "full"])
def test_what_is_kept_without_weights_is_what_a_real_model_keeps(method, mask):
    assert footprint(config(), setup(method, mask=mask)).kept == really_kept(method, mask)


def test_eager_attention_keeps_its_probabilities():
    found = footprint(config(), setup(attention="eager")).kept
    assert found == pytest.approx(really_kept("lora", "padding", "eager"), rel=0.01)
    assert found > footprint(config(), setup()).kept


def test_a_llama_layer_by_hand():
    found = footprint(config(), setup("full", mask="none"))
    # Each token, in float32: the input of each norm, normalised, and its output 6 × 32; queries and output of
    # attention 2 × 32; keys and values 2 × 16; gate, its SiLU, up, and their product 4 × 80; two reciprocals
    # of root mean squares; a log-sum for each of 4 heads.
    assert found.kept_by_layer == ROWS * TOKENS * 4 * (6 * 32 + 2 * 32 + 2 * 16 + 4 * 80 + 2 + 4) + ROTARY
    assert found.kept_inputs == 2 * ROWS * TOKENS * 4 * 32


ROTARY = 2 * TOKENS * 8 * 4
"""Cosines and sines of 8 dimensions a head: kept by the first layer, shared by the others."""


def test_parameters_and_adapters_by_hand():
    found = footprint(config(), setup())
    layer = 2 * 32 * 32 + 2 * 32 * 16 + 3 * 32 * 80 + 2 * 32
    assert found.parameters == 2 * 50 * 32 + 2 * layer + 32
    # q, o: 32 + 32; k, v: 32 + 16; gate, up, down: 32 + 80; times rank 4
    assert found.trained == 2 * 4 * (2 * 64 + 2 * 48 + 3 * 112)
    assert (found.adapted, found.vocabulary) == (14, 50)
    assert found.weights == 4 * (found.parameters + found.trained)
    assert found.gradients == 4 * found.trained


def test_four_bit_weights_by_hand():
    found = footprint(config(), setup("qlora", adapter_dtype="bfloat16"))
    linear = 2 * (2 * 32 * 32 + 2 * 32 * 16 + 3 * 32 * 80)
    # 4.127 bits (0.127 for the constants, 2305.14314); embeddings, output layer and norms stay as they are
    expected = linear * 4.127 / 8 + 4 * (found.parameters - linear) + 2 * found.trained
    assert found.weights == pytest.approx(expected, rel=1e-3)
    assert found.dequantised == 4 * 32 * 80


def test_an_adapter_in_another_format_keeps_its_input_again():
    alike = footprint(config(), setup(dtype="bfloat16", adapter_dtype="bfloat16")).kept
    assert footprint(config(), setup(dtype="bfloat16")).kept > 1.3 * alike


def test_named_layers_alone_are_adapted():
    assert footprint(config(), setup(targets=("q_proj", "v_proj"))).adapted == 4


def test_tied_weights_count_once():
    tied = footprint(config(tie_word_embeddings=True), setup("full"))
    assert footprint(config(), setup("full")).parameters == tied.parameters + 50 * 32


@pytest.mark.parametrize(
    "content",
    [{"model_type": "nonesuch"}, {}, {"model_type": "vit"}],
    ids=["unknown", "empty", "no language"],
)
def test_a_config_that_is_no_language_model_is_refused(tmp_path, content):
    (tmp_path / "config.json").write_text(json.dumps(content))
    with pytest.raises(BadInput, match="config.json"):
        read_auto_config(tmp_path)
