import report_sample
from rich.console import Console

from hybrid.evaluation.table import percent, plain, table


def printed(results, width=200):
    console = Console(width=width, record=True, file=open("/dev/null", "w"))
    with console.file:
        console.print(table(results))
        return console.export_text()


def test_percent():
    assert percent({"mean": 0.524, "low": 0.43, "high": 0.61}) == "52 [43, 61]"
    assert percent({"mean": 0.05, "low": -0.01, "high": 0.11}, signed=True) == "+5 [-1, +11]"
    assert percent({"mean": None}) == percent(None) == "–"


def test_it_fits_and_names_everything():
    text = printed(report_sample.results())
    assert max(len(line.rstrip()) for line in text.splitlines()) <= 110
    for word in (*report_sample.COLUMNS, "interaction", "misled"):
        assert word in text
    assert "judge: overlap (not validated); ragas formula" in text


def test_a_missing_figure_has_a_note():
    lines = plain(report_sample.results()).splitlines()
    base = next(line for line in lines if line.startswith("| base |") and "–" in line)
    assert "– (1)" in base
    assert "(1) nothing was retrieved" in lines


def test_markdown_rows_are_as_long_as_their_header():
    results = report_sample.results()
    results["references"] = {"a|b\nc": results["cells"]["base"]}
    text = plain(results)
    assert "a\\|b c" in text
    widths = [line.replace("\\|", "").count("|") for line in text.splitlines() if line.startswith("|")]
    # bars: one more than columns. 8 columns and 6 columns of figures, 5 of effects, 9 of outcomes
    assert widths == [9] * 7 + [7] * 7 + [6] * 5 + [10] * 7


def test_the_verdict_stands_beneath():
    results = report_sample.results()
    assert results["verdict"]["sentence"] in plain(results)


def test_square_brackets_of_names_are_no_markup():
    results = report_sample.results()
    results["references"] = {"[red]x": results["cells"]["base"]}
    assert "[red]x" in printed(results)


def test_an_empty_run_still_prints():
    assert "judge: none" in plain({"cells": {}})
