"""``hybrid corpus``: text goes in, and out; each command is one call of the library."""

import glob
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from hybrid import library
from hybrid.corpus import Change, Corpus, Ingest, holders, import_set, ingest, open_corpus, whole_path
from hybrid.corpus.importing import Format
from hybrid.errors import BadInput, CorpusError

app = typer.Typer(help="Import, change and show corpora.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="Name of the corpus.", show_default=False)]
Paths = Annotated[list[Path], typer.Argument(help="Files or folders.", show_default=False)]
Ids = Annotated[list[str], typer.Argument(help="Ids of documents.", show_default=False)]
Generation = Annotated[int, typer.Argument(help="Its number, as history tells it.", show_default=False)]
Columns = Annotated[
    list[str] | None,
    typer.Option("--column", metavar="text=NAME", help="A column of CSV or JSONL; also id=, title=."),
]
Skip = Annotated[bool, typer.Option("--skip", help="Leave out what cannot be read, and say so.")]
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
def create(
    name: Name,
    paths: Annotated[list[Path] | None, typer.Argument(help="Files or folders.", show_default=False)] = None,
    column: Columns = None,
    skip: Skip = False,
    passage_chars: PassageChars = 400,
    as_json: AsJson = False,
) -> None:
    """Make a corpus from files and folders, or an empty one."""
    found = _read(paths, column, skip, as_json) if paths else Ingest()
    with Corpus.create(
        name, documents=found.documents, source=found.sources, passage_chars=passage_chars
    ) as corpus:
        _print(_facts(corpus) | (_left_out(found) if as_json else {}), as_json)


@app.command()
def add(
    name: Name, paths: Paths, column: Columns = None, skip: Skip = False, as_json: AsJson = False
) -> None:
    """Add files and folders whose ids are free."""
    found = _read(paths, column, skip, as_json)
    with Corpus.open(name) as corpus:
        _changed(corpus, corpus.add(found.documents, source=found.sources), as_json, found)


@app.command()
def update(
    name: Name, paths: Paths, column: Columns = None, skip: Skip = False, as_json: AsJson = False
) -> None:
    """Add what is new and replace what is other; of a folder or a file, remove what is no longer in it."""
    found = _read(paths, column, skip, as_json)
    complete = [whole_path(path) for path in paths if path.exists()]
    kept = [whole_path(entry.path) for entry in found.failures]
    with Corpus.open(name) as corpus:
        earlier = corpus.sources()
        change = corpus.update(found.documents, source=found.sources, complete=complete, kept=kept)
        _tell_other_files(earlier, found)
        _changed(corpus, change, as_json, found)


@app.command()
def swap(
    name: Name,
    other: Annotated[
        str,
        typer.Argument(
            help="A corpus: NAME or NAME@GENERATION; or a folder, a file or a pattern.", show_default=False
        ),
    ],
    column: Columns = None,
    skip: Skip = False,
    as_json: AsJson = False,
) -> None:
    """Make other documents the whole corpus, in one step."""
    known = other.partition("@")[0] in {*Corpus.names(), *library.builtin_corpora()}
    if not known and (Path(other).exists() or glob.has_magic(other)):
        found = _read([Path(other)], column, skip, as_json)
    else:
        with open_corpus(other, say=_say) as taken:
            documents = tuple(taken.documents())
            found = Ingest(documents, sources={document.id: f"corpus {other}" for document in documents})
    with Corpus.open(name) as corpus:
        _changed(corpus, corpus.swap(found.documents, source=found.sources), as_json, found)


@app.command()
def remove(name: Name, ids: Ids, as_json: AsJson = False) -> None:
    """Remove documents; earlier generations hold them until they are purged."""
    with Corpus.open(name) as corpus:
        _changed(corpus, corpus.remove(ids), as_json)


@app.command()
def rollback(name: Name, generation: Generation, as_json: AsJson = False) -> None:
    """Make the documents those of an earlier generation again."""
    with Corpus.open(name) as corpus:
        _changed(corpus, corpus.rollback(generation), as_json)


@app.command()
def purge(
    name: Name,
    ids: Annotated[
        list[str] | None, typer.Argument(help="Ids of documents; default: all that was removed.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Take the bytes of documents out of the files; name the runs, adapters and corpora that still do."""
    with Corpus.open(name) as corpus:
        change = corpus.purge(ids or ())
        held = [str(path) for path in holders(library.home(), name, change)]
        ended_by = change.generation if change.purged else None
        gone = [entry.number for entry in corpus.history() if ended_by and entry.purged == ended_by]
        facts = {"purged": list(change.purged), "generations_gone": gone, "still_held_by": held}
        _print(_facts(corpus) | facts, as_json)


@app.command()
def delete(name: Name) -> None:
    """Remove a corpus with all its generations; a built-in one is made anew when it is wanted."""
    Corpus.delete(name)


@app.command()
def history(name: Name, as_json: AsJson = False) -> None:
    """List the generations: when, by what, how many documents."""
    with open_corpus(name, say=_say) as corpus:
        entries = [asdict(entry) for entry in corpus.history()]
    if as_json:
        typer.echo(json.dumps(entries))
        return
    for entry in entries:
        counts = ", ".join(f"{entry[key]} {key}" for key in ("added", "updated", "removed") if entry[key])
        gone = f"; gone, purged by {entry['purged']}" if entry["purged"] is not None else ""
        told = f": {counts}" if counts else ""
        note = f" ({entry['note']})" if entry["note"] else ""
        typer.echo(f"{entry['number']:>5}  {entry['created']} UTC  {entry['operation']}{told}{note}{gone}")


@app.command()
def diff(
    name: Name,
    earlier: Generation,
    later: Annotated[int | None, typer.Argument(help="Another generation; default: the newest.")] = None,
    as_json: AsJson = False,
) -> None:
    """List what is other in a later generation than in an earlier one."""
    with open_corpus(name, say=_say) as corpus:
        change = corpus.diff(earlier, later)
    found = {key: list(getattr(change, key)) for key in ("added", "updated", "removed")}
    if as_json:
        typer.echo(json.dumps(found | {"unchanged": change.unchanged}, ensure_ascii=False))
        return
    for sign, ids in zip("+~-", found.values(), strict=True):
        for id in ids:
            typer.echo(f"{sign} {id}")
    typer.echo(f"{change.unchanged} unchanged")


@app.command()
def check(name: Name, as_json: AsJson = False) -> None:
    """Verify every digest, passage and index file; an index that is wrong is built again from the vectors."""
    from hybrid.retrieval.index import repair

    with open_corpus(name, say=_say) as corpus:
        faults = corpus.check()
        repaired = repair(corpus)
        _print(_facts(corpus) | {"faults": faults, "repaired": repaired}, as_json)
    if faults:
        raise CorpusError(
            f'Corpus "{name}" is damaged in {len(faults)} places; import it again, or go back to a copy.'
        )


@app.command()
def index(
    name: Name,
    embedder: Annotated[
        str, typer.Option(help="Bundled name, hub id, folder, or hashing:DIM.")
    ] = "bundled:all-minilm-l6-v2",
    as_json: AsJson = False,
) -> None:
    """Embed what is new now, so that no question has to wait for it."""
    from hybrid.retrieval.embed import load_embedder
    from hybrid.retrieval.index import embed_missing, open_index

    with open_corpus(name, say=_say) as corpus:
        made = load_embedder(embedder, say=_say)
        embedded = embed_missing(corpus, made)
        size = open_index(corpus, made).size
        _print(_facts(corpus) | {"embedded": embedded, "indexed": size}, as_json)


@app.command("list")
def list_command(as_json: AsJson = False) -> None:
    """List the corpora: those of one's own and the built-in ones."""
    _print({"own": Corpus.names(), "builtin": list(library.builtin_corpora())}, as_json)


@app.command()
def show(name: Name, as_json: AsJson = False) -> None:
    """Show the size of a corpus, how it is searched, and what was done to it."""
    with open_corpus(name, say=_say) as corpus:
        history = [asdict(generation) for generation in corpus.history()]
        files = [asdict(file) for file in corpus.index_files()]
        _print(_facts(corpus) | {"digest": corpus.digest, "index": files, "history": history}, as_json)


def _tell_other_files(earlier: Mapping[str, str], found: Ingest) -> None:
    """Two folders may hold a file of one name, which is one document: the later one is taken."""
    other = [id for id, source in found.sources.items() if earlier.get(id, "") not in ("", source)]
    if other:
        _say(f"{len(other):,} documents came from other files before, such as {earlier[other[0]]}")


def _say(line: str) -> None:
    typer.echo(line, err=True)


def _read(paths: list[Path], columns: list[str] | None, skip: bool, as_json: bool) -> Ingest:
    """Reads files and folders; what was left out is a line on stderr, or with ``--json`` in the facts."""
    named = {}
    for column in columns or ():
        role, equals, name = column.partition("=")
        if not equals:
            raise BadInput("--column", f'"{column}" is not text=NAME, id=NAME or title=NAME')
        named[role] = name
    found = ingest(paths, columns=named, skip=skip)
    for line in [] if as_json else found.summary():
        _say(line)
    return found


def _left_out(found: Ingest) -> dict[str, Any]:
    return {"skipped": list(map(asdict, found.skipped)), "passed_over": dict(found.passed_over)}


def _facts(corpus: Corpus) -> dict[str, Any]:
    return {
        "name": corpus.name,
        "generation": corpus.generation,
        **corpus.counts,
        "passage_chars": corpus.passage_chars,
    }


def _changed(corpus: Corpus, change: Change, as_json: bool, found: Ingest | None = None) -> None:
    left_out = _left_out(found) if found and as_json else {}
    _print(_facts(corpus) | change.counts | left_out, as_json)


def _print(facts: Mapping[str, Any], as_json: bool) -> None:
    """One JSON object, or a line for each fact; of a list every item has its line."""
    if as_json:
        typer.echo(json.dumps(facts, ensure_ascii=False))
        return
    for key, value in facts.items():
        for item in value if isinstance(value, list) else [value]:
            line = (
                ", ".join(f"{k} {v}" for k, v in item.items() if v not in ("", None))
                if isinstance(item, dict)
                else item
            )
            typer.echo(f"{key.replace('_', ' ')}: {line}")
