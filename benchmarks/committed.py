"""Keeps the outcome of a benchmark: JSON in ``results/``, and a table in the README beside this file."""

import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


def arguments(default: int) -> tuple[int, bool]:
    """The number of draws that was asked for, and whether to keep the outcome (``--write``)."""
    numbers = [int(word) for word in sys.argv[1:] if word.isdigit()]
    return (numbers[0] if numbers else default), "--write" in sys.argv


def markdown(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """A table: the first column on the left, numbers on the right."""
    rule = ["---", *("---:" for _ in header[1:])]
    return "\n".join("| " + " | ".join(map(str, row)) + " |" for row in (header, rule, *rows))


def keep(name: str, outcome: dict[str, Any], table: str) -> None:
    """Writes ``results/NAME.json`` and puts the table between the README's marks of that name."""
    (HERE / "results").mkdir(exist_ok=True)
    (HERE / "results" / f"{name}.json").write_text(json.dumps(outcome, indent=1) + "\n", encoding="utf-8")
    readme = HERE / "README.md"
    marked = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", flags=re.DOTALL)
    text = readme.read_text(encoding="utf-8")
    readme.write_text(marked.sub(lambda found: f"{found[1]}{table}\n{found[2]}", text), encoding="utf-8")
