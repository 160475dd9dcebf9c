"""The lines of ``rows.jsonl``, written and read back, and the values in them as a table."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hybrid.errors import BadInput
from hybrid.questions import read_text
from hybrid.records import Status, Value

ROWS = "rows.jsonl"
VALUES = "values.jsonl.gz"
"""What is kept of the rows as a baseline: no text, only ids and values."""

Row = Mapping[str, Any]
Table = dict[str, dict[str, dict[str, Value]]]


@dataclass(frozen=True, slots=True)
class Values:
    """What the rows of a run are worth.

    Attributes:
        table: column → metric → question id → value.
        groups: question id → cluster.
    """

    table: Table
    groups: Mapping[str, str]


def row_lines(rows: Iterable[Row]) -> str:
    """One line of JSON for each row."""
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def read_rows(path: Path) -> list[Row]:
    """The rows of a file; one that ends in ``.gz`` is unpacked.

    Raises:
        BadInput: the file cannot be read, or a line is no JSON object.
    """
    rows: list[Row] = []
    # Not splitlines(): an answer may hold U+2028, which is no end of a line here.
    for number, line in enumerate(read_text(path).split("\n"), start=1):
        if line:
            try:
                rows.append(json.loads(line))
            except ValueError as exc:
                raise BadInput(str(path), "no JSON object", row=number) from exc
    return rows


def values_of(rows: Iterable[Row]) -> Values:
    """The values of rows by column, metric and question."""
    table: Table = {}
    groups: dict[str, str] = {}
    for row in rows:
        groups[row["question_id"]] = row["group"]
        column = table.setdefault(row["cell"], {})
        for name, entry in row["metrics"].items():
            column.setdefault(name, {})[row["question_id"]] = _value(entry)
    return Values(table, groups)


def value_rows(rows: Sequence[Row]) -> Iterator[Row]:
    """The rows without any text: what a later run needs to be held against this one."""
    for row in rows:
        yield {
            "question_id": row["question_id"],
            "cell": row["cell"],
            "group": row["group"],
            "metrics": {
                name: {key: entry[key] for key in ("value", "status", "weight") if key in entry}
                for name, entry in row["metrics"].items()
                if entry["status"] in (Status.OK, Status.JUDGE_ERROR)
            },
        }


def read_values(folder: Path) -> Values:
    """The values of a finished run, or of a baseline that was made of one.

    Raises:
        BadInput: the folder holds neither rows nor values.
    """
    for name in (ROWS, VALUES):
        if (folder / name).is_file():
            return values_of(read_rows(folder / name))
    raise BadInput(str(folder), f"neither {ROWS} nor {VALUES} here: not a finished run, and no baseline.")


def _value(entry: Mapping[str, Any]) -> Value:
    return Value(entry["value"], Status(entry["status"]), entry.get("reason", ""), entry.get("weight", 1.0))
