"""``hybrid judge``: how far a judge can be believed."""

from pathlib import Path
from typing import Annotated

import typer

from hybrid.cli.terminal import TerminalProgress

app = typer.Typer(help="Find out how far a judge can be believed.", no_args_is_help=True)


@app.callback()
def judge() -> None:
    """Find out how far a judge can be believed."""


@app.command()
def label(
    run: Annotated[Path, typer.Argument(help="The folder of a finished run.", show_default=False)],
    n: Annotated[int, typer.Option("--n", min=1, help="How many statements in all.")] = 200,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Of the page; 0 takes a free one.")] = 0,
    seed: Annotated[int | None, typer.Option(help="Of the draw; default: as begun, or 0.")] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Another file than labels.jsonl of the run.")
    ] = None,
) -> None:
    """Label statements of a run in the browser, without knowing the cell or the judge's verdict."""
    from hybrid.evaluation.labels import session
    from hybrid.judging.label_page import LabelServer

    progress = TerminalProgress()
    opened = session(run, n=n, seed=seed, out=out)
    with LabelServer(opened, port) as server:
        progress.say(f"{opened.done} of {len(opened.deck)} labelled. Label in the browser, Ctrl-C ends:")
        typer.echo(server.address)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            progress.say("")
    progress.say(f"{opened.done} of {len(opened.deck)} labelled, in {opened.labels.path}.")
    if opened.done < len(opened.deck):
        progress.say("The same command continues.")
    progress.say(f"What the labels say of the judge: hybrid report {run}")
