"""Options that several commands share."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from hybrid.errors import BadSpec

Pipeline = Annotated[str, typer.Argument(help="A built-in pipeline or a YAML file.")]
Suite = Annotated[str | None, typer.Option("--suite", help="Another suite than the pipeline's own.")]
Corpus = Annotated[
    str | None,
    typer.Option(
        "--corpus", help="Another corpus than the suite's own: NAME, NAME@GENERATION, or files to read."
    ),
]
AdapterFolder = Annotated[
    Path | None,
    typer.Option(
        "--adapter", help="A PEFT folder, a shipped adapter or a tuned model's folder, not tuning one."
    ),
]
Strict = Annotated[
    bool,
    typer.Option("--strict", help="Refuse an adapter that learned from documents changed or gone since."),
]
Seed = Annotated[int, typer.Option("--seed", help="Of everything that is drawn.")]
Set = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="One value of the pipeline.")
]
Json = Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")]
Where = Annotated[
    list[str] | None,
    typer.Option(
        "--where", metavar="KEY=VALUE", help="Only documents with this metadata; a value may be JSON."
    ),
]


def wanted_metadata(where: list[str] | None) -> dict[str, Any] | None:
    """What ``--where`` says; a value that is no JSON is a text, a list stands for one of its values.

    Raises:
        BadSpec: one is not ``KEY=VALUE``.
    """
    if not where:
        return None
    wanted: dict[str, Any] = {}
    for text in where:
        key, separator, value = text.partition("=")
        if not key or not separator:
            raise BadSpec(f'--where "{text}" is not KEY=VALUE, for example lang=en.')
        try:
            wanted[key] = json.loads(value)
        except json.JSONDecodeError:
            wanted[key] = value
    return wanted
