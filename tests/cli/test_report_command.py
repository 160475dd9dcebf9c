import json
from pathlib import Path

import pytest

from hybrid.evaluation.report import Report

RESULTS = {"cells": {"base": {"metrics": {}}}, "thresholds": [], "verdict": {"choice": "undecided"}}


def row(correct, outcome):
    return {
        "question_id": "q0",
        "cell": "base",
        "group": "g",
        "answerable": True,
        "question": "How long is the warranty?",
        "history": [],
        "references": ["five years"],
        "answer": "It lasts five long years.",
        "raw": "It lasts five long years.",
        "abstained": False,
        "citations": [],
        "phantom_markers": 0,
        "dropped_passages": 0,
        "shown": [],
        "gold": [],
        "pool": [],
        "statements": [],
        "outcome": outcome,
        "metrics": {"correct": {"value": correct, "status": "ok", "reason": ""}},
    }


@pytest.fixture
def runs(tmp_path):
    """Two runs of the same question, of which the second has it wrong."""
    for name, made in (("old", row(1.0, "supported")), ("new", row(0.0, "hallucinated"))):
        Report(RESULTS, [made]).save(tmp_path / name)
    return tmp_path


def test_without_an_option_the_table_is_shown_and_nothing_written(hybrid_command, runs):
    before = {path: path.stat().st_mtime_ns for path in (runs / "old").iterdir()}
    done = hybrid_command("report", runs / "old")
    assert (done.code, done.out.splitlines()[-1]) == (0, str(runs / "old" / "results.json"))
    assert "judge: none" in done.out
    assert {path: path.stat().st_mtime_ns for path in (runs / "old").iterdir()} == before


def test_compare_names_what_flipped_and_leaves_a_page(hybrid_command, runs):
    done = hybrid_command("report", runs / "old", runs / "new", "--compare", "--out", runs / "out")
    assert done.code == 0, done.err
    assert "-100" in done.out and done.out.splitlines()[-1] == f"comparison: {runs / 'out' / 'compare.html'}"
    assert "old → new" in (runs / "out" / "compare.html").read_text()
    done = hybrid_command("report", runs / "old", runs / "new", "--compare", "--json")
    (flip,) = json.loads(done.out)["flips"]
    assert (flip["question_id"], flip["gained"]) == ("q0", False)


def test_redact_writes_beside_the_run(hybrid_command, runs):
    done = hybrid_command("report", runs / "old", "--redact")
    assert done.out.splitlines()[-1] == str(runs / "old" / "redacted" / "results.json")
    assert "five long years" not in (runs / "old" / "redacted" / "report.html").read_text()


@pytest.mark.parametrize(("format", "made"), [("csv", "rows.csv"), ("baseline", "results.json")])
def test_export_prints_what_it_made(hybrid_command, runs, format, made):
    done = hybrid_command("report", runs / "old", "--export", format, "--out", runs / "out")
    assert done.out.strip() == str(runs / "out" / made) and (runs / "out" / made).is_file()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["old", "new"], "needs 1 folder, got 2; add --compare."),
        (["old", "--compare"], "needs 2 folders, got 1."),
        (["old", "--redact", "--export", "csv"], "does not go with --redact: give one of them"),
        (["old", "--redact", "--failures", "x"], "does not go with --redact: give one of them"),
        (["old", "--failures", "x", "--out", "y"], "goes with --judge, --compare, --redact, --export"),
        (["old", "--out", "x"], "goes with --judge, --compare, --redact, --export"),
        (["old", "--export", "xls"], 'Unknown format "xls"'),
    ],
)
def test_what_does_not_fit_together_is_one_line_and_exit_2(hybrid_command, runs, arguments, expected):
    named = [runs / each if each in ("old", "new") else each for each in arguments]
    done = hybrid_command("report", *named)
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert expected in done.err


def test_failures_go_to_a_file_with_a_warning_of_the_leak(hybrid_command, runs):
    path = runs / "wrong.jsonl"
    done = hybrid_command("report", runs / "new", "--failures", path)
    assert (done.code, done.out.splitlines()) == (0, ["1 wrong answers", str(path)]), done.err
    assert "take each one that you accept out of the suite's evaluation questions" in done.err
    made = json.loads(path.read_text())
    assert (made["kind"], made["accept"], made["question"]) == ("failures", None, "How long is the warranty?")
    again = hybrid_command("report", runs / "new", "--failures", path)
    assert (again.code, again.err.count("\n")) == (2, 1) and f"{path} exists already" in again.err
    none = hybrid_command("report", runs / "old", "--failures", runs / "none.jsonl")
    assert (none.code, none.out.splitlines()[0], none.err) == (0, "0 wrong answers", "")


def test_open_opens_the_page(hybrid_command, runs, monkeypatch):
    opened = []
    monkeypatch.setattr("typer.launch", opened.append)
    hybrid_command("report", runs / "old", "--open")
    assert opened == [(runs / "old" / "report.html").as_uri()]


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
