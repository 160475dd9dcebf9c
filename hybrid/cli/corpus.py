"""``hybrid corpus``: text goes in, and out; each command is one call of the library."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from hybrid import library
from hybrid.corpus import Corpus, import_set, open_corpus, read_documents
from hybrid.corpus.importing import Format

app = typer.Typer(help="Import, change and show corpora.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="Name of the corpus.", show_default=False)]
Paths = Annotated[list[Path], typer.Argument(help="Files or folders.", show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
PassageChars = Annotated[int, typer.Option(help="Greatest length of a passage in characters.")]


@app.command("import")
def import_command(
    name: Name,
    path: Annotated[Path, typer.Argument(help="A file, or a folder.", show_default=False)],
    format: Annotated[Format, typer.Option(help="How the set is written.")],
    documents: Annotated[
        Path | None, typer.Option(help="Of pairs: the texts they are about, a file or a folder.")
    ] = None,
    split_off: Annotated[float, typer.Option(help="Share of the groups for training.")] = 0.5,
    withhold: Annotated[float, typer.Option(help="Share of the groups taken out of the corpus.")] = 0.0,
    seed: Annotated[int, typer.Option(help="Seed of the divisions.")] = 0,
    replace: Annotated[bool, typer.Option("--replace", help="Replace what has this name.")] = False,
    passage_chars: PassageChars = 400,
    language: Annotated[
        str | None, typer.Option(help="Of the questions, such as zh; default: by their script.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make a corpus and a suite from a question set."""
    imported = import_set(
        name,
        format=format,
        path=path,
        documents=documents,
        split_off=split_off,
        withhold=withhold,
        seed=seed,
        replace=replace,
        passage_chars=passage_chars,
        language=language,
    )
    _print(asdict(imported) | {"suite": str(imported.suite)}, as_json)


@app.command()
def create(name: Name, paths: Paths, passage_chars: PassageChars = 400, as_json: AsJson = False) -> None:
    """Make a corpus from files and folders."""
    with Corpus.create(name, documents=read_documents(paths), passage_chars=passage_chars) as corpus:
        _print(_facts(corpus), as_json)


@app.command()
def add(name: Name, paths: Paths, as_json: AsJson = False) -> None:
    """Add files and folders to a corpus."""
    with Corpus.open(name) as corpus:
        corpus.add(read_documents(paths))
        _print(_facts(corpus), as_json)


@app.command()
def remove(
    name: Name,
    ids: Annotated[list[str], typer.Argument(help="Ids of documents.", show_default=False)],
    as_json: AsJson = False,
) -> None:
    """Remove documents from a corpus."""
    with Corpus.open(name) as corpus:
        corpus.remove(ids)
        _print(_facts(corpus), as_json)


@app.command("list")
def list_command(as_json: AsJson = False) -> None:
    """List the corpora: those of one's own and the built-in ones."""
    _print({"own": Corpus.names(), "builtin": list(library.builtin_corpora())}, as_json)


@app.command()
def show(name: Name, as_json: AsJson = False) -> None:
    """Show the size of a corpus and what was done to it."""
    with open_corpus(name, say=lambda line: typer.echo(line, err=True)) as corpus:
        history = [asdict(generation) for generation in corpus.history()]
        _print(_facts(corpus) | {"digest": corpus.digest, "history": history}, as_json)


def _facts(corpus: Corpus) -> dict[str, Any]:
    return {
        "name": corpus.name,
        "generation": corpus.generation,
        "documents": len(corpus.documents()),
        "passages": len(corpus.passages()),
        "passage_chars": corpus.passage_chars,
    }


def _print(facts: Mapping[str, Any], as_json: bool) -> None:
    """One JSON object, or a line for each fact; of a list every item has its line."""
    if as_json:
        typer.echo(json.dumps(facts, ensure_ascii=False))
        return
    for key, value in facts.items():
        for item in value if isinstance(value, list) else [value]:
            line = (
                ", ".join(f"{k} {v}" for k, v in item.items() if v != "") if isinstance(item, dict) else item
            )
            typer.echo(f"{key.replace('_', ' ')}: {line}")
