"""Several models on the same questions: their figures, paired differences, the price of a right answer."""

from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Any

from rich.table import Table

from hybrid.endpoint import parse_address
from hybrid.evaluation.columns import COLUMNS, Column
from hybrid.evaluation.intervals import LEVEL, METHOD, paired_difference
from hybrid.evaluation.report import RESULTS, Report
from hybrid.evaluation.scoring import BINARY
from hybrid.evaluation.table import NO_VALUE, Block, Notes, grid, words
from hybrid.generation.budget import cost
from hybrid.models import ENDPOINT
from hybrid.records import Status, Value
from hybrid.specs import GenerationSpec, PriceSpec

SCHEMA_VERSION = 1
METRICS = ("correct", "score", "hallucination_rate")


def compare(reports: Mapping[str, Report]) -> dict[str, Any]:
    """``models.json``: model → its figures in each column, and the difference of every two models.

    Args:
        reports: model → its run, all on the same questions, saved.
    """
    return {
        "schema_version": SCHEMA_VERSION,
        "suite": next(iter(reports.values())).results["suite"],
        "models": {name: _model(report) for name, report in reports.items()},
        "differences": [
            {"a": a, "b": b, "columns": _differences(reports[a], reports[b])}
            for a, b in combinations(reports, 2)
        ],
        "interval": {"method": METHOD, "level": LEVEL},
    }


def models_table(compared: Mapping[str, Any]) -> Table:
    """What the terminal shows of several models."""
    return grid(models_blocks(compared), ())


def models_blocks(compared: Mapping[str, Any]) -> list[Block]:
    """One table of models and columns, one of the differences."""
    notes = Notes()
    rows = [
        (
            name,
            column,
            *(notes.cell(figures["metrics"][metric]) for metric in METRICS),
            str(figures["right"]),
            _number(figures["seconds_per_right_answer"], "{:.1f}"),
            _number(figures["usd_per_right_answer"], "${:.5f}"),
        )
        for name, model in compared["models"].items()
        for column, figures in model["columns"].items()
    ]
    header = ("model, percent", "", *map(words, METRICS), "right", "s a right one", "$ a right one")
    return [Block(header, tuple(rows), notes.lines()), *_difference_blocks(compared)]


def _difference_blocks(compared: Mapping[str, Any]) -> Iterator[Block]:
    for pair in compared["differences"]:
        notes = Notes()
        rows = tuple(
            (column, *(notes.cell(metrics[metric], signed=True) for metric in METRICS))
            for column, metrics in pair["columns"].items()
        )
        yield Block((f"{pair['b']} − {pair['a']}, points", *map(words, METRICS)), rows, notes.lines())


def _model(report: Report) -> dict[str, Any]:
    folder = report.folder.name if report.folder else ""
    return {
        "results": f"{folder}/{RESULTS}",
        "columns": {column.name: _column(report, column) for column in _ran(report)},
    }


def _ran(report: Report) -> list[Column]:
    """Cells and references that were run, in the order of the report."""
    names = {row["cell"] for row in report.rows}
    return [column for column in COLUMNS.values() if column.name in names]


def _column(report: Report, column: Column) -> dict[str, Any]:
    results = report.results
    metrics = (results["cells"] | results["references"])[column.name]["metrics"]
    right = sum(value.value == 1 for value in _values(report, column.name, "correct").values())
    seconds, price = metrics["seconds"]["mean"], _price(results["provenance"], column)
    usd = cost(price, metrics["prompt_tokens"]["mean"], metrics["output_tokens"]["mean"]) if price else None
    return {
        "metrics": {metric: metrics[metric] for metric in METRICS},
        "right": right,
        "seconds": seconds,
        "usd": usd,
        "seconds_per_right_answer": seconds / right if right else None,
        "usd_per_right_answer": usd / right if right and usd is not None else None,
    }


def _price(provenance: Mapping[str, Any], column: Column) -> PriceSpec | None:
    """What the pipeline says of a model on a server; one on this machine costs seconds, not money."""
    name = provenance["model"]["name"]
    if not name.startswith(ENDPOINT):
        return None
    spec = GenerationSpec.model_validate(provenance["pipeline"]["generation"])
    return spec.served(parse_address(name.removeprefix(ENDPOINT))[0]).price


def _differences(a: Report, b: Report) -> dict[str, Any]:
    """Column → metric → b − a on the questions that have a value in both."""
    both = [column.name for column in _ran(a) if column in _ran(b)]
    groups = {row["question_id"]: row["group"] for report in (a, b) for row in report.rows}
    return {
        column: {
            metric: paired_difference(
                _values(a, column, metric), _values(b, column, metric), groups, binary=metric in BINARY
            ).to_json()
            for metric in METRICS
        }
        for column in both
    }


def _values(report: Report, column: str, metric: str) -> dict[str, Value]:
    """Question id → value of one metric in one column."""
    found = {row["question_id"]: row["metrics"][metric] for row in report.rows if row["cell"] == column}
    return {
        question: Value(entry["value"], Status(entry["status"]), entry["reason"])
        for question, entry in found.items()
    }


def _number(value: float | None, form: str) -> str:
    return NO_VALUE if value is None else form.format(value)
