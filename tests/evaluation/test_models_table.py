import json

import pytest
from rich.console import Console

from hybrid.evaluation.models_table import compare, models_blocks, models_table
from hybrid.evaluation.report import Report

SERVED = "endpoint:big@https://a.org/v1"
PRICES = {"big": {"price": {"prompt": 2.0, "output": 10.0}}}


def report(tmp_path, name, right, *, reverse=False):
    """A run of ``base`` on four questions; those in ``right`` are correct, for 1,000 + 100 tokens."""
    figure = {"low": 0, "high": 1, "n": 4, "status": "ok", "reason": "", "n_failed": 0, "n_not_applicable": 0}
    means = {"correct": len(right) / 4, "score": 0.0, "hallucination_rate": 0.0}
    totals = {"prompt_tokens": 1000.0, "output_tokens": 100.0, "seconds": 6.0}
    cells = {"base": {"metrics": {k: figure | {"mean": v} for k, v in (means | totals).items()}}}
    rows = [
        {
            "question_id": f"q{n}",
            "cell": "base",
            "group": f"g{n}",
            "metrics": {
                metric: {"value": value, "status": "ok", "reason": ""}
                for metric, value in (
                    ("correct", float(n in right)),
                    ("score", 0.0),
                    ("hallucination_rate", 0.0),
                )
            },
        }
        for n in range(4)
    ]
    provenance = {"model": {"name": name}, "pipeline": {"generation": {"by_model": PRICES}}}
    results = {"suite": "s", "cells": cells, "references": {}, "provenance": provenance}
    return Report(results, rows[::-1] if reverse else rows, tmp_path / name.partition(":")[0])


@pytest.fixture
def compared(tmp_path):
    # The big model is right on 0, 1, 2, the small one on 0; the rows stand in another order.
    return compare(
        {
            "small": report(tmp_path, "small", {0}),
            SERVED: report(tmp_path, SERVED, {0, 1, 2}, reverse=True),
        }
    )


def test_differences_are_paired_by_question(compared):
    (pair,) = compared["differences"]
    assert (pair["a"], pair["b"]) == ("small", SERVED)
    difference = pair["columns"]["base"]["correct"]
    # 3/4 − 1/4, by question 0, 1, 1, 0.
    assert (difference["mean"], difference["n"]) == (0.5, 4)
    assert difference["low"] < 0.5 < difference["high"]


def test_a_right_answer_has_a_price_on_a_server_and_seconds_everywhere(compared):
    small = compared["models"]["small"]["columns"]["base"]
    big = compared["models"][SERVED]["columns"]["base"]
    assert (small["usd"], small["usd_per_right_answer"], small["seconds_per_right_answer"]) == (
        None,
        None,
        6.0,
    )
    # 1,000 · $2 + 100 · $10, a million each: $0.003, for three right answers.
    assert big["usd"] == pytest.approx(0.003)
    assert big["usd_per_right_answer"] == pytest.approx(0.001)
    assert big["seconds_per_right_answer"] == 2.0


def test_without_a_right_answer_there_is_no_price_of_one(tmp_path):
    made = compare({"none": report(tmp_path, "none", set())})
    base = made["models"]["none"]["columns"]["base"]
    assert (base["right"], base["seconds_per_right_answer"]) == (0, None)
    assert models_blocks(made)[0].rows[0][-2:] == ("–", "–")


def test_the_file_names_the_folders_of_the_runs(compared):
    assert compared["models"]["small"]["results"] == "small/results.json"
    assert json.loads(json.dumps(compared)) == compared


def test_the_table_shows_models_differences_and_prices(compared):
    console = Console(width=160, record=True)
    console.print(models_table(compared))
    text = console.export_text()
    assert "$0.00100" in text and "+50" in text and f"{SERVED} − small" in text
