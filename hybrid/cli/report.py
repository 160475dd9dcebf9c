"""``hybrid report``: a finished run once more."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from hybrid.cli.options import Json
from hybrid.cli.terminal import TerminalProgress, print_json

if TYPE_CHECKING:
    from rich.table import Table

    from hybrid.evaluation.report import Report


def report(
    run: Annotated[Path, typer.Argument(help="The folder of a finished run.", show_default=False)],
    markdown: Annotated[bool, typer.Option("--markdown", help="Tables for a README.")] = False,
    judge: Annotated[
        str | None, typer.Option("--judge", help="Judge its answers again, without generating again.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", help="An empty folder for the files.")] = None,
    as_json: Json = False,
) -> None:
    """Show a finished run once more, or judge it again."""
    from hybrid.evaluation.labels import with_labels
    from hybrid.evaluation.report import open_report
    from hybrid.evaluation.table import plain

    if out and not judge:
        raise typer.BadParameter("goes with --judge.", param_hint="--out")
    opened = with_labels(open_report(run))
    if judge:
        opened = _judged_again(opened, judge, out)
    if as_json:
        print_json(opened.results)
    elif markdown:
        typer.echo(plain(opened.results))
    else:
        show(opened)


def _judged_again(run: "Report", judge: str, out: Path | None) -> "Report":
    from hybrid.evaluation.rejudge import judge_again
    from hybrid.judging.named import open_judge

    progress = TerminalProgress()
    return judge_again(run, open_judge(judge, progress.say), out=out, progress=progress)


def show(report: "Report") -> None:
    """The tables, then where the files are; the last line is the path of ``results.json``."""
    print_table(report.table())
    typer.echo(f"report: {report.path('report.html')}")
    typer.echo(report.path("results.json"))


def print_table(table: "Table") -> None:
    """Prints a table to stdout."""
    from hybrid.evaluation.table import WIDTH

    # A pipe has no width of its own; the tables are made for this one.
    Console(width=None if sys.stdout.isatty() else WIDTH).print(table)
