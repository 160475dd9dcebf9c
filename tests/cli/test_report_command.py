import json
from pathlib import Path

import pytest


@pytest.fixture
def ended(hybrid_command, warranty, pipeline, tmp_path):
    """The folder of a small finished run."""
    run = ("eval", pipeline, "--cells", "base,base+rag", "--limit", 2, "--out", tmp_path / "run")
    assert hybrid_command(*run).code == 0
    return tmp_path / "run"


def test_a_run_is_judged_again_into_a_folder_of_its_own(hybrid_command, warranty, ended, tmp_path):
    before = (ended / "results.json").read_bytes()
    done = hybrid_command("report", ended, "--judge", "overlap", "--out", tmp_path / "again")
    assert (done.code, done.out.splitlines()[-1]) == (0, str(tmp_path / "again" / "results.json")), done.err
    assert (ended / "results.json").read_bytes() == before
    first, again = (
        json.loads((folder / "results.json").read_text()) for folder in (ended, tmp_path / "again")
    )
    assert again["cells"] == first["cells"] and again["provenance"]["judged_again"]
    done = hybrid_command("report", ended, "--judge", "overlap")
    assert Path(done.out.splitlines()[-1]).parent.parent == warranty / "runs"


def test_judging_again_needs_a_judge_that_is_known(hybrid_command, ended, tmp_path):
    done = hybrid_command("report", ended, "--judge", "gpt")
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert 'Unknown judge "gpt". Available: classifier:MODEL, ' in done.err
    done = hybrid_command("report", ended, "--out", tmp_path / "again")
    assert (done.code, "goes with --judge" in done.err) == (2, True)
