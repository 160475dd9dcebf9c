"""``hybrid models``: which weights are here, how the others come, and tuned ones for other programs."""

from pathlib import Path
from typing import Annotated, Any

import typer

from hybrid import models
from hybrid.cli.terminal import TerminalProgress, print_json
from hybrid.specs import NumberFormat

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


@app.command()
def export(
    adapter: Annotated[Path, typer.Argument(help="What `hybrid tune` made, or any PEFT folder.")],
    folder: Annotated[Path, typer.Argument(help="Where the weights go; made, or empty.")],
    model: Annotated[
        str | None, typer.Option("--model", help="The base, where the adapter has no manifest.")
    ] = None,
    dtype: Annotated[
        NumberFormat, typer.Option("--dtype", help="Number format of the weights.")
    ] = "bfloat16",
    unmerged: Annotated[
        bool, typer.Option("--unmerged", help="The adapter by itself, in that number format.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
) -> None:
    """Merge an adapter into its base, as 16-bit weights; prints how vLLM serves them, and the folder."""
    from hybrid.adapters import open_adapter
    from hybrid.tuning.export import export_adapter, export_warnings, export_weights, serve_commands

    progress = TerminalProgress()
    opened = open_adapter(adapter)
    base = model or opened.manifest.get("base", {}).get("name")
    if base is None:
        raise typer.BadParameter(f"{adapter} does not tell its base; name it.", param_hint="--model")
    weights = models.locate(base, progress.say)
    made = (export_adapter if unmerged else export_weights)(opened, weights, folder, dtype)
    for warning in export_warnings(opened, weights):
        progress.say(warning)
    # Of what is not merged the base is needed as well: the last command serves both.
    commands = (
        serve_commands(made, weights, folder)[-1:] if unmerged else serve_commands(opened, weights, folder)
    )
    if as_json:
        print_json({"path": str(made.path), "digest": made.digest, "serve": commands})
    else:
        typer.echo("\n".join([*commands, str(made.path)]))
