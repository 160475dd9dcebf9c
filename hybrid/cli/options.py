"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

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
