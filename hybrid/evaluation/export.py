"""A finished run for other tools: a table for a spreadsheet, a run for MLflow, a baseline for a later run."""

import calendar
import csv
import gzip
import io
import json
import re
import time
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, get_args

import yaml

from hybrid.errors import UnknownName
from hybrid.evaluation.folder import writing
from hybrid.evaluation.report import PAGE, RESULTS, Report
from hybrid.evaluation.rows import ROWS, VALUES, row_lines, value_rows
from hybrid.evaluation.table import columns

Format = Literal["csv", "mlflow", "baseline"]
FORMATS: tuple[Format, ...] = get_args(Format)

PLAIN = tuple("question_id cell split kind group answerable question answer abstained outcome".split())
MLFLOW_EXPERIMENT = "1"
MLFLOW_PARAMETER = 500
"""MLflow keeps so many characters of a parameter."""

# Blanks, quotes and signs that nobody sees: a spreadsheet looks behind them for the start of a formula.
_SKIPPED = "\\s\"'`´‘’“”«»\0-\x1f\x7f-\x9f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff"
_FORMULA = re.compile(f"[\t\r\n]|[{_SKIPPED}]*[-=+@−＝＋－＠]")


def export(report: Report, format: str, folder: Path) -> Path:
    """Writes a run in another format.

    Args:
        report: a finished run.
        format: ``csv``, ``mlflow`` or ``baseline``.
        folder: where to; it is made if need be.

    Returns:
        The file or folder that was made.

    Raises:
        UnknownName: there is no such format.
        RunError: the folder cannot be written.
    """
    if format not in FORMATS:
        raise UnknownName("format", format, FORMATS)
    with writing(folder):
        match format:
            case "csv":
                return _csv(report, folder)
            case "mlflow":
                return _mlflow(report, folder)
        return _baseline(report, folder)


def defused(text: str) -> str:
    """A cell that no spreadsheet takes for a formula: an apostrophe before one says that it is text."""
    return f"'{text}" if _FORMULA.match(text) else text


def _baseline(report: Report, folder: Path) -> Path:
    """What a later run is held against: figures, question ids and values, none of the texts."""
    asked = dict.fromkeys(row["question_id"] for row in report.rows)
    (folder / "questions.txt").write_text("".join(f"{name}\n" for name in asked), encoding="utf-8")
    lines = row_lines(value_rows(report.rows)).encode()
    # Without a time in its header, so that the same run always gives the same bytes.
    (folder / VALUES).write_bytes(gzip.compress(lines, mtime=0))
    text = json.dumps(report.results, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    (folder / RESULTS).write_text(text, encoding="utf-8")
    return folder / RESULTS


def _csv(report: Report, folder: Path) -> Path:
    rows = [_cells(row) for row in report.rows]
    names = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, names, restval="", quoting=csv.QUOTE_NONNUMERIC)
    writer.writeheader()
    writer.writerows(rows)
    path = folder / "rows.csv"
    path.write_text(text.getvalue(), encoding="utf-8", errors="backslashreplace", newline="")
    return path


def _cells(row: Mapping[str, Any]) -> dict[str, Any]:
    texts = {name: str(row.get(name, "")) for name in PLAIN}
    texts |= {"tags": ", ".join(row.get("tags", ())), "references": " | ".join(row["references"] or ())}
    metrics = {
        name: "" if entry["value"] is None else entry["value"] for name, entry in row["metrics"].items()
    }
    tokens = {name: row[name] for name in ("prompt_tokens", "output_tokens") if name in row}
    return {name: defused(text).replace("\0", "") for name, text in texts.items()} | metrics | tokens


def _mlflow(report: Report, folder: Path) -> Path:
    """A run in the layout of MLflow's file store: one file for each metric, parameter and tag."""
    root = folder / "mlruns"
    experiment = root / MLFLOW_EXPERIMENT
    run = uuid.uuid4().hex
    place, results = experiment / run, report.results
    now = _milliseconds(results)
    if not (experiment / "meta.yaml").exists():
        _write_yaml(experiment / "meta.yaml", _experiment(experiment, now))
    _write_yaml(place / "meta.yaml", _run(place, run, results, now))
    for name, value in _metrics(results):
        _write(place / "metrics" / name, f"{now} {value} 0\n")
    for name, text in _parameters(results.get("provenance", {})):
        _write(place / "params" / name, text[:MLFLOW_PARAMETER])
    for name, text in {"mlflow.runName": _name(results), "verdict": results["verdict"]["choice"]}.items():
        _write(place / "tags" / name, text)
    for name in (RESULTS, ROWS, PAGE):
        if report.folder and (report.folder / name).is_file():
            (place / "artifacts").mkdir(parents=True, exist_ok=True)
            (place / "artifacts" / name).write_bytes((report.folder / name).read_bytes())
    return place


def _name(results: Mapping[str, Any]) -> str:
    return f"{results.get('pipeline', 'pipeline')} on {results.get('suite', 'suite')}"


def _milliseconds(results: Mapping[str, Any]) -> int:
    """When the run was made, as MLflow counts time."""
    created = results.get("provenance", {}).get("created")
    seconds = calendar.timegm(time.strptime(created, "%Y-%m-%dT%H:%M:%SZ")) if created else time.time()
    return int(1000 * seconds)


def _experiment(folder: Path, now: int) -> dict[str, Any]:
    return {
        "artifact_location": folder.resolve().as_uri(),
        "creation_time": now,
        "experiment_id": MLFLOW_EXPERIMENT,
        "last_update_time": now,
        "lifecycle_stage": "active",
        "name": "hybrid",
    }


def _run(folder: Path, run: str, results: Mapping[str, Any], now: int) -> dict[str, Any]:
    return {
        "artifact_uri": (folder / "artifacts").resolve().as_uri(),
        "end_time": now,
        "entry_point_name": "",
        "experiment_id": MLFLOW_EXPERIMENT,
        "lifecycle_stage": "active",
        "run_id": run,
        "run_name": _name(results),
        "run_uuid": run,
        "source_name": "",
        "source_type": 4,
        "source_version": "",
        "start_time": now,
        "status": 3,
        "tags": [],
        "user_id": "",
    }


def _metrics(results: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    figures = {name: column.get("metrics", {}) for name, column in columns(results).items()}
    figures |= {f"effect.{name}": metrics for name, metrics in results.get("effects", {}).items()}
    for name, metrics in figures.items():
        for metric, entry in metrics.items():
            for key, ending in (("mean", ""), ("low", ".low"), ("high", ".high")):
                if entry.get(key) is not None:
                    yield _key(f"{name}.{metric}{ending}"), entry[key]


def _parameters(tree: Mapping[str, Any], place: str = "") -> Iterator[tuple[str, str]]:
    for key, value in tree.items():
        name = f"{place}.{key}" if place else str(key)
        if isinstance(value, Mapping) and name != "adapter.manifest":
            yield from _parameters(value, name)
        elif not isinstance(value, Mapping | list):
            yield _key(name), str(value)


def _key(name: str) -> str:
    """A name with nothing but what MLflow allows, and no part that a file system reads as a place."""
    return re.sub(r"[^A-Za-z0-9_.\- ]", "_", name).lstrip(".")


def _write_yaml(path: Path, data: Mapping[str, Any]) -> None:
    _write(path, yaml.safe_dump(dict(data)))


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
