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
