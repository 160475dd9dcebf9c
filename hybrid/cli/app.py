"""The commands of ``hybrid``."""

import contextlib
import logging
import os
import sys
import warnings
from pathlib import Path
from typing import Annotated

import typer

from hybrid.cli import corpus, evaluate, judge, report, tune, weights
from hybrid.cli.options import AdapterFolder, Corpus, Json, Set, Strict
from hybrid.cli.terminal import TerminalProgress, print_json
from hybrid.errors import HybridError

INTERRUPTED = 130

app = typer.Typer(
    name="hybrid",
    help="Retrieve, fine-tune, both, or neither? Measured on your corpus and your questions.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.add_typer(corpus.app, name="corpus")
app.add_typer(judge.app, name="judge")
app.add_typer(weights.app, name="models")

app.command("eval")(evaluate.eval_command)


@app.command()
def ask(
    question: Annotated[str, typer.Argument(help="What to ask.")],
    pipeline: Annotated[
        str, typer.Option("--pipeline", help="A built-in pipeline or a YAML file.")
    ] = "quickstart",
    corpus: Corpus = None,
    adapter: AdapterFolder = None,
    strict: Strict = False,
    base: Annotated[
        bool, typer.Option("--base", help="Without the adapter, or the tuned model of a server.")
    ] = False,
    retrieval: Annotated[bool, typer.Option("--retrieval/--no-retrieval", help="Show passages.")] = True,
    set_: Set = None,
    as_json: Json = False,
) -> None:
    """Ask one question and show the passages behind the answer."""
    from hybrid.pipeline import Pipeline

    progress = TerminalProgress()
    loaded = Pipeline.load(
        pipeline,
        corpus=corpus,
        adapter=None if base else adapter,
        overrides=set_ or (),
        strict=strict,
        say=progress.say,
    )
    answer = loaded.ask(question, tuned=not base, retrieval=retrieval)
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


app.command()(report.report)
app.command("tune")(tune.tune_command)


@app.command("list")
def list_builtins() -> None:
    """List pipelines, suites and corpora, the built-in ones and your own, and shipped adapters."""
    from hybrid import library
    from hybrid.adapters import shipped_adapters
    from hybrid.corpus.store import Corpus

    for title, names in {
        "pipelines": library.builtin_pipelines(),
        "suites": library.builtin_suites() | library.own_suites(),
        "corpora": [*library.builtin_corpora(), *Corpus.names()],
        "adapters": shipped_adapters(),
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
