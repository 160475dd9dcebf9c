"""``hybrid judge``: how far a judge can be believed."""

from pathlib import Path
from typing import Annotated

import typer

from hybrid.cli.options import Json, Seed
from hybrid.cli.terminal import TerminalProgress, print_json

Files = Annotated[
    list[Path], typer.Argument(help="JSONL, also gzipped, with claim, evidence and label; or folders of it.")
]

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


@app.command()
def train(
    pairs: Files,
    validation: Annotated[
        list[Path], typer.Option("--validation", help="Pairs that must not be learned; files or folders.")
    ],
    out: Annotated[Path, typer.Option("--out", help="A folder for the judge.")],
    base: Annotated[str, typer.Option("--base", help="The encoder.")] = "bundled:all-minilm-l6-v2",
    share: Annotated[
        list[str] | None,
        typer.Option("--share", metavar="SOURCE=F", help="Learn only this share of a source's rows."),
    ] = None,
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """Train a grounding judge on labelled pairs; prints how to use it."""
    from hybrid.judging.pairs import read_all
    from hybrid.judging.train import Recipe, train_judge

    recipe = Recipe(base=base, shares=dict(_share(each) for each in share or ()), seed=seed)
    given, kept_apart = read_all(pairs), read_all(validation)
    card = train_judge(given, kept_apart, out, recipe=recipe, progress=TerminalProgress())
    if as_json:
        print_json(card)
    else:
        typer.echo(f"judge: grounding:{out}")


@app.command()
def validate(
    pairs: Annotated[Path, typer.Argument(help="JSONL, also gzipped, with claim, evidence and label.")],
    judge: Annotated[str, typer.Option("--judge", help="The judge to validate.")] = "grounding",
    as_json: Json = False,
) -> None:
    """Say how well a judge agrees with people on labelled pairs, beside plain word overlap."""
    from hybrid.judging.named import check_judge, open_judge
    from hybrid.judging.pairs import read_pairs
    from hybrid.judging.validate import told, validate

    progress = TerminalProgress()
    check_judge(judge)
    rows = read_pairs(pairs)
    found = validate(open_judge(judge, progress.say), rows, progress=progress)
    if as_json:
        print_json(found)
    else:
        typer.echo("\n".join(told(found)))


def _share(text: str) -> tuple[str, float]:
    source, _, share = text.partition("=")
    try:
        number = float(share)
    except ValueError:
        number = -1.0
    if not source or not 0 <= number <= 1:
        raise typer.BadParameter(f'"{text}" is not SOURCE=F with F from 0 to 1.', param_hint="--share")
    return source, number
