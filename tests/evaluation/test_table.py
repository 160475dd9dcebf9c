import report_sample
from rich.console import Console

from hybrid.evaluation.table import (
    blocks,
    closed_book,
    columns,
    markdown,
    memory_blocks,
    notes,
    percent,
    plain,
    probe_blocks,
    table,
)


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


def figure(mean, n=40):
    status = "withheld" if mean is None else "ok"
    reason = "3 questions are known" if mean is None else ""
    return {"mean": mean, "low": mean, "high": mean, "n": n, "status": status, "reason": reason}


def with_memory(**rates):
    return report_sample.results() | {"memory": rates}


def with_probe():
    results = report_sample.results()
    return results | {
        "probes": {"oracle": {cell: results["cells"][cell] for cell in ("base+rag", "tuned+rag")}}
    }


def test_what_the_base_knows_by_itself_is_said():
    entry = {"mean": 0.125, "low": 0.05, "high": 0.3, "n": 40}
    line = closed_book({"cells": {"base": {"metrics": {"correct": entry}}}})
    assert line == (
        "contamination check: without passages the base answers 12 [5, 30] % of the 40 answerable questions "
        "correctly, from memory or by chance"
    )
    results = report_sample.results()
    assert closed_book(results) in plain(results).splitlines()


def test_without_the_base_nothing_is_said_of_what_it_knows():
    results = report_sample.results()
    del results["cells"]["base"]
    assert closed_book(results) is closed_book({}) is None
    withheld = {"cells": {"base": {"metrics": {"correct": {"mean": None, "n": 0}}}}}
    assert closed_book(withheld) is None
    assert "contamination check" not in plain(results)


def test_harm_and_help_are_a_table_with_the_reason_of_what_is_withheld():
    rates = {"harm": figure(None, 3), "silenced": figure(0.25, 3), "help": figure(0.5)}
    (block,) = memory_blocks(with_memory(base=rates))
    assert block.rows[0] == ("base", "– (1)", "25 [25, 25]", "50 [50, 50]", "3", "40")
    assert block.rows[1] == ("tuned", "– (2)", "– (2)", "– (2)", "0", "0")
    assert block.notes == ("(1) 3 questions are known", "(2) not measured")
    assert block in blocks(with_memory(base=rates))


def test_without_enough_questions_there_is_no_table_of_harm_and_help():
    rates = {"harm": figure(None, 3), "help": figure(None, 4)}
    assert memory_blocks(with_memory(base=rates, tuned=rates)) == memory_blocks({}) == []


def test_probes_are_rows_beneath_cells_and_references():
    rows = [
        line.split(" | ")[0].removeprefix("| ") for line in plain(with_probe()).splitlines() if "|" in line
    ]
    names = [*report_sample.COLUMNS, "oracle/base+rag", "oracle/tuned+rag"]
    assert rows[:10] == ["percent", "---", *names]
    text = printed(with_probe(), width=110)
    assert "oracle/tuned+rag " in text
    assert max(len(line.rstrip()) for line in text.splitlines()) <= 110


def test_markdown_is_one_table_of_the_metrics_asked_for_without_notes():
    lines = markdown(with_probe(), ["correct", "recall_at_k"]).splitlines()
    assert lines[0] == "| percent | correct | recall at k | n |"
    assert len(lines) == 2 + 8
    base = next(line for line in lines if line.startswith("| base |"))
    assert base.split(" | ")[2:] == ["–", "40 |"]
    assert lines[-1].startswith("| oracle/tuned+rag | ")


def probe_results(**probes):
    return {"probes": {name: {"base+rag": figures} for name, figures in probes.items()}}


def rate(mean, n=40, reason="", **more):
    return {"mean": mean, "low": mean, "high": mean, "n": n, "reason": reason, **more}


def test_each_probe_has_a_block_of_what_it_found():
    found = probe_results(
        distractors={"harm": rate(0.15), "harm_known": rate(None, 3, "3 questions are right")},
        counterfactual={"right": rate(0.5), "skipped": {"the answer is a list": 2}},
        position={"first": rate(0.75), "largest": rate(-0.5, **{"from": "first", "to": "middle"})},
    )
    harm, position, swapped = probe_blocks(found).values()
    assert harm.rows == (("base+rag", "15 [15, 15]", "– (1)", "40"),)
    assert harm.notes == ("(1) 3 questions are right",)
    assert position.notes[-1] == "base+rag: the largest difference is from gold first to gold middle"
    assert position.rows[0][1] == "75 [75, 75]" and position.rows[0][4] == "-50 [-50, -50]"
    assert swapped.notes[-1] == "not swapped: 2 questions, the answer is a list"
    assert probe_blocks({}) == probe_blocks(probe_results(oracle={"metrics": {}})) == {}


def test_what_a_probe_found_without_a_column_is_no_row_of_the_cells():
    found = probe_results(regurgitation={"canary_rate": rate(0.0)}, oracle={"metrics": {}})
    assert list(columns(found)) == ["oracle/base+rag"]


def test_questions_that_were_not_asked_are_named():
    asked = {"n": 3, "n_seen": 0, "n_unseen": 3, "skipped": 12, "skipped_ids": [f"q{n}" for n in range(12)]}
    (line,) = (line for line in notes({"questions": asked}) if line.startswith("not asked"))
    assert line.endswith(": q0, q1, q2, q3, q4, q5, q6, q7, q8, q9 and 2 more")
    assert notes({"questions": asked | {"skipped_ids": []}})[0].startswith("questions: 3")
