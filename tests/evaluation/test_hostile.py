import csv
import io

import pytest
import report_sample
from hostile import HOSTILE
from page_reader import assert_safe

from hybrid.evaluation.export import defused
from hybrid.evaluation.page.document import render, visible
from hybrid.evaluation.report import Report


def hostile_row(text, number):
    row = report_sample.row(hostile=text) | {"outcome": "supported", "tags": [text]}
    row["citations"] = [{"marker": "[1]", "passage": 7}]
    return row | {"question_id": f"{number}{text}"}


def hostile_results(text):
    results = report_sample.results()
    gate = {"passed": False, "failed": [text], "limits": {text: text}}
    figure = results["cells"]["base"]["metrics"]["correct"] | {"reason": text}
    return results | {
        "suite": text,
        "pipeline": text,
        "power": text,
        "assumptions": {text: text},
        "by_tag": {text: {"n": 1, "cells": results["cells"]}},
        "systems": {text: results["cells"]["base"]},
        "probes": {text: {text: {"harm": figure}}},
        "judge": {"name": text, "digest": text, "labels": {"n": 1, "flip": text, "cells": {text: figure}}},
        "ragas": {"label": text, "cells": {text: {text: figure}}},
        "forgetting": {text: {text: figure}, "gate": gate},
        "verdict": results["verdict"] | {"choice": text, "sentence": text, "flip": text},
        "provenance": {text: [text, {text: text}], "warnings": [text]},
        "thresholds": [{"name": text, "passed": False, "text": text}],
        "eight_questions": [
            {
                "number": text,
                "name": text,
                "question": text,
                "answer": text,
                "status": text,
                "needs": text,
                "figures": [{"label": text, "mean": 0.5, "low": None, "high": None, "n": 1, "unit": text}],
                "rows": [{"question_id": f"0{text}", "cell": text}],
            }
        ],
    }  # fmt: skip


def test_there_are_enough():
    assert len(set(HOSTILE)) >= 30


def test_hostile_text_stays_text_wherever_it_comes_from():
    rows = [hostile_row(text, number) for number, text in enumerate(HOSTILE)]
    read = assert_safe(render(report_sample.results(), rows))
    for text in HOSTILE:
        # The question, the answer, the passage and its title at least.
        assert read.text.count(visible(text)) >= 4, text


@pytest.mark.parametrize("text", [HOSTILE[1], HOSTILE[4], HOSTILE[15], HOSTILE[18], HOSTILE[21], HOSTILE[22]])
def test_hostile_names_and_reasons_stay_text(text):
    read = assert_safe(render(hostile_results(text), [hostile_row(text, 0)]))
    assert read.text.count(visible(text)) >= 30
    assert len(read.scripts[0]) == len(assert_safe(render({"cells": {}}, [])).scripts[0])


def test_no_cell_of_the_table_is_a_formula(tmp_path):
    rows = [hostile_row(text, number) for number, text in enumerate(HOSTILE)]
    for number, text in enumerate(HOSTILE):
        rows[number] |= {"question": text, "answer": text, "references": [text], "kind": text, "group": text}
    path = Report(report_sample.results(), rows).export("csv", tmp_path)
    read = list(csv.reader(io.StringIO(path.read_text(encoding="utf-8"), newline="")))
    assert {len(row) for row in read} == {len(read[0])} and len(read) == len(HOSTILE) + 1
    assert [cell for row in read for cell in row if "\0" in cell] == []
    for cell in (cell for row in read for cell in row if cell[:1] != "'"):
        assert not cell.lstrip(" \"'\u200b\ufeff\x07\x1b").startswith(("=", "+", "-", "@", "＝", "\t", "\r"))


@pytest.mark.parametrize(
    "text", ["=1", "+1", "-1", "@a", "\t=1", "\r=1", " =1", "\"'=1", "\u200b=1", "＝1", "\n=1"]
)
def test_a_formula_is_defused(text):
    assert defused(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "five years", "2 = 1 + 1", "a-b", "x@y.example", "'quoted'"])
def test_other_text_is_left_as_it_is(text):
    assert defused(text) == text
