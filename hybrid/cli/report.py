"""``hybrid report``: finished runs once more: shown, compared, exported, or made fit to be shared."""

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
    runs: Annotated[
        list[Path],
        typer.Argument(metavar="RUN...", help="The folder of a finished run, or of two to compare."),
    ],
    markdown: Annotated[bool, typer.Option("--markdown", help="Tables for a README.")] = False,
    judge: Annotated[
        str | None, typer.Option("--judge", help="Judge its answers again, without generating again.")
    ] = None,
    compare: Annotated[
        bool, typer.Option("--compare", help="The second run against the first, paired by question.")
    ] = False,
    redact: Annotated[
        bool, typer.Option("--redact", help="Write the run without any text, to be shared.")
    ] = False,
    export: Annotated[
        str | None, typer.Option("--export", help="Write it as csv, mlflow or baseline.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Where that is written; default: in the folder of the run.")
    ] = None,
    failures: Annotated[
        Path | None,
        typer.Option("--failures", help="Write its wrong answers to this JSONL file, for a reviewer."),
    ] = None,
    open_: Annotated[bool, typer.Option("--open", help="Open the page in the browser.")] = False,
    as_json: Json = False,
) -> None:
    """Show a finished run once more, judge it again, compare it, or write it for others."""
    chosen: dict[str, str | bool | None] = {
        "--judge": judge,
        "--compare": compare,
        "--redact": redact,
        "--export": export,
        "--failures": failures is not None,
    }
    _check(runs, chosen, out)
    if failures:
        _write_failures(runs[0], failures)
        return
    if export:
        typer.echo(_opened(runs[0]).export(export, out or runs[0]))
        return
    if compare:
        page = _compare(runs[0], runs[1], out, as_json=as_json)
    elif redact:
        page = _redact(runs[0], out)
    else:
        opened = _judged_again(runs[0], judge, out) if judge else _opened(runs[0])
        page = _show(opened, markdown=markdown, as_json=as_json)
    if open_:
        typer.launch(page.resolve().as_uri())


def _check(runs: list[Path], chosen: dict[str, str | bool | None], out: Path | None) -> None:
    wanted = 2 if chosen["--compare"] else 1
    if len(runs) != wanted:
        many = "s" if wanted > 1 else ""
        hint = "." if wanted > 1 else "; add --compare."
        raise typer.BadParameter(f"needs {wanted} folder{many}, got {len(runs)}{hint}", param_hint="RUN")
    given = [name for name, value in chosen.items() if value]
    if len(given) > 1:
        raise typer.BadParameter(f"does not go with {given[0]}: give one of them.", param_hint=given[1])
    placed = [name for name in chosen if name != "--failures"]
    if out and not {*placed} & {*given}:
        raise typer.BadParameter(f"goes with {', '.join(placed)}.", param_hint="--out")


def _opened(run: Path) -> "Report":
    from hybrid.evaluation.labels import with_labels
    from hybrid.evaluation.report import open_report

    return with_labels(open_report(run))


def _show(opened: "Report", *, markdown: bool, as_json: bool) -> Path:
    from hybrid.evaluation.table import plain

    if as_json:
        print_json(opened.results)
    elif markdown:
        typer.echo(plain(opened.results))
    else:
        show(opened)
    return Path(opened.path("report.html"))


def _compare(old: Path, new: Path, out: Path | None, *, as_json: bool) -> Path:
    from hybrid.evaluation.compare import Side, compare
    from hybrid.evaluation.differences import differences_table
    from hybrid.evaluation.page.comparison import save_comparison

    sides = [
        Side(run.resolve().name, opened.results, opened.rows)
        for run in (old, new)
        if (opened := _opened(run))
    ]
    found = compare(*sides)
    page = save_comparison(found, out or new)
    if as_json:
        print_json(found.to_json())
    else:
        print_table(differences_table(found))
        typer.echo(f"comparison: {page}")
    return page


def _redact(run: Path, out: Path | None) -> Path:
    saved = _opened(run).save_redacted(out or run / "redacted")
    page = Path(saved.path("report.html"))
    typer.echo(f"report: {page}")
    typer.echo(saved.path("results.json"))
    return page


def _write_failures(run: Path, path: Path) -> None:
    from hybrid.evaluation.review import LEAK, write_failures

    count = write_failures(_opened(run), path)
    if count:
        TerminalProgress().say(LEAK)
    typer.echo(f"{count} wrong answers")
    typer.echo(path)


def _judged_again(run: Path, judge: str, out: Path | None) -> "Report":
    from hybrid.evaluation.rejudge import judge_again
    from hybrid.judging.named import open_judge

    progress = TerminalProgress()
    return judge_again(_opened(run), open_judge(judge, progress.say), out=out, progress=progress)


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
