"""``hybrid report``: a finished run once more."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from hybrid.cli.options import Json
from hybrid.cli.terminal import print_json

if TYPE_CHECKING:
    from hybrid.evaluation.report import Report


def report(
    run: Annotated[Path, typer.Argument(help="The folder of a finished run.", show_default=False)],
    markdown: Annotated[bool, typer.Option("--markdown", help="Tables for a README.")] = False,
    as_json: Json = False,
) -> None:
    """Show a finished run once more."""
    from hybrid.evaluation.labels import with_labels
    from hybrid.evaluation.report import open_report
    from hybrid.evaluation.table import plain

    opened = with_labels(open_report(run))
    if as_json:
        print_json(opened.results)
    elif markdown:
        typer.echo(plain(opened.results))
    else:
        show(opened)


def show(report: "Report") -> None:
    """The tables, then where the files are; the last line is the path of ``results.json``."""
    from hybrid.evaluation.table import WIDTH

    # A pipe has no width of its own; the tables are made for this one.
    Console(width=None if sys.stdout.isatty() else WIDTH).print(report.table())
    typer.echo(f"report: {report.path('report.html')}")
    typer.echo(report.path("results.json"))
