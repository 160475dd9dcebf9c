"""``hybrid eval``: the main job."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hybrid.cli.options import AdapterFolder, Corpus, Json, Pipeline, Seed, Set, Strict, Suite
from hybrid.cli.report import print_table, show
from hybrid.cli.terminal import TerminalProgress, print_json
from hybrid.records import Part

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hybrid.evaluation.estimate import Estimate
    from hybrid.evaluation.report import Report
    from hybrid.evaluation.several import Comparison

GO_WITH_FROM = {"from_", "suite", "judge", "out", "as_json"}
"""Everything else decides how answers are made, and these are made."""


def eval_command(
    context: typer.Context,
    pipeline: Pipeline = "quickstart",
    suite: Suite = None,
    part: Annotated[str, typer.Option("--part", help="dev, or test for the final figure.")] = "dev",
    model: Annotated[
        list[str] | None,
        typer.Option("--model", help="Another model than the pipeline's own; several are compared."),
    ] = None,
    corpus: Corpus = None,
    adapter: AdapterFolder = None,
    strict: Strict = False,
    cells: Annotated[
        str | None, typer.Option("--cells", help="Only these columns, with commas between.")
    ] = None,
    probe: Annotated[
        list[str] | None,
        typer.Option(
            "--probe",
            help="Explain the cells: oracle, distractors, position, counterfactual, regurgitation or stale.",
        ),
    ] = None,
    forgetting: Annotated[
        bool, typer.Option("--forgetting", help="Measure what tuning cost in general ability.")
    ] = False,
    judge: Annotated[str | None, typer.Option("--judge", help="Another judge than the suite's own.")] = None,
    limit: Annotated[
        int | None, typer.Option("--limit", min=1, help="A stratified sample of N questions.")
    ] = None,
    seed: Seed = 0,
    set_: Set = None,
    estimate: Annotated[bool, typer.Option("--estimate", help="Say what it will take, and stop.")] = False,
    max_cost: Annotated[
        float | None, typer.Option("--max-cost", min=0, help="Stop before a server's answers cost more USD.")
    ] = None,
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
    from hybrid.evaluation.several import run_several
    from hybrid.generation.budget import Budget
    from hybrid.judging.named import check_judge, open_judge

    progress, budget = TerminalProgress(), Budget(max_cost)
    if judge:
        check_judge(judge)
    if from_:
        answers = evaluate_answers(from_, suite=suite, judge=judge, out=out, progress=progress)
        _print_report(answers, as_json)
        _check_thresholds(answers.failed_thresholds, progress)
        return
    names: list[str | None] = [*(model or ())] or [None]
    jobs = [
        prepare(
            pipeline,
            suite=suite,
            part=_part(part),
            model=name,
            corpus=corpus,
            adapter=adapter,
            cells=[cell.strip() for cell in cells.split(",")] if cells else None,
            probes=probe or (),
            limit=limit,
            seed=seed,
            overrides=[*(set_ or ()), *(["forgetting.enabled=true"] if forgetting else [])],
            strict=strict,
            budget=budget,
            progress=progress,
        )
        for name in names
    ]
    judge = judge or jobs[0].suite.spec.judge
    if estimate:
        _print_estimates({job.weights.name: estimated(job, judge) for job in jobs}, as_json)
        return
    opened = open_judge(judge, progress.say)
    if len(jobs) > 1:
        compared = run_several(jobs, opened, out=out, resume=resume, progress=progress)
        _print_comparison(compared, as_json)
        failed = compared.failed_thresholds
    else:
        made = run(jobs[0], opened, out=out, resume=resume, progress=progress)
        _print_report(made, as_json)
        failed = made.failed_thresholds
    if budget.spent:
        progress.say(f"Spent on answers: ${budget.spent:.4f}")
    _check_thresholds(failed, progress)


def _print_report(made: "Report", as_json: bool) -> None:
    if as_json:
        print_json(made.results)
    else:
        show(made)


def _check_thresholds(failed: "list[str]", progress: TerminalProgress) -> None:
    """A threshold that was not reached is exit code 1."""
    if failed:
        progress.say(f"Thresholds not reached: {', '.join(failed)}")
        raise typer.Exit(1)


def _print_estimates(estimates: "Mapping[str, Estimate]", as_json: bool) -> None:
    """One model's as it is, those of several by name."""
    if as_json:
        each = {name: estimate.to_json() for name, estimate in estimates.items()}
        print_json({"models": each} if len(each) > 1 else next(iter(each.values())))
        return
    for name, estimate in estimates.items():
        heading = [f"model: {name}"] if len(estimates) > 1 else []
        typer.echo("\n".join([*heading, *estimate.lines]))


def _print_comparison(compared: "Comparison", as_json: bool) -> None:
    """The tables; the last line is the path of ``models.json``."""
    from hybrid.evaluation.models_table import models_table

    if as_json:
        print_json(compared.results)
        return
    print_table(models_table(compared.results))
    typer.echo(compared.path)


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
