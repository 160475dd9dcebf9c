"""Does a corpus hold what it says? Digests are taken again, passages looked up in their documents."""

import json
import re
import sqlite3
from collections.abc import Iterator

import numpy as np

from hybrid.corpus import schema
from hybrid.records import Document


def faults(db: sqlite3.Connection) -> Iterator[str]:
    """What is wrong in the database of a corpus, a line each."""
    for (found,) in db.execute("PRAGMA integrity_check"):
        if found != "ok":
            yield f"SQLite: {found}"
    for table, row, *_ in db.execute("PRAGMA foreign_key_check"):
        yield f"{table} {row}: points to a row that is not there"
    yield from _documents(db)
    yield from _passages(db)
    yield from _vectors(db)


def _documents(db: sqlite3.Connection) -> Iterator[str]:
    query = (
        "SELECT id, title, text, metadata, digest, EXISTS (SELECT 1 FROM life WHERE document_row = row)"
        " FROM document"
    )
    for id, title, text, metadata, digest, lives in db.execute(query):
        if not _is_intact(id, title, text, metadata, digest):
            yield f'document "{id}": its text is not the one that was added'
        if not lives:
            yield f'document "{id}": belongs to no generation'


def _is_intact(id: str, title: str, text: str, metadata: str, digest: str) -> bool:
    try:
        return schema.document_digest(Document(id, title, text, json.loads(metadata))) == digest
    except (TypeError, ValueError):  # a BLOB, or no JSON
        return False


def _passages(db: sqlite3.Connection) -> Iterator[str]:
    query = (
        'SELECT id, "start", "end", text, text_digest FROM passage'
        ' WHERE document_row = ? ORDER BY "start", id'
    )
    embedders = [embedder for (embedder,) in db.execute("SELECT DISTINCT embedder FROM vector")]
    for row, document, title, whole in db.execute("SELECT row, id, title, text FROM document"):
        reached, lost, found = 0, False, []
        for id, start, end, text, digest in db.execute(query, (row,)):
            # Cut here and not by SQLite, for which a text ends at NUL.
            try:
                lost |= bool(whole[reached:start].strip())
                is_cut, reached = text == whole[start:end], end
                searched = schema.searchable(title, text)
                is_own = schema.text_digest(searched) == digest or _is_given(db, embedders, searched, digest)
            except (AttributeError, TypeError):  # a BLOB, or no number
                is_cut = False
            if not is_cut:
                found.append(f'passage {id}: not the text of document "{document}" at its place')
            elif not is_own:
                found.append(f'passage {id} of document "{document}": its digest is that of another text')
        # Of a document that is another one, the first fault says enough.
        if not found and (lost or whole[reached:].strip()):
            found.append(f'document "{document}": a part of its text is in no passage')
        yield from found


def _is_given(db: sqlite3.Connection, embedders: list[str], text: str, digest: str) -> bool:
    """Whether a digest is that of a text with a vector that was given with it."""
    query = "SELECT data FROM vector WHERE embedder = ? AND text_digest = ?"
    found = (db.execute(query, (embedder, digest)).fetchone() for embedder in embedders)
    return any(schema.given_digest(text, row[0]) == digest for row in found if row)


def _vectors(db: sqlite3.Connection) -> Iterator[str]:
    sizes: dict[str, int] = {}
    wordless: set[str] | None = None
    for embedder, digest, data in db.execute("SELECT embedder, text_digest, data FROM vector"):
        damaged = (
            not isinstance(data, bytes)
            or len(data) != sizes.setdefault(embedder, len(data))
            or len(data) % 4 != 0
        )
        if not damaged:
            vector = np.frombuffer(data, "<f4")
            damaged = not np.isfinite(vector).all()
            if not vector.any():
                wordless = _wordless(db) if wordless is None else wordless
                damaged = digest not in wordless
        if damaged:
            yield f"vector of {embedder} for text {digest[:12]}…: damaged"


def _wordless(db: sqlite3.Connection) -> set[str]:
    """The text digests of passages in which there is nothing to count, so that zero is their vector."""
    query = "SELECT p.text_digest, d.title, p.text FROM passage p JOIN document d ON d.row = p.document_row"
    return {digest for digest, *texts in db.execute(query) if not re.search(r"\w", " ".join(map(str, texts)))}
