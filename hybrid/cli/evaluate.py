"""``hybrid eval``: the main job."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hybrid.cli.options import AdapterFolder, Corpus, Json, Pipeline, Seed, Set, Suite
from hybrid.cli.report import show
from hybrid.cli.terminal import TerminalProgress, print_json
from hybrid.records import Part

if TYPE_CHECKING:
    from hybrid.evaluation.report import Report


GO_WITH_FROM = {"from_", "suite", "judge", "out", "as_json"}
"""Everything else decides how answers are made, and these are made."""


def eval_command(
    context: typer.Context,
    pipeline: Pipeline = "quickstart",
    suite: Suite = None,
    part: Annotated[str, typer.Option("--part", help="dev, or test for the final figure.")] = "dev",
    corpus: Corpus = None,
    adapter: AdapterFolder = None,
    cells: Annotated[
        str | None, typer.Option("--cells", help="Only these columns, with commas between.")
    ] = None,
    probe: Annotated[
        list[str] | None, typer.Option("--probe", help="Explain the cells: oracle shows the gold passages.")
    ] = None,
    judge: Annotated[str | None, typer.Option("--judge", help="Another judge than the suite's own.")] = None,
    limit: Annotated[
        int | None, typer.Option("--limit", min=1, help="A stratified sample of N questions.")
    ] = None,
    seed: Seed = 0,
    set_: Set = None,
    estimate: Annotated[bool, typer.Option("--estimate", help="Say what it will take, and stop.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Continue a run that was interrupted.")] = False,
    out: Annotated[Path | None, typer.Option("--out", help="An empty folder for the files.")] = None,
    from_: Annotated[
        Path | None,
        typer.Option("--from", help="Judge the answers of this JSONL file; nothing is generated."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Measure base and tuned model, with and without retrieval: the main job."""
    if from_:
        _refuse_others(context)

    from hybrid.evaluation.answers_from import evaluate_answers
    from hybrid.evaluation.estimate import estimate as estimated
    from hybrid.evaluation.job import prepare
    from hybrid.evaluation.run import run
    from hybrid.judging.named import open_judge

    progress = TerminalProgress()
    if from_:
        answers = evaluate_answers(from_, suite=suite, judge=judge, out=out, progress=progress)
        _finish(answers, as_json, progress)
        return
    job = prepare(
        pipeline,
        suite=suite,
        part=_part(part),
        corpus=corpus,
        adapter=adapter,
        cells=[cell.strip() for cell in cells.split(",")] if cells else None,
        probes=probe or (),
        limit=limit,
        seed=seed,
        overrides=set_ or (),
        progress=progress,
    )
    if estimate:
        lines = estimated(job)
        if as_json:
            print_json({"estimate": lines})
        else:
            typer.echo("\n".join(lines))
        return
    made = run(job, open_judge(judge or job.suite.spec.judge), out=out, resume=resume, progress=progress)
    _finish(made, as_json, progress)


def _finish(made: "Report", as_json: bool, progress: TerminalProgress) -> None:
    """Shows a report; a threshold that was not reached is exit code 1."""
    if as_json:
        print_json(made.results)
    else:
        show(made)
    if made.failed_thresholds:
        progress.say(f"Thresholds not reached: {', '.join(made.failed_thresholds)}")
        raise typer.Exit(1)


def _refuse_others(context: typer.Context) -> None:
    """Names what was given beside ``--from`` and would have no effect."""
    given = [
        parameter.opts[-1] if parameter.param_type_name == "option" else f"the {parameter.name}"
        for parameter in context.command.params
        if parameter.name not in GO_WITH_FROM and _was_given(context, parameter.name)
    ]
    if given:
        raise typer.BadParameter(
            f"judges answers that are made already, so leave out {', '.join(given)}.", param_hint="--from"
        )


def _was_given(context: typer.Context, name: str | None) -> bool:
    source = context.get_parameter_source(name or "")
    return source is not None and source.name != "DEFAULT"


def _part(name: str) -> Part:
    if name not in ("dev", "test"):
        raise typer.BadParameter(f'"{name}" is neither dev nor test.', param_hint="--part")
    return "dev" if name == "dev" else "test"
