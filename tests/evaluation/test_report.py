import json
from copy import deepcopy

import pytest
from report_sample import results, row

from hybrid.errors import BadInput
from hybrid.evaluation.report import Report, open_report

RESULTS = results() | {"thresholds": []}
ROWS = [row("q0"), row("q1", "base+rag", text="two\u2028lines")]
REPORT = Report(RESULTS, ROWS)


def test_a_saved_report_reads_back(tmp_path):
    saved = REPORT.save(tmp_path / "run")
    opened = open_report(tmp_path / "run")
    assert (opened.results, opened.rows, opened.folder) == (RESULTS, ROWS, tmp_path / "run")
    assert saved.path("results.json") == str(tmp_path / "run" / "results.json")


def test_three_files_are_left_and_nothing_else(tmp_path):
    REPORT.save(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"results.json", "rows.jsonl", "report.html"}
    lines = (tmp_path / "rows.jsonl").read_text(encoding="utf-8").split("\n")
    assert [json.loads(line)["question_id"] for line in lines if line] == ["q0", "q1"]


def test_a_number_that_json_does_not_know_is_never_written(tmp_path):
    broken = deepcopy(RESULTS)
    broken["cells"]["base"]["metrics"]["seconds"]["mean"] = float("nan")
    with pytest.raises(ValueError, match="not JSON compliant"):
        Report(broken, ROWS).save(tmp_path)
    assert not (tmp_path / "results.json").exists()


def test_a_folder_without_results_is_no_finished_run(tmp_path):
    with pytest.raises(BadInput, match="did not end"):
        open_report(tmp_path)


def test_effects_verdict_and_failed_thresholds_are_at_hand():
    thresholds = [{"name": "base.correct", "passed": False}, {"name": "tuned.correct", "passed": True}]
    report = Report(RESULTS | {"thresholds": thresholds}, ROWS)
    assert report.failed_thresholds == ["base.correct"]
    assert report.effects is RESULTS["effects"] and report.verdict is RESULTS["verdict"]


def test_pandas_gets_a_line_for_each_row():
    frame = REPORT.to_pandas()
    assert list(frame["question_id"]) == ["q0", "q1"]
    assert list(frame["correct"]) == [1.0, 1.0]
