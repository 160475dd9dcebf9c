"""Does a corpus hold what it says? Digests are taken again, passages looked up in their documents."""

import json
import math
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
    for id, title, text, metadata, digest in db.execute(
        "SELECT id, title, text, metadata, digest FROM document"
    ):
        if schema.document_digest(Document(id, title, text, json.loads(metadata))) != digest:
            yield f'document "{id}": its text is not the one that was added'


def _passages(db: sqlite3.Connection) -> Iterator[str]:
    query = (
        "SELECT p.id, d.id, d.title, p.text, p.text_digest,"
        ' substr(d.text, p."start" + 1, p."end" - p."start")'
        " FROM passage p JOIN document d ON d.row = p.document_row"
    )
    embedders = [embedder for (embedder,) in db.execute("SELECT DISTINCT embedder FROM vector")]
    for id, document, title, text, digest, cut in db.execute(query):
        searched = schema.searchable(title, text)
        if text != cut:
            yield f'passage {id}: not the text of document "{document}" at its place'
        elif schema.text_digest(searched) != digest and not _is_given(db, embedders, searched, digest):
            yield f'passage {id} of document "{document}": its digest is that of another text'


def _is_given(db: sqlite3.Connection, embedders: list[str], text: str, digest: str) -> bool:
    """Whether a digest is that of a text with a vector that was given with it."""
    query = "SELECT data FROM vector WHERE embedder = ? AND text_digest = ?"
    found = (db.execute(query, (embedder, digest)).fetchone() for embedder in embedders)
    return any(schema.given_digest(text, row[0]) == digest for row in found if row)


def _vectors(db: sqlite3.Connection) -> Iterator[str]:
    sizes: dict[str, int] = {}
    for embedder, digest, data in db.execute("SELECT embedder, text_digest, data FROM vector"):
        size = sizes.setdefault(embedder, len(data))
        if len(data) != size or size % 4 or not math.isfinite(float(np.frombuffer(data, "<f4").sum())):
            yield f"vector of {embedder} for text {digest[:12]}…: damaged"
