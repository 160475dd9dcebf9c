import json
import os
import signal
import subprocess
import sys
import urllib.parse
import urllib.request

import pytest

ROW = {
    "question_id": "q",
    "group": "g",
    "question": "How long?",
    "history": [],
    "pool": [{"title": "Warranty", "text": "Five years."}],
}


@pytest.fixture
def run_folder(tmp_path):
    """What labelling reads of a run."""
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "results.json").write_text(json.dumps({"cells": {"base": {}}, "references": {}}))
    statements = [
        {"claim": text, "text": text, "pool": "supported"} for text in ("Five years.", "Six years.")
    ]
    (folder / "rows.jsonl").write_text(json.dumps(ROW | {"cell": "base", "statements": statements}))
    return folder


def test_labels_outlive_ctrl_c(run_folder):
    command = [sys.executable, "-m", "hybrid.cli", "judge", "label", str(run_folder)]
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    address = process.stdout.readline().strip()
    page = urllib.request.urlopen(address).read().decode()
    key = page.partition('name="key" value="')[2].partition('"')[0]
    form = urllib.parse.urlencode({"key": key, "label": "supported"}).encode()
    assert "1 of 2 labelled" in urllib.request.urlopen(address, form).read().decode()
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 0
    assert f"1 of 2 labelled, in {run_folder / 'labels.jsonl'}" in said
    assert "The same command continues." in said and f"hybrid report {run_folder}" in said
    assert len((run_folder / "labels.jsonl").read_text().splitlines()) == 1


def test_a_folder_without_a_run_is_one_line_and_exit_2(hybrid_command, tmp_path):
    done = hybrid_command("judge", "label", tmp_path)
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert "not a run" in done.err


PAIRS = [
    {"claim": "The fig is blue.", "evidence": ["Figs grow.", "The fig is blue."], "label": "supported"},
    {"claim": "The fig is red.", "evidence": "The fig is blue.", "label": 0},
    {"claim": "The plum costs 9 euros.", "evidence": "The plum costs 9 euros.", "label": True},
    {"claim": "The plum costs 9 euros.", "evidence": "The plum costs 4 euros.", "label": "not_supported"},
    {"claim": "The plum is old.", "evidence": "The plum is old.", "label": "unclear"},
]
FIGURES = {
    "auc",
    "balanced_accuracy",
    "best_threshold_balanced_accuracy",
    "threshold",
    "calibration_error",
    "n",
    "n_supported",
    "n_failed",
    "overlap_auc",
    "overlap_balanced_accuracy",
    "judge",
    "judge_digest",
}


@pytest.fixture
def labelled(tmp_path):
    path = tmp_path / "pairs.jsonl"
    path.write_text("".join(json.dumps(pair) + "\n" for pair in PAIRS))
    return path


def test_validate_gives_the_figures_of_a_judge(hybrid_command, labelled):
    done = hybrid_command("judge", "validate", labelled, "--judge", "overlap", "--json")
    found = json.loads(done.out)
    assert done.code == 0 and set(found) >= FIGURES
    assert (found["n"], found["n_supported"], found["n_failed"]) == (4, 2, 1)
    # Overlap halves the score where a number is missing, and the fig keeps one word of two: all are ordered.
    assert (found["auc"], found["threshold"]) == (1.0, 0.7)


def test_validate_without_json_says_it_in_words(hybrid_command, labelled):
    done = hybrid_command("judge", "validate", labelled, "--judge", "overlap")
    assert "pairs: 4, 2 of them supported; 1 more without a verdict or a label" in done.out
    assert "AUC: 1.000" in done.out


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["validate", "gone.jsonl"], "gone.jsonl: "),
        (["validate", "gone.jsonl", "--judge", "gpt"], 'Unknown judge "gpt"'),
        (
            ["train", "a", "--validation", "b", "--out", "o", "--share", "fever=2"],
            '"fever=2" is not SOURCE=F',
        ),
    ],
)
def test_what_judge_cannot_do_is_one_line_and_exit_2(hybrid_command, arguments, expected):
    done = hybrid_command("judge", *arguments)
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert expected in done.err


@pytest.mark.slow
def test_the_shipped_judge_tells_a_value_from_another(hybrid_command, labelled):
    found = json.loads(hybrid_command("judge", "validate", labelled, "--json").out)
    assert found["judge"] == "grounding" and found["auc"] == 1.0
