import json
import random
import shlex
from dataclasses import replace

import pytest
from peft import LoraConfig
from safetensors import safe_open

from hybrid.adapters import open_adapter
from hybrid.errors import ModelMismatch, RunError
from hybrid.generation.generator import Generator
from hybrid.models import Weights, locate
from hybrid.specs import GenerationSpec
from hybrid.testing import build_tiny_model
from hybrid.tuning.export import export_adapter, export_warnings, export_weights, serve_commands

SPEC = GenerationSpec(max_new_tokens=12)


def answers(generator, *, tuned=False):
    chooser = random.Random(0)
    asked = [generator.prompt("".join(chooser.choices("abc de", k=40)), ()) for _ in range(12)]
    return [output.text for output in generator.generate(asked, tuned=tuned).outputs]


def test_the_merged_folder_answers_like_base_and_adapter(tiny_weights, tiny_adapter, tmp_path):
    made = export_weights(tiny_adapter, tiny_weights, tmp_path / "merged", "float32")
    unmerged = Generator(tiny_weights, SPEC)
    unmerged.put_on(tiny_adapter)
    tuned = answers(unmerged, tuned=True)
    assert answers(Generator(locate(str(made.path)), SPEC)) == tuned != answers(unmerged)


@pytest.mark.parametrize(("dtype", "shown"), [("bfloat16", "BF16"), ("float16", "F16")])
def test_weights_have_the_format_that_is_asked_for(tiny_weights, tiny_adapter, tmp_path, dtype, shown):
    made = export_weights(tiny_adapter, tiny_weights, tmp_path / "merged", dtype)
    with safe_open(made.path / "model.safetensors", "pt") as file:
        assert {file.get_slice(name).get_dtype() for name in file.keys()} == {shown}
    assert json.loads((made.path / "config.json").read_text())["dtype"] == dtype
    assert (made.path / "tokenizer.json").read_bytes() == (tiny_weights.path / "tokenizer.json").read_bytes()
    assert made.manifest["exported"] == {"from": tiny_adapter.digest, "dtype": dtype}
    assert made.manifest["base"]["digest"] == tiny_weights.digest


def test_whole_weights_are_only_rounded(tiny_weights, tmp_path):
    whole = open_adapter(tiny_weights.path)
    made = export_weights(whole, tiny_weights, tmp_path / "copy", "float32")
    assert (made.whole, made.digest) == (True, whole.digest)
    [command] = serve_commands(whole, tiny_weights, made.path)
    assert "--enable-lora" not in command


def test_nothing_is_overwritten_and_nothing_left_behind(tiny_weights, tiny_adapter, tmp_path):
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "mine.txt").touch()
    with pytest.raises(RunError, match="taken is not an empty folder; name another one"):
        export_weights(tiny_adapter, tiny_weights, tmp_path / "taken")
    with pytest.raises(AttributeError):
        export_weights(tiny_adapter, tiny_weights, tmp_path / "new", "no_format")
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


def test_an_adapter_of_another_architecture_is_refused(tiny_weights, tiny_adapter, tmp_path):
    config = json.loads((tiny_weights.path / "config.json").read_text()) | {"intermediate_size": 24}
    build_tiny_model(tmp_path / "other")
    (tmp_path / "other" / "config.json").write_text(json.dumps(config))
    for export in (export_weights, export_adapter):
        with pytest.raises(ModelMismatch, match="does not fit"):
            export(tiny_adapter, locate(str(tmp_path / "other")), tmp_path / "made")


def test_vllm_is_told_the_merged_folder_or_base_and_adapter(tiny_weights, tiny_adapter, tmp_path):
    merged, unmerged = map(shlex.split, serve_commands(tiny_adapter, tiny_weights, tmp_path / "my model"))
    assert merged[:3] == ["vllm", "serve", str(tmp_path / "my model")]
    assert merged[merged.index("--served-model-name") + 1] == "my model"
    assert unmerged[2] == str(tiny_weights.path)
    assert unmerged[-5:] == [
        "--enable-lora", "--max-lora-rank", "8", "--lora-modules", f"my model={tiny_adapter.path}"
    ]  # fmt: skip
    assert "--quantization" not in unmerged


def test_a_base_of_the_hub_is_served_by_its_id(tiny_adapter, tiny_weights, tmp_path):
    weights = Weights("some/model", tiny_weights.path, "digest")
    assert shlex.split(serve_commands(tiny_adapter, weights, tmp_path)[1])[2] == "some/model"


def test_the_bound_on_the_rank_lets_every_layer_in(tiny_adapter, tiny_weights, tmp_path):
    config = LoraConfig.from_pretrained(tiny_adapter.path)
    config.rank_pattern = {"q_proj": 40}
    config.save_pretrained(tmp_path)
    wide = replace(tiny_adapter, path=tmp_path)
    assert "--max-lora-rank 64" in serve_commands(wide, tiny_weights, tmp_path)[1]


def test_what_was_tuned_in_4_bits_is_served_in_4_bits_and_its_merging_warned_of(
    tiny_adapter, tiny_weights, tmp_path
):
    assert export_warnings(tiny_adapter, tiny_weights) == []
    base = {"name": "tiny", "digest": tiny_weights.digest}
    quantised = replace(tiny_adapter, manifest={"precision": "cuda bfloat16 nf4", "base": base})
    [warning] = export_warnings(quantised, tiny_weights)
    assert "base in 4 bits" in warning and "peft#2321" in warning
    assert "--quantization bitsandbytes" in serve_commands(quantised, tiny_weights, tmp_path)[1]


def test_an_adapter_by_itself_is_rounded_and_answers_on_its_base(tiny_weights, tiny_adapter, tmp_path):
    made = export_adapter(tiny_adapter, tiny_weights, tmp_path / "new" / "half", "float16")
    with safe_open(made.path / "adapter_model.safetensors", "pt") as file:
        assert {file.get_slice(name).get_dtype() for name in file.keys()} == {"F16"}
    assert made.manifest["exported"] == {"from": tiny_adapter.digest, "dtype": "float16"}
    config = json.loads((made.path / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == tiny_weights.name
    generator = Generator(tiny_weights, SPEC)
    generator.put_on(made)
    assert generator.model.dtype == Generator(tiny_weights, SPEC).model.dtype
    assert answers(generator, tuned=True) != answers(generator)
    with pytest.raises(RunError, match="leave out --unmerged"):
        export_adapter(open_adapter(tiny_weights.path), tiny_weights, tmp_path / "other")
