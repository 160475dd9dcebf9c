import json

from transformers import LlamaConfig


def test_a_plan_shows_memory_by_part_what_fits_and_the_time(hybrid_command, warranty, pipeline):
    done = hybrid_command("tune", pipeline, "--plan")
    assert done.code == 0, done.err
    for word in ("LoRA of rank 16", "AdamW", "no activation checkpointing", "float32", "bfloat16", "T4 16GB"):
        assert word in done.out
    header = "method dtype weights gradients optimizer activations logits base total"
    assert [line.split() for line in done.out.splitlines()].count(header.split()) == 2
    assert "3 steps of " in done.out.splitlines()[-1]
    assert not (warranty / "adapters").exists()


def test_a_plan_of_a_config_is_one_object_and_its_time_unknown(hybrid_command, pipeline, tmp_path):
    LlamaConfig(num_hidden_layers=2).save_pretrained(tmp_path / "config")
    arguments = ("tune", pipeline, "--plan", "--model", tmp_path / "config")
    found = json.loads(hybrid_command(*arguments, "--json").out)
    assert found["seconds"] is None and found["model"] == str(tmp_path / "config")
    assert found["places"]["gpu"]["qlora"]["setup"]["dtype"] == "bfloat16"
    assert set(found["fits"]) == {"lora", "qlora", "full"}
    lines = hybrid_command(*arguments).out.splitlines()
    assert lines[-1].endswith(f"time unknown: {tmp_path / 'config'} has no weights here")


def test_a_folder_without_a_config_is_told_in_one_line(hybrid_command, pipeline, tmp_path):
    done = hybrid_command("tune", pipeline, "--plan", "--model", tmp_path)
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert "no config.json here" in done.err


def test_a_plan_goes_without_rows(hybrid_command, pipeline, tmp_path):
    done = hybrid_command("tune", pipeline, "--plan", "--rows", tmp_path / "rows.jsonl")
    assert done.code == 2 and "goes without --rows" in done.err
