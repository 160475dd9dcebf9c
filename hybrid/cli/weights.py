"""``hybrid models``: which weights are here, and how the others come."""

from typing import Annotated, Any

import typer

from hybrid import models
from hybrid.cli.terminal import TerminalProgress, print_json

app = typer.Typer(help="Weights: where they are, their licence and digest.", no_args_is_help=True)


@app.command("list")
def list_models(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
) -> None:
    """List the bundled models."""
    rows: dict[str, dict[str, Any]] = {
        name: {
            "role": model.role,
            "here": models.is_here(name),
            "licence": model.licence,
            "sha256": model.sha256,
            "note": model.note,
        }
        for name, model in models.BUNDLED.items()
    }
    if as_json:
        print_json(rows)
        return
    for name, row in rows.items():
        place = "here" if row["here"] else f"bring it with: hybrid models pull {name}"
        typer.echo(f"{name}  {row['role']}  {row['licence']}  {row['sha256'][:12]}  {row['note']}  ({place})")


@app.command()
def pull(name: Annotated[str, typer.Argument(help="A bundled name or a hub id.")]) -> None:
    """Bring a model to this machine."""
    typer.echo(models.pull(name, TerminalProgress().say).path)
