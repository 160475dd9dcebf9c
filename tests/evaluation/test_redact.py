import json

import pytest
import report_sample

from hybrid.errors import RunError
from hybrid.evaluation.redact import BLANK, redact
from hybrid.evaluation.report import Report

SECRET = " Vandelay-7731"
ROWS = [
    report_sample.row(cell=cell, hostile=SECRET) | {"tags": ["tag" + SECRET], "outcome": "supported"}
    for cell in ("base", "tuned+rag")
]
RESULTS = report_sample.results() | {
    "thresholds": [],
    "questions": report_sample.results()["questions"] | {"skipped": 1, "skipped_ids": ["gone" + SECRET]},
    "by_tag": {"tag" + SECRET: {"n": 1, "cells": {}}},
    "verdict": report_sample.results()["verdict"]
    | {
        "sentences": [
            {"text": "It pays.", "rows": [{"question_id": "q0" + SECRET, "cell": "base"}]},
            {"text": f"Nobody knows b.md{SECRET} by heart.", "rows": []},
        ]
    },
    "provenance": {
        "seed": 3,
        "warnings": ["Stale: it learned from 1 documents that are gone, such as gone.md" + SECRET + "."],
        "pipeline": {"description": SECRET, "retrieval": {"k": 2, "embedder": SECRET}},
        "adapter": {"digest": "abc", "manifest": {"documents": ["a.md" + SECRET]}},
        "retrained": {"digest": "def", "manifest": {"documents": ["a.md" + SECRET]}},
    },
    "unknown": {"anything": SECRET},
}


def everything(path):
    return "".join(file.read_text(encoding="utf-8") for file in sorted(path.iterdir()))


def test_no_text_is_left_in_any_file(tmp_path):
    Report(RESULTS, ROWS).save_redacted(tmp_path)
    told = everything(tmp_path)
    row = ROWS[0]
    texts = [row["question"], row["answer"], row["raw"], row["references"][0], row["statements"][0]["text"]]
    texts += [
        each[key] for each in row["pool"] for key in ("document", "title", "locator", "text") if each[key]
    ]
    texts += [turn[key] for turn in row["history"] for key in ("question", "answer")]
    assert [text for text in {*texts, SECRET.strip(), "Vandelay"} if text in told] == []


def test_figures_verdicts_and_numbers_stay():
    results, rows = redact(RESULTS, ROWS)
    assert results["cells"] == RESULTS["cells"] and results["effects"] == RESULTS["effects"]
    assert results["provenance"]["pipeline"] == {"retrieval": {"k": 2}}
    assert results["provenance"]["adapter"] == {"digest": "abc"}
    assert results["provenance"]["retrained"] == {"digest": "def"}
    assert list(results["by_tag"]) == ["tag 1"] and "unknown" not in results
    assert results["verdict"]["sentences"] == [
        {"text": "It pays.", "rows": [{"question_id": "1", "cell": "base"}]},
        {"text": BLANK, "rows": []},
    ]
    first = rows[0]
    assert (first["question_id"], first["group"], first["kind"], first["tags"]) == (
        "1",
        "group 1",
        "kind 1",
        ["tag 1"],
    )
    assert [statement["pool"] for statement in first["statements"]] == ["supported"]
    assert first["metrics"] == ROWS[0]["metrics"] and first["citations"][0]["passage"] == 7


def test_an_error_of_the_judge_is_not_quoted():
    row = report_sample.row()
    row["metrics"]["correct"] = {
        "value": None,
        "status": "judge_error",
        "reason": "ValueError: got 'the text'",
    }
    assert redact(RESULTS, [row])[1][0]["metrics"]["correct"]["reason"] == "ValueError"


def test_names_of_the_contract_are_no_texts():
    rows = [ROWS[0] | {"question": "score", "kind": "correct", "group": "base"}]
    assert redact(RESULTS, rows)[0]["cells"].keys() == RESULTS["cells"].keys()


def test_a_run_with_its_texts_is_never_overwritten(tmp_path):
    report = Report(RESULTS, ROWS).save(tmp_path)
    with pytest.raises(RunError, match="holds a run with its texts"):
        report.save_redacted(tmp_path)
    assert json.loads((tmp_path / "results.json").read_text()) == RESULTS
    assert report.save_redacted(tmp_path / "shared").folder == tmp_path / "shared"
    report.save_redacted(tmp_path / "shared")
