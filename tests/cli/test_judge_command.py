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
