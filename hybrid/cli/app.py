"""The commands of ``hybrid``."""

import contextlib
import logging
import os
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from hybrid.cli import corpus, weights
from hybrid.cli.terminal import TerminalProgress, print_json
from hybrid.errors import HybridError
from hybrid.records import Part

INTERRUPTED = 130

if TYPE_CHECKING:
    from hybrid.evaluation.report import Report

app = typer.Typer(
    name="hybrid",
    help="Retrieve, fine-tune, both, or neither? Measured on your corpus and your questions.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.add_typer(corpus.app, name="corpus")
app.add_typer(weights.app, name="models")

Pipeline = Annotated[str, typer.Argument(help="A built-in pipeline or a YAML file.")]
Suite = Annotated[str | None, typer.Option("--suite", help="Another suite than the pipeline's own.")]
Corpus = Annotated[str | None, typer.Option("--corpus", help="Another corpus than the suite's own.")]
AdapterFolder = Annotated[
    Path | None, typer.Option("--adapter", help="A PEFT folder, instead of tuning one.")
]
Seed = Annotated[int, typer.Option("--seed", help="Of everything that is drawn.")]
Set = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="One value of the pipeline.")
]
Json = Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")]


@app.command("eval")
def eval_command(
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
    limit: Annotated[
        int | None, typer.Option("--limit", min=1, help="A stratified sample of N questions.")
    ] = None,
    seed: Seed = 0,
    set_: Set = None,
    estimate: Annotated[bool, typer.Option("--estimate", help="Say what it will take, and stop.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Continue a run that was interrupted.")] = False,
    out: Annotated[Path | None, typer.Option("--out", help="An empty folder for the files.")] = None,
    as_json: Json = False,
) -> None:
    """Measure base and tuned model, with and without retrieval: the main job."""
    from hybrid.evaluation.estimate import estimate as estimated
    from hybrid.evaluation.job import prepare
    from hybrid.evaluation.judge import suite_judge
    from hybrid.evaluation.run import run

    progress = TerminalProgress()
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
    made = run(job, suite_judge(job.suite.spec), out=out, resume=resume, progress=progress)
    if as_json:
        print_json(made.results)
    else:
        _show(made)
    if made.failed_thresholds:
        progress.say(f"Thresholds not reached: {', '.join(made.failed_thresholds)}")
        raise typer.Exit(1)


@app.command()
def ask(
    question: Annotated[str, typer.Argument(help="What to ask.")],
    pipeline: Annotated[
        str, typer.Option("--pipeline", help="A built-in pipeline or a YAML file.")
    ] = "quickstart",
    corpus: Corpus = None,
    adapter: AdapterFolder = None,
    base: Annotated[bool, typer.Option("--base", help="Without the adapter.")] = False,
    retrieval: Annotated[bool, typer.Option("--retrieval/--no-retrieval", help="Show passages.")] = True,
    set_: Set = None,
    as_json: Json = False,
) -> None:
    """Ask one question and show the passages behind the answer."""
    from hybrid.pipeline import Pipeline

    progress = TerminalProgress()
    loaded = Pipeline.load(
        pipeline, corpus=corpus, adapter=None if base else adapter, overrides=set_ or (), say=progress.say
    )
    answer = loaded.ask(question, retrieval=retrieval)
    if as_json:
        print_json(answer.to_json())
        return
    typer.echo(answer.text)
    if answer.dropped_passages:
        progress.say(f"{answer.dropped_passages} passages did not fit the context and were left out.")
    for number, passage in enumerate(answer.passages, start=1):
        place = " · ".join(part for part in (passage.document, passage.locator) if part)
        typer.echo(
            f"[{number}] {place} ({passage.start}–{passage.end}): {' '.join(passage.text.split())[:160]}"
        )


@app.command()
def report(
    run: Annotated[Path, typer.Argument(help="The folder of a finished run.", show_default=False)],
    markdown: Annotated[bool, typer.Option("--markdown", help="Tables for a README.")] = False,
    as_json: Json = False,
) -> None:
    """Show a finished run once more."""
    from hybrid.evaluation.report import open_report
    from hybrid.evaluation.table import plain

    opened = open_report(run)
    if as_json:
        print_json(opened.results)
    elif markdown:
        typer.echo(plain(opened.results))
    else:
        _show(opened)


@app.command()
def tune(
    pipeline: Pipeline = "quickstart",
    suite: Suite = None,
    seed: Seed = 0,
    set_: Set = None,
    as_json: Json = False,
) -> None:
    """Tune an adapter on a suite's training questions; prints its folder."""
    from hybrid.tuning.tune import tune_pipeline

    adapter = tune_pipeline(
        pipeline, suite=suite, seed=seed, overrides=set_ or (), progress=TerminalProgress()
    )
    if as_json:
        print_json({"path": str(adapter.path), "digest": adapter.digest, "manifest": dict(adapter.manifest)})
    else:
        typer.echo(adapter.path)


@app.command("list")
def list_builtins() -> None:
    """List pipelines, suites and corpora: the built-in ones and your own."""
    from hybrid import library
    from hybrid.corpus.store import Corpus

    for title, names in {
        "pipelines": library.builtin_pipelines(),
        "suites": library.builtin_suites() | library.own_suites(),
        "corpora": [*library.builtin_corpora(), *Corpus.names()],
    }.items():
        typer.echo(f"{title}: {', '.join(sorted(set(names))) or 'none'}")


@app.command()
def copy(
    name: Annotated[str, typer.Argument(help="A built-in pipeline or suite.")],
    folder: Annotated[Path, typer.Argument(help="Where to put the copy.")] = Path(),
) -> None:
    """Copy a built-in pipeline or suite, to start your own from it."""
    from hybrid import library

    typer.echo(library.copy_builtin(name, folder))


def _show(report: "Report") -> None:
    """The tables, then where the files are; the last line is the path of ``results.json``."""
    from hybrid.evaluation.table import WIDTH

    # A pipe has no width of its own; the tables are made for this one.
    Console(width=None if sys.stdout.isatty() else WIDTH).print(report.table())
    typer.echo(f"report: {report.path('report.html')}")
    typer.echo(report.path("results.json"))


def _part(name: str) -> Part:
    if name not in ("dev", "test"):
        raise typer.BadParameter(f'"{name}" is neither dev nor test.', param_hint="--part")
    return "dev" if name == "dev" else "test"


def main() -> None:
    """Runs the command line; what a user can fix is one line and exit code 2."""
    _quieten_libraries()
    try:
        # Not standalone, or typer would frame its own errors in a box and be silent about Ctrl-C.
        code = app(standalone_mode=False)
    except (HybridError, typer.TyperException) as exc:
        code = _fail(exc)
    except BrokenPipeError:
        # The reader of a pipe such as `| head` went away.
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 1
    if code == INTERRUPTED:
        typer.echo("Interrupted. The same command continues; `hybrid eval` needs --resume for it.", err=True)
    sys.exit(code)


def _fail(error: HybridError | typer.TyperException) -> int:
    message = str(error) if isinstance(error, HybridError) else error.format_message()
    # Without arguments typer has shown the help already, and says nothing more.
    if message.strip():
        typer.echo(f"Error: {' '.join(message.split())}", err=True)
    return 2


def _quieten_libraries() -> None:
    """A command's terminal belongs to its own output: no bars and no notes of libraries."""
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    warnings.filterwarnings("ignore")
    logging.getLogger().setLevel(logging.ERROR)
