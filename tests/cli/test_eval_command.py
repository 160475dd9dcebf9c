import json
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest
import yaml

UNTUNED = ("--cells", "base,base+rag")


@pytest.fixture
def suite_with(warranty):
    """Makes the suite's file anew with further keys."""

    def write(**keys):
        path = warranty / "suites" / "warranty" / "suite.yaml"
        path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | keys))

    return write


def test_the_main_job_prints_tables_and_last_the_path_of_the_results(
    hybrid_command, warranty, pipeline, tmp_path
):
    done = hybrid_command("eval", pipeline, "--out", tmp_path / "out")
    assert done.code == 0, done.err
    lines = done.out.splitlines()
    assert lines[-1] == str(tmp_path / "out" / "results.json")
    assert any(line.startswith("tuned+rag") for line in lines)
    assert {"results.json", "rows.jsonl", "report.html"} <= {
        path.name for path in (tmp_path / "out").iterdir()
    }
    assert json.loads(Path(lines[-1]).read_text())["pipeline"] == "tiny"


def test_json_is_one_object_and_nothing_else(hybrid_command, warranty, pipeline):
    done = hybrid_command("eval", pipeline, *UNTUNED, "--limit", 2, "--json")
    assert (done.code, len(done.out.splitlines())) == (0, 1)
    assert json.loads(done.out)["questions"]["n"] == 2


def test_without_out_the_run_lies_in_the_state_folder(hybrid_command, warranty, pipeline):
    done = hybrid_command("eval", pipeline, *UNTUNED, "--limit", 2)
    assert Path(done.out.splitlines()[-1]).parent.parent == warranty / "runs"


def test_set_is_typed_and_recorded(hybrid_command, warranty, pipeline):
    done = hybrid_command("eval", pipeline, *UNTUNED, "--limit", 2, "--set", "retrieval.k=1", "--json")
    results = json.loads(done.out)
    assert results["provenance"]["pipeline"]["retrieval"]["k"] == results["retrieval"]["k"] == 1


def test_a_probe_is_measured_beside_its_cell(hybrid_command, warranty, pipeline):
    done = hybrid_command("eval", pipeline, *UNTUNED, "--limit", 2, "--probe", "oracle", "--json")
    assert done.code == 0, done.err
    assert json.loads(done.out)["probes"]["oracle"]["base+rag"]["metrics"]["correct"]["n"] == 2


def test_an_unknown_probe_is_one_line_and_exit_2(hybrid_command, warranty, pipeline):
    done = hybrid_command("eval", pipeline, *UNTUNED, "--probe", "orcale")
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    available = "counterfactual, distractors, oracle, position, regurgitation, stale"
    assert f'Unknown probe "orcale". Available: {available}. Did you mean "oracle"?' in done.err
    assert not (warranty / "runs").exists()


def test_stale_without_a_successor_is_one_line_and_exit_2(hybrid_command, warranty, pipeline):
    done = hybrid_command("eval", pipeline, *UNTUNED, "--probe", "stale")
    assert (done.code, done.out) == (2, "")
    assert "Error: --probe stale needs a suite that names its successor" in done.err
    assert not (warranty / "runs").exists()


def test_a_stale_adapter_is_refused_with_strict(hybrid_command, warranty, pipeline):
    adapter = Path(hybrid_command("tune", pipeline).out.strip())
    learned = json.loads((adapter / "MANIFEST.json").read_text())["sources"][0]["documents"]
    hybrid_command("corpus", "remove", "warranty", learned[0])
    done = hybrid_command("eval", pipeline, "--adapter", adapter, "--strict")
    assert (done.code, done.out) == (2, "")
    refused = done.err.splitlines()[-1]
    assert refused.startswith("Error: Stale: the adapter") and f"such as {learned[0]}." in refused
    done = hybrid_command(
        "eval", pipeline, "--adapter", adapter, "--strict", "--corpus", "warranty@1", "--estimate"
    )
    assert done.code == 0, done.err


def test_a_run_is_continued_only_as_the_same_run(hybrid_command, warranty, pipeline, tmp_path):
    command = ("eval", pipeline, *UNTUNED, "--limit", 2, "--out", tmp_path / "out")
    assert hybrid_command(*command).code == 0
    again = hybrid_command(*command)
    assert (again.code, "--resume" in again.err) == (2, True)
    other = hybrid_command(*command, "--resume", "--seed", 1)
    assert (other.code, "other settings" in other.err) == (2, True)
    assert hybrid_command(*command, "--resume").code == 0


@pytest.mark.parametrize(
    ("thresholds", "code"),
    [
        ({"base.correct": 0.0, "base+rag.hallucination_rate": 1.0}, 0),
        ({"base.correct": 0.0, "base+rag.correct": 0.99}, 1),
        ({"base.hallucination_rate": -0.1}, 1),
    ],
)
def test_a_threshold_that_is_not_reached_is_exit_1(hybrid_command, suite_with, pipeline, thresholds, code):
    suite_with(thresholds=thresholds)
    done = hybrid_command("eval", pipeline, *UNTUNED, "--limit", 2)
    assert done.code == code
    assert done.out.splitlines()[-1].endswith("results.json")
    assert ("Thresholds not reached: " + list(thresholds)[-1] in done.err) == bool(code)


def test_a_drop_against_an_accepted_run_is_exit_1(hybrid_command, suite_with, warranty, pipeline, tmp_path):
    assert hybrid_command("eval", pipeline, *UNTUNED, "--out", tmp_path / "run").code == 0
    accepted = warranty / "suites" / "warranty" / "accepted"
    accepted.mkdir()
    lines = [json.loads(line) for line in (tmp_path / "run" / "rows.jsonl").read_text().splitlines()]
    for line in lines:
        line["metrics"]["correct"] = {"value": 1.0, "status": "ok", "reason": ""}
    (accepted / "rows.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    suite_with(regression={"baseline": "accepted", "most": {"base.correct": 0.05}})
    done = hybrid_command("eval", pipeline, *UNTUNED)
    assert done.code == 1
    assert "Thresholds not reached: base.correct" in done.err
    assert "base.correct: at most 5 points worse than accepted: +100 (" in " ".join(done.out.split())


def test_estimate_stops_before_any_work(hybrid_command, warranty, pipeline, tmp_path):
    done = hybrid_command("eval", pipeline, "--estimate", "--out", tmp_path / "out")
    assert done.code == 0
    assert {line.split(":")[0] for line in done.out.splitlines()} >= {
        "base",
        "tuned+rag",
        "tuning",
        "answering",
    }
    assert not (tmp_path / "out").exists() and not (warranty / "runs").exists()


def test_estimate_is_one_object_with_json(hybrid_command, warranty, pipeline):
    done = hybrid_command("eval", pipeline, "--estimate", "--json")
    assert json.loads(done.out)["estimate"][0].startswith("base: ")


def test_forgetting_is_asked_for_by_a_switch(hybrid_command, warranty, pipeline):
    asked = [
        json.loads(hybrid_command("eval", pipeline, "--limit", 2, "--estimate", "--json", *switch).out)
        for switch in (("--forgetting",), ())
    ]
    told = [any(line.startswith("forgetting: ") for line in found["estimate"]) for found in asked]
    assert told == [True, False]


def test_ctrl_c_is_one_line_and_exit_130(warranty, pipeline):
    endless = ("--set", "tuning.max_steps=100000", "--set", "tuning.rows=40")
    command = [sys.executable, "-m", "hybrid.cli", "eval", str(pipeline), *endless]
    # What a shell starts in the background ignores Ctrl-C, and so would what the tests start there.
    heard = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    process = subprocess.Popen(
        command, env=os.environ.copy(), stderr=subprocess.PIPE, text=True, preexec_fn=heard
    )
    try:
        while process.poll() is None and not list(
            warranty.glob("adapters/*/*.training/checkpoints/*/COMPLETE")
        ):
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=120)
    finally:
        process.kill()
    assert process.returncode == 130, err
    assert err.splitlines()[-1].startswith("Interrupted. ") and "--resume" in err.splitlines()[-1]
    assert "Traceback" not in err
    assert list(warranty.glob("adapters/*/*.training/checkpoints/*/COMPLETE"))
    assert not list(warranty.glob("runs/*/results.json"))
