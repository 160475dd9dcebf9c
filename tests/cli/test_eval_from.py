import json
from pathlib import Path

import pytest
import yaml

ROWS = Path(__file__).parent.parent / "evaluation" / "four-cells.jsonl"


def test_answers_made_elsewhere_are_shown_as_a_run(hybrid_command, tmp_path):
    done = hybrid_command("eval", "--from", ROWS, "--judge", "overlap", "--out", tmp_path / "out")
    assert done.code == 0, done.err
    assert done.out.splitlines()[-1] == str(tmp_path / "out" / "results.json")
    assert "ragas formula; judge: overlap" in done.out
    again = hybrid_command("report", tmp_path / "out", "--json")
    assert json.loads(again.out)["cells"]["tuned+rag"]["metrics"]["correct"]["mean"] == 1.0


def test_json_judge_and_suite_go_with_it(hybrid_command, tmp_path):
    suite = {"corpus": "c", "questions": "q", "thresholds": {"base.correct": 0.9}}
    (tmp_path / "bar.yaml").write_text(yaml.safe_dump(suite))
    options = ("--json", "--judge", "overlap", "--suite", tmp_path / "bar.yaml")
    done = hybrid_command("eval", "--from", ROWS, *options)
    assert (done.code, json.loads(done.out)["suite"]) == (1, "bar")
    assert "Thresholds not reached: base.correct" in done.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["smoke", "--resume", "--limit", "3"], "leave out the pipeline, --limit, --resume."),
        (["--estimate"], "leave out --estimate."),
        (["--judge", "overlp"], 'Unknown judge "overlp"'),
        (["--suite", "marrowic"], 'Did you mean "marrowick"?'),
    ],
)
def test_what_does_not_go_with_it_is_one_line_and_exit_2(hybrid_command, state_folder, arguments, message):
    done = hybrid_command("eval", "--from", ROWS, *arguments)
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert message in done.err
    assert not (state_folder / "runs").exists()


def test_a_bad_row_is_one_line_and_exit_2(hybrid_command, state_folder, tmp_path):
    (tmp_path / "a.jsonl").write_text('{"user_input": "Why?", "response": "So."}\n{"user_input": "Why?"}\n')
    done = hybrid_command("eval", "--from", tmp_path / "a.jsonl")
    assert (done.code, done.out) == (2, "")
    assert done.err == f"Error: {tmp_path}/a.jsonl:2: response: Field required\n"
    assert not (state_folder / "runs").exists()
