"""`hybrid tune` with rows that are written and not learned."""

import json

import pytest


@pytest.fixture
def file(tmp_path):
    return tmp_path / "rows.jsonl"


def test_rows_are_written_shown_and_not_learned(hybrid_command, warranty, pipeline, file):
    done = hybrid_command("tune", pipeline, "--rows", file, "--set", "tuning.rows=20")
    assert done.code == 0, done.err
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    assert len(rows) == 20 and done.out.splitlines()[-1] == str(file)
    assert not (warranty / "adapters").exists()
    for kind in ("gold", "distractors", "no_context"):
        [shown] = [line for line in done.out.splitlines() if line.startswith(f"── {kind} · ")]
        first = next(row for row in rows if row["kind"] == kind)
        assert shown.endswith(first["question_id"]) and f"→ {first['messages'][-1]['content']}" in done.out


def test_a_file_that_is_there_needs_consent(hybrid_command, warranty, pipeline, file):
    file.write_text("mine")
    done = hybrid_command("tune", pipeline, "--rows", file)
    assert (done.code, done.err.count("\n"), file.read_text()) == (2, 1, "mine")
    assert f"{file} exists already; name another file, or add --replace." in done.err
    command = ("tune", pipeline, "--rows", file, "--replace", "--json", "--set", "tuning.rows=6")
    done = hybrid_command(*command)
    assert done.code == 0, done.err
    told = json.loads(done.out)
    assert (told["path"], told["rows"], sum(told["kinds"].values())) == (str(file), 6, 6)
    assert len(file.read_text().splitlines()) == 6


def test_a_teacher_is_asked_and_its_answers_are_counted(
    hybrid_command, warranty, pipeline, file, tiny_server
):
    address = f"endpoint:tiny@{tiny_server.url}"
    done = hybrid_command("tune", pipeline, "--rows", file, "--teacher", address, "--set", "tuning.rows=8")
    assert done.code == 0, done.err
    host = tiny_server.url.split("/")[2]
    assert f"are sent to {host} (this machine), for the teacher tiny." in done.err
    [counts] = [line for line in done.out.splitlines() if line.startswith("teacher of warranty: ")]
    # Random weights say nothing that could be kept.
    assert "0 kept" in counts and len(tiny_server.requests) > 0


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--replace"], "goes with --rows"),
        (["--lint", "--plan"], "goes without --plan, --rows and --teacher"),
        (["--lint", "--rows", "rows.jsonl"], "goes without --plan, --rows and --teacher"),
        (["--teacher", "gpt"], '--teacher "gpt" is not a model on a server: endpoint:MODEL@URL.'),
        (["--rows", "/nowhere/rows.jsonl"], "/nowhere/rows.jsonl is no place for a file"),
    ],
)
def test_what_does_not_fit_together_is_one_line_and_exit_2(hybrid_command, pipeline, arguments, expected):
    done = hybrid_command("tune", pipeline, *arguments)
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert expected in done.err
