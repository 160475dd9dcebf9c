"""``hybrid tune``: an adapter from a suite's training questions, or the rows that it would learn."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hybrid.cli.lint import lint as lint_rows
from hybrid.cli.options import Json, Pipeline, Seed, Set, Suite
from hybrid.cli.plan import show_plan
from hybrid.cli.terminal import TerminalProgress, print_json

if TYPE_CHECKING:
    from hybrid.tuning.rows_file import RowsFile


def tune_command(
    pipeline: Pipeline = "quickstart",
    suite: Suite = None,
    model: Annotated[
        str | None,
        typer.Option("--model", help="Another base than the pipeline's own; to plan, its config is enough."),
    ] = None,
    seed: Seed = 0,
    set_: Set = None,
    plan: Annotated[
        bool, typer.Option("--plan", help="Memory, what it fits on, and time; nothing is tuned.")
    ] = False,
    rows: Annotated[
        Path | None, typer.Option("--rows", help="Write the rows to this JSONL file, and train nothing.")
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="With --rows: over a file that is there.")
    ] = False,
    teacher: Annotated[
        str | None,
        typer.Option(
            "--teacher",
            metavar="endpoint:MODEL@URL",
            help="A larger model writes targets, which are checked.",
        ),
    ] = None,
    lint: Annotated[bool, typer.Option("--lint", help="Check the training rows, and train nothing.")] = False,
    data: Annotated[
        Path | None, typer.Option("--data", help="With --lint: check the rows of this JSONL file instead.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Tune an adapter on a suite's training questions; prints its folder."""
    if replace and rows is None:
        raise typer.BadParameter("goes with --rows.", param_hint="--replace")
    overrides = [*(set_ or ()), *([f"model={json.dumps(model)}"] if model else [])]
    if data and not lint:
        raise typer.BadParameter("is only checked: add --lint.", param_hint="--data")
    if lint:
        if plan or rows is not None or teacher is not None:
            raise typer.BadParameter("goes without --plan, --rows and --teacher.", param_hint="--lint")
        lint_rows(pipeline, suite, seed, overrides, data, as_json=as_json)
        return
    progress = TerminalProgress()
    if plan:
        if rows is not None or teacher is not None:
            raise typer.BadParameter("goes without --rows and --teacher.", param_hint="--plan")
        show_plan(pipeline, suite=suite, seed=seed, overrides=overrides, as_json=as_json)
        return
    if rows is not None:
        from hybrid.tuning.rows_file import write_rows_file

        written = write_rows_file(
            rows,
            pipeline,
            suite=suite,
            seed=seed,
            overrides=overrides,
            teacher=teacher,
            replace=replace,
            progress=progress,
        )
        _show_rows(written, as_json)
        return
    from hybrid.tuning.tune import tune_pipeline

    adapter = tune_pipeline(
        pipeline, suite=suite, seed=seed, overrides=overrides, teacher=teacher, progress=progress
    )
    if as_json:
        print_json({"path": str(adapter.path), "digest": adapter.digest, "manifest": dict(adapter.manifest)})
    else:
        typer.echo(adapter.path)


def _show_rows(written: "RowsFile", as_json: bool) -> None:
    """A row of each kind, then how many there are; the last line is the path of the file."""
    told = written.to_json()
    if as_json:
        print_json(told)
        return
    for row in written.examples():
        typer.echo(f"── {row['kind']} · {row['question_id']}")
        *asked, answer = row["messages"]
        for message in asked:
            typer.echo(f"{message['role']}: {message['content']}\n")
        typer.echo(f"→ {answer['content']}\n")
    typer.echo(", ".join(f"{count} {kind}" for kind, count in told["kinds"].items()))
    if written.left_out:
        typer.echo(f"{written.left_out} rows hold the text of a control token and were left out.")
    for suite, teacher in written.teachers.items():
        counts = ", ".join(f"{count} {fate}" for fate, count in teacher["answers"].items())
        typer.echo(f"teacher of {suite}: {counts}")
    typer.echo(written.path)
