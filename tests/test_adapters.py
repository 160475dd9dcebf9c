import json
import shutil
from dataclasses import replace

import pytest
import torch
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import LlamaConfig, LlamaForCausalLM

from hybrid.adapters import (
    MANIFEST,
    WEIGHTS,
    Adapter,
    base_warnings,
    check_fit,
    open_adapter,
    publish,
    shipped_adapters,
)
from hybrid.errors import ModelMismatch, ModelMissing
from hybrid.models import file_digest


def save_adapter(config, folder, targets="all-linear"):
    lora = LoraConfig(r=2, target_modules=targets, task_type="CAUSAL_LM", init_lora_weights=False)
    get_peft_model(LlamaForCausalLM(config), lora).save_pretrained(folder)
    return open_adapter(folder)


@pytest.fixture(scope="module")
def fitting(tiny_weights, tmp_path_factory):
    with torch.random.fork_rng():
        return save_adapter(LlamaConfig.from_pretrained(tiny_weights.path), tmp_path_factory.mktemp("made"))


@pytest.fixture
def made(fitting, tmp_path):
    """A folder of one's own with an adapter."""
    return shutil.copytree(fitting.path, tmp_path / "made")


def test_an_adapter_made_elsewhere_has_no_manifest(made):
    assert open_adapter(made) == Adapter(made, file_digest(made / WEIGHTS), {})


@pytest.mark.parametrize("missing", [WEIGHTS, "adapter_config.json"])
def test_a_folder_without_an_adapter_is_refused(made, missing):
    (made / missing).unlink()
    with pytest.raises(ModelMissing, match=r"made holds no adapter \(adapter_config\.json and"):
        open_adapter(made)


def test_publishing_moves_the_folder_with_its_manifest(made, tmp_path):
    adapter = publish(made, tmp_path / "deep" / "place", {"seed": 3})
    assert (adapter.path, adapter.manifest, made.exists()) == (
        tmp_path / "deep" / "place",
        {"seed": 3},
        False,
    )
    assert open_adapter(adapter.path) == adapter


def test_a_manifest_that_cannot_be_written_publishes_nothing(made, tmp_path):
    with pytest.raises(TypeError):
        publish(made, tmp_path / "place", {"seed": object()})
    assert not (tmp_path / "place").exists()


def test_publishing_replaces_what_was_left_unfinished(made, tmp_path):
    (tmp_path / "place").mkdir()
    (tmp_path / "place" / "left.txt").touch()
    adapter = publish(made, tmp_path / "place", {})
    assert json.loads((adapter.path / MANIFEST).read_text()) == {}
    assert not (adapter.path / "left.txt").exists()


def test_an_adapter_fits_the_architecture_it_was_made_for(fitting, tiny_weights):
    check_fit(fitting, tiny_weights)


@pytest.mark.parametrize(
    "change", [{"hidden_size": 16}, {"num_hidden_layers": 3}, {"num_key_value_heads": 4}]
)
def test_an_adapter_of_another_architecture_is_refused(tiny_weights, tmp_path, change):
    config = LlamaConfig.from_pretrained(tiny_weights.path, **change)
    with pytest.raises(ModelMismatch, match=r"does not fit .*(expected|the base has no layer)[^\n]*$"):
        check_fit(save_adapter(config, tmp_path), tiny_weights)


def test_an_adapter_that_lacks_a_layer_is_refused(made, tiny_weights):
    tensors = load_file(made / WEIGHTS)
    tensors.pop(sorted(tensors)[0])
    save_file(tensors, made / WEIGHTS)
    with pytest.raises(ModelMismatch, match="is missing, expected"):
        check_fit(open_adapter(made), tiny_weights)


@pytest.mark.parametrize("content", [b"", b"no safetensors at all"])
def test_a_damaged_adapter_is_one_line(made, tiny_weights, content):
    (made / WEIGHTS).write_bytes(content)
    with pytest.raises(ModelMismatch, match=r"^[^\n]*does not fit[^\n]*$"):
        check_fit(open_adapter(made), tiny_weights)


def test_other_weights_of_the_same_architecture_are_said(fitting, tiny_weights):
    on_these = replace(fitting, manifest={"base": {"name": "tiny", "digest": tiny_weights.digest}})
    on_others = replace(fitting, manifest={"base": {"name": "other", "digest": "f" * 64}})
    assert [base_warnings(adapter, tiny_weights, "cpu float32") for adapter in (fitting, on_these)] == [
        [],
        [],
    ]
    [warning] = base_warnings(on_others, tiny_weights, "cpu float32")
    assert warning.startswith("Confounded: the adapter was tuned on other (ffffffffffff), and is put on ")


def test_another_precision_is_said(fitting, tiny_weights):
    in_half = replace(fitting, manifest={"precision": "cuda bfloat16"})
    assert base_warnings(in_half, tiny_weights, "cpu float32") == [
        "Confounded: the adapter was tuned in cuda bfloat16, and answers in cpu float32."
    ]


@pytest.fixture
def tuned(tiny_weights, tmp_path):
    """A folder of one's own with the whole weights of a tuned model."""
    return shutil.copytree(tiny_weights.path, tmp_path / "tuned")


def test_whole_weights_are_opened_like_an_adapter(tuned, tiny_weights):
    (tuned / MANIFEST).write_text('{"seed": 3}')
    assert open_adapter(tuned) == Adapter(tuned, tiny_weights.digest, {"seed": 3}, whole=True)
    check_fit(open_adapter(tuned), tiny_weights)


def test_a_folder_with_neither_names_both(tmp_path):
    with pytest.raises(ModelMissing, match=r"holds no adapter \(.*, and no model \(config\.json and model\."):
        open_adapter(tmp_path)


@pytest.mark.parametrize(
    "change", [{"hidden_size": 16}, {"num_hidden_layers": 3}, {"num_hidden_layers": 1}, {"vocab_size": 300}]
)
def test_whole_weights_of_another_architecture_are_refused(tiny_weights, tmp_path, change):
    LlamaForCausalLM(LlamaConfig.from_pretrained(tiny_weights.path, **change)).save_pretrained(tmp_path)
    with pytest.raises(ModelMismatch, match=r"does not fit .*expected[^\n]*$"):
        check_fit(open_adapter(tmp_path), tiny_weights)


def test_whole_weights_that_lack_a_layer_are_refused(tuned, tiny_weights):
    tensors = load_file(tuned / "model.safetensors")
    tensors.pop("model.norm.weight")
    save_file(tensors, tuned / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelMismatch, match=r"does not fit .*: model\.norm\.weight is missing\.$"):
        check_fit(open_adapter(tuned), tiny_weights)


@pytest.mark.parametrize("content", [b"", b"no safetensors at all"])
def test_damaged_whole_weights_are_one_line(tuned, tiny_weights, content):
    (tuned / "model.safetensors").write_bytes(content)
    with pytest.raises(ModelMismatch, match=r"^[^\n]*does not fit[^\n]*$"):
        check_fit(open_adapter(tuned), tiny_weights)


def test_of_whole_weights_another_base_and_precision_are_said_as_well(tuned, tiny_weights):
    made_with = {"base": {"name": "other", "digest": "f" * 64}, "precision": "cpu float32 nf4"}
    whole = replace(open_adapter(tuned), manifest=made_with)
    base, precision = base_warnings(whole, tiny_weights, "cpu float32")
    assert base.startswith("Confounded: the weights were tuned on other (ffffffffffff), and stand beside ")
    assert precision == "Confounded: the weights were tuned in cpu float32 nf4, and answer in cpu float32."


def test_shipped_adapters_are_small_and_open_by_their_name():
    assert "grounded-smollm2-135m" in shipped_adapters()
    for name, folder in shipped_adapters().items():
        adapter = open_adapter(name)
        assert adapter.path == folder and adapter.manifest["exported"]["dtype"] == "float16"
        assert sum(file.stat().st_size for file in folder.iterdir()) < 12e6
        config = json.loads((folder / "adapter_config.json").read_text())
        assert config["base_model_name_or_path"] == adapter.manifest["base"]["name"]
        assert "licence" in (folder / "README.md").read_text()


def test_a_folder_goes_before_a_shipped_name(fitting, tmp_path, monkeypatch):
    [name, *_] = shipped_adapters()
    shutil.copytree(fitting.path, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    assert open_adapter(name).digest == fitting.digest
