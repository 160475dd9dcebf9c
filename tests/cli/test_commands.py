import json
from pathlib import Path

from hybrid import library


def test_list_names_built_ins_and_ones_own(hybrid_command, warranty):
    lines = dict(line.split(": ") for line in hybrid_command("list").out.splitlines())
    assert {"quickstart", "smoke"} <= set(lines["pipelines"].split(", "))
    assert {"python-reference", "warranty"} <= set(lines["suites"].split(", "))
    assert {"python-reference", "warranty"} <= set(lines["corpora"].split(", "))


def test_copy_makes_a_start_and_overwrites_nothing(hybrid_command, tmp_path):
    done = hybrid_command("copy", "smoke", tmp_path)
    copy = tmp_path / "smoke.yaml"
    assert (done.code, done.out.strip()) == (0, str(copy))
    assert copy.read_bytes() == library.builtin_pipelines()["smoke"].read_bytes()
    copy.write_text("mine")
    again = hybrid_command("copy", "smoke", tmp_path)
    assert (again.code, again.err) == (
        2, f"Error: {copy} exists already; move it away or choose another folder.\n"
    )  # fmt: skip
    assert copy.read_text() == "mine"


def test_copy_makes_the_folder(hybrid_command, tmp_path):
    assert hybrid_command("copy", "smoke", tmp_path / "new" / "folder").code == 0
    assert hybrid_command("copy", "smoke", tmp_path / "new" / "folder" / "smoke.yaml").code == 2


def test_a_copied_pipeline_runs_by_its_path(hybrid_command, warranty, tmp_path):
    copy = hybrid_command("copy", "smoke", tmp_path).out.strip()
    done = hybrid_command("eval", copy, "--suite", "warranty", "--cells", "base", "--limit", 2, "--json")
    assert json.loads(done.out)["pipeline"] == "smoke"


def test_models_list_tells_licence_and_digest(hybrid_command):
    plain = hybrid_command("models", "list").out
    listed = json.loads(hybrid_command("models", "list", "--json").out)
    for name, model in listed.items():
        assert {"role", "here", "licence", "sha256", "note"} == set(model)
        assert f"{name}  {model['role']}  {model['licence']}  {model['sha256'][:12]}" in plain


def test_tune_prints_the_folder_of_the_adapter(hybrid_command, warranty, pipeline):
    done = hybrid_command("tune", pipeline)
    assert done.code == 0, done.err
    folder = Path(done.out.strip())
    assert folder.parent == warranty / "adapters" / "warranty"
    assert {"adapter_model.safetensors", "adapter_config.json", "MANIFEST.json"} <= {
        p.name for p in folder.iterdir()
    }
    again = json.loads(hybrid_command("tune", pipeline, "--json").out)
    assert again["path"] == str(folder)
    assert len(again["manifest"]["losses"]) == 3


def test_without_a_command_there_is_help(hybrid_command):
    done = hybrid_command()
    assert done.code == 2
    assert "Usage: " in done.out and "corpus" in done.out
    assert "Error" not in done.err


def test_help_is_exit_0(hybrid_command):
    assert hybrid_command("eval", "--help").code == 0


def test_models_export_prints_how_it_is_served_and_its_folder(hybrid_command, warranty, pipeline, tmp_path):
    adapter = hybrid_command("tune", pipeline, "--set", "tuning.method=qlora").out.strip()
    done = hybrid_command("models", "export", adapter, tmp_path / "merged", "--dtype", "float32")
    assert done.code == 0, done.err
    merged, unmerged, folder = done.out.splitlines()
    assert folder == str(tmp_path / "merged") and folder in merged and adapter in unmerged
    assert "base in 4 bits" in done.err
    answered = ("eval", pipeline, "--suite", "warranty", "--cells", "tuned", "--limit", 2, "--json")
    assert (
        json.loads(hybrid_command(*answered, "--adapter", folder).out)["cells"]["tuned"]["metrics"][
            "token_f1"
        ]["n"]
        == 2
    )
    again = hybrid_command("models", "export", adapter, tmp_path / "merged")
    assert (again.code, again.out) == (2, "") and "is not an empty folder" in again.err


def test_models_export_of_an_adapter_without_manifest_asks_for_its_base(
    hybrid_command, tiny_adapter, tiny_weights, tmp_path
):
    done = hybrid_command("models", "export", tiny_adapter.path, tmp_path / "merged")
    assert done.code == 2 and "does not tell its base" in done.err
    named = ("--model", tiny_weights.path, "--json")
    made = json.loads(hybrid_command("models", "export", tiny_adapter.path, tmp_path / "merged", *named).out)
    assert made["path"] == str(tmp_path / "merged") and len(made["serve"]) == 2
    alone = ("models", "export", tiny_adapter.path, tmp_path / "alone", "--unmerged", *named)
    made = json.loads(hybrid_command(*alone).out)
    assert made["path"] == str(tmp_path / "alone")
    [serve] = made["serve"]
    assert serve.endswith(f"--lora-modules alone={tmp_path / 'alone'}")


def test_a_full_tuning_is_evaluated_beside_its_base(hybrid_command, warranty, pipeline):
    method = ("--set", "tuning.method=full", "--set", "tuning.learning_rate=0.001")
    done = hybrid_command("eval", pipeline, "--suite", "warranty", *method, "--limit", 3, "--json")
    assert done.code == 0, done.err
    results = json.loads(done.out)
    assert set(results["cells"]) == {"base", "base+rag", "tuned", "tuned+rag"}
    assert results["provenance"]["adapter"]["manifest"]["tuning"]["method"] == "full"
    assert not any("Confounded" in warning for warning in results["provenance"]["warnings"])
