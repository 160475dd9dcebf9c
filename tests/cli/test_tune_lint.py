import json

import pytest


@pytest.fixture
def rows_file(tmp_path):
    def rows_file(*pairs):
        path = tmp_path / "rows.jsonl"
        path.write_text("".join(json.dumps({"prompt": a, "completion": b}) + "\n" for a, b in pairs))
        return path

    return rows_file


def rules(findings, level):
    return [finding["rule"] for finding in findings["findings"] if finding["level"] == level]


def test_the_rows_of_a_pipeline_are_checked_and_not_learned(hybrid_command, warranty, pipeline):
    done = hybrid_command("tune", pipeline, "--lint")
    assert done.code == 0, done.err
    *lines, last = done.out.splitlines()
    assert any(line.startswith("warning: general-share: ") for line in lines)
    assert last.startswith("8 rows: 0 errors, ")
    assert not (warranty / "adapters").exists()
    found = json.loads(hybrid_command("tune", pipeline, "--lint", "--json").out)
    assert (found["rows"], found["errors"]) == (8, 0)
    assert [f"{finding['level']}: {finding['rule']}: " for finding in found["findings"]] == [
        line[: line.index(": ", line.index(": ") + 2) + 2] for line in lines
    ]


def test_rows_that_do_not_fit_are_an_error(hybrid_command, warranty, pipeline):
    limited = ("tune", pipeline, "--lint", "--set", "tuning.no_context_rows=0.5", "--json", "--set")
    # Rows without passages fit, the others do not.
    done = hybrid_command(*limited, "tuning.max_row_tokens=260")
    assert done.code == 1, done.err
    assert "no-labels" in rules(json.loads(done.out), "error")
    done = hybrid_command(*limited, "tuning.max_row_tokens=40")
    assert done.code == 2 and "no training row fits into 40 tokens" in done.err


def test_rows_of_a_file_are_checked(hybrid_command, warranty, pipeline, rows_file):
    fine = rows_file(("Name a fruit.", "Fig."), ("Name a tree.", "Oak."))
    done = hybrid_command("tune", pipeline, "--lint", "--data", fine, "--json")
    assert (done.code, rules(json.loads(done.out), "warning")) == (0, ["general-share"])
    planted = rows_file(("Name a fruit.", "Fig."), ("Name a tree.", ""), ("Name a fruit.", "Fig."))
    done = hybrid_command("tune", pipeline, "--lint", "--data", planted)
    assert done.code == 1
    assert done.out.splitlines()[0].startswith("error: empty-target: row 2: ")
    assert done.out.splitlines()[1].startswith("warning: duplicate: row 3: ")


def test_a_question_of_the_evaluation_is_found_in_a_file(hybrid_command, warranty, pipeline, rows_file):
    questions = (f"How many years of warranty has the X{n}?" for n in range(1, 9))
    leaked = rows_file(*((question, "Two years.") for question in questions))
    done = hybrid_command("tune", pipeline, "--lint", "--data", leaked, "--json")
    assert done.code == 1
    assert rules(json.loads(done.out), "error") == ["evaluation-question"]


def test_a_bad_file_is_named(hybrid_command, warranty, pipeline, tmp_path):
    (tmp_path / "rows.jsonl").write_text('{"text": "What?"}\n')
    done = hybrid_command("tune", pipeline, "--lint", "--data", tmp_path / "rows.jsonl")
    assert (done.code, done.out) == (2, "")
    assert "rows.jsonl:1: none of the known forms" in done.err


def test_data_is_only_checked(hybrid_command, tmp_path):
    done = hybrid_command("tune", "--data", tmp_path / "rows.jsonl")
    assert done.code == 2 and "add --lint" in done.err
