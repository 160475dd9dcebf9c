import csv

import pytest
import report_sample
import yaml

from hybrid.errors import RunError, UnknownName
from hybrid.evaluation.report import Report, open_report
from hybrid.evaluation.rows import read_values, values_of

RESULTS = report_sample.results() | {"thresholds": []}
ROWS = [report_sample.row("q0"), report_sample.row("q1", "tuned")]


@pytest.fixture
def saved(tmp_path):
    return Report(RESULTS, ROWS).save(tmp_path / "run")


def test_a_row_of_the_table_is_a_question_in_a_column(saved, tmp_path):
    path = saved.export("csv", tmp_path / "out")
    with path.open(encoding="utf-8", newline="") as file:
        read = list(csv.DictReader(file))
    assert [(row["question_id"], row["cell"], row["correct"]) for row in read] == [
        ("q0", "base", "1.0"),
        ("q1", "tuned", "1.0"),
    ]
    assert read[0]["references"] == "five years" and read[0]["prompt_tokens"] == "300"


def test_mlflow_finds_metrics_parameters_and_files(saved, tmp_path):
    run = saved.export("mlflow", tmp_path / "out")
    assert run.parent == tmp_path / "out" / "mlruns" / "1"
    meta = yaml.safe_load((run / "meta.yaml").read_text())
    assert (meta["run_id"], meta["status"], meta["lifecycle_stage"]) == (run.name, 3, "active")
    assert yaml.safe_load((run.parent / "meta.yaml").read_text())["name"] == "hybrid"
    mean = RESULTS["cells"]["tuned+rag"]["metrics"]["correct"]["mean"]
    assert (run / "metrics" / "tuned_rag.correct").read_text().split()[1:] == [str(mean), "0"]
    assert (run / "metrics" / "effect.retrieval.score.low").is_file()
    assert (run / "params" / "packages.numpy").read_text() == "2.0"
    assert {path.name for path in (run / "artifacts").iterdir()} == {
        "results.json",
        "rows.jsonl",
        "report.html",
    }
    again = saved.export("mlflow", tmp_path / "out")
    assert again != run and again.parent == run.parent


def test_a_baseline_holds_the_values_and_no_text(saved, tmp_path):
    saved.export("baseline", tmp_path / "kept")
    assert {path.name for path in (tmp_path / "kept").iterdir()} == {
        "results.json",
        "questions.txt",
        "values.jsonl.gz",
    }
    assert (tmp_path / "kept" / "questions.txt").read_text() == "q0\nq1\n"
    assert (tmp_path / "kept" / "results.json").read_bytes() == (saved.folder / "results.json").read_bytes()
    assert read_values(tmp_path / "kept") == read_values(saved.folder) == values_of(ROWS)
    first = (tmp_path / "kept" / "values.jsonl.gz").read_bytes()
    saved.export("baseline", tmp_path / "again")
    assert (tmp_path / "again" / "values.jsonl.gz").read_bytes() == first


def test_a_lone_surrogate_survives(tmp_path):
    rows = [report_sample.row(text="half \ud83d")]
    assert open_report(Report(RESULTS, rows).save(tmp_path).folder).rows == rows


def test_what_cannot_be_done_is_told_in_one_line(saved, tmp_path):
    with pytest.raises(UnknownName, match='Unknown format "xls". Available: baseline, csv, mlflow'):
        saved.export("xls", tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="choose another folder with --out"):
        saved.export("csv", tmp_path / "file")
