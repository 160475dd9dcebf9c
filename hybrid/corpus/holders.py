"""Who else holds text of a document: runs that showed it, adapters that learned from it, other corpora."""

import json
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from hybrid.corpus.changes import Change
from hybrid.corpus.store import Corpus
from hybrid.errors import CorpusError

_UNREADABLE = (OSError, ValueError, TypeError, KeyError, AttributeError)
"""What a file ends in that is cut off, of other content, or must not be read."""


def holders(home: Path, corpus: str, change: Change) -> list[Path]:
    """The folders of runs, adapters and other corpora in a state folder that hold what was purged.

    One whose files cannot be read is among them, as it may hold some.

    Args:
        home: the state folder.
        corpus: name of the corpus.
        change: what the purge did.
    """
    ids = change.purged
    if not ids:
        return []
    others = _corpora(home, corpus, change.purged_digests)
    return sorted((*_runs(home, corpus, ids), *_adapters(home, corpus, ids), *others))


def _corpora(home: Path, corpus: str, digests: Collection[str]) -> Iterator[Path]:
    for name in Corpus.names(home):
        if name != corpus:
            with suppress(CorpusError), Corpus.open(name, home=home) as other:
                if other.holds(digests):
                    yield other.folder


def _runs(home: Path, corpus: str, ids: Collection[str]) -> Iterator[Path]:
    marks = [f'"document": {json.dumps(id, ensure_ascii=False)}' for id in ids]
    for file in home.glob("runs/*/results.json"):
        try:
            held = _shows(file, corpus, marks)
        except _UNREADABLE:
            held = True
        if held:
            yield file.parent


def _shows(file: Path, corpus: str, marks: Collection[str]) -> bool:
    rows = file.with_name("rows.jsonl")
    if not rows.is_file() or _name(_json(file).get("provenance", {})) != corpus:
        return False
    with rows.open(encoding="utf-8") as lines:
        return any(mark in line for line in lines for mark in marks)


def _adapters(home: Path, corpus: str, ids: Collection[str]) -> Iterator[Path]:
    for file in home.glob("adapters/*/*/MANIFEST.json"):
        try:
            sources = [source for source in _json(file).get("sources", ()) if _name(source) == corpus]
            held = any({*source["documents"], *source.get("shown", ())} & {*ids} for source in sources)
        except _UNREADABLE:
            held = True
        if held:
            yield file.parent


def _json(file: Path) -> dict[str, Any]:
    found = json.loads(file.read_text(encoding="utf-8"))
    if not isinstance(found, dict):
        raise ValueError(f"{file} holds no object")
    return found


def _name(source: Mapping[str, Any]) -> str:
    """The name of the corpus of which a run or a manifest tells."""
    return str(source.get("corpus", {}).get("name"))
