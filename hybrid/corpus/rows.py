"""The queries of the store, and how documents become rows.

Every query that reads documents or passages is bound to a ``:generation`` and sees what was alive in it.
"""

import json
import sqlite3
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from hybrid.corpus import schema
from hybrid.corpus.split import split
from hybrid.errors import CorpusError
from hybrid.records import Document

GENERATIONS = (
    "SELECT number, created, operation, added, updated, removed, note FROM generation ORDER BY number"
)
DIGESTS = """
    SELECT d.id, d.digest FROM document d
    WHERE d.born <= :generation AND (d.died IS NULL OR d.died > :generation)
"""
DOCUMENTS = """
    SELECT d.id, d.title, d.text, d.metadata FROM document d
    WHERE d.born <= :generation AND (d.died IS NULL OR d.died > :generation)
"""
PASSAGES = """
    SELECT p.id, d.id AS document, d.title, p.text, p."start", p."end", p.locator
    FROM passage p JOIN document d ON d.row = p.document_row
    WHERE p.born <= :generation AND (p.died IS NULL OR p.died > :generation)
"""
MISSING_VECTORS = """
    SELECT p.text_digest, d.title, p.text FROM passage p JOIN document d ON d.row = p.document_row
    LEFT JOIN vector v ON v.embedder = :embedder AND v.text_digest = p.text_digest
    WHERE p.born <= :generation AND (p.died IS NULL OR p.died > :generation) AND v.data IS NULL
    ORDER BY p.id
"""
VECTORS = """
    SELECT p.id, v.data FROM passage p
    LEFT JOIN vector v ON v.embedder = :embedder AND v.text_digest = p.text_digest
    WHERE p.born <= :generation AND (p.died IS NULL OR p.died > :generation)
    ORDER BY p.id
"""


@dataclass(frozen=True, slots=True)
class Generation:
    """One committed state of a corpus: when it came to be (UTC), by what, and what that changed."""

    number: int
    created: str
    operation: str
    added: int
    updated: int
    removed: int
    note: str


def document(row: sqlite3.Row) -> Document:
    """The document of a row of DOCUMENTS."""
    return Document(row["id"], row["title"], row["text"], json.loads(row["metadata"]))


def check(documents: Sequence[Document]) -> None:
    """Refuses a batch that is empty, or holds a document without text or an id twice."""
    if not documents:
        raise CorpusError("There are no documents to add.")
    for document in documents:
        if not document.id.strip() or not document.text.strip():
            raise CorpusError(f'Document "{document.id}" has no id or no text; leave it out.')
    id, times = Counter(document.id for document in documents).most_common(1)[0]
    if times > 1:
        raise CorpusError(
            f'{times} of the documents to add have the id "{id}"; an id stands for one document.'
        )


def refuse_taken(db: sqlite3.Connection, ids: Sequence[str]) -> None:
    """Refuses ids that are alive in the corpus."""
    query = (
        "SELECT id FROM document WHERE died IS NULL AND id IN (SELECT value FROM json_each(?)) ORDER BY row"
    )
    taken = db.execute(query, (json.dumps(ids),)).fetchone()
    if taken:
        raise CorpusError(f'Document "{taken[0]}" is in the corpus already; use update to change it.')


def begin(db: sqlite3.Connection, operation: str, *, added: int = 0, removed: int = 0, note: str = "") -> int:
    """Starts a generation and returns its number."""
    number = db.execute("SELECT max(number) + 1 FROM generation").fetchone()[0]
    db.execute(
        "INSERT INTO generation (number, created, operation, added, removed, note)"
        " VALUES (?, datetime('now'), ?, ?, ?, ?)",
        (number, operation, added, removed, note),
    )
    return int(number)


def insert(
    db: sqlite3.Connection, document: Document, generation: int, passage_chars: int, source: str
) -> None:
    """Adds a document and its passages."""
    metadata = json.dumps(dict(document.metadata), sort_keys=True)
    values = (document.id, document.title, document.text, schema.document_digest(document), metadata, source)
    row = db.execute(
        "INSERT INTO document (id, title, text, digest, metadata, source, born) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (*values, generation),
    ).lastrowid
    for piece in split(document.text, passage_chars):
        text = document.text[piece.start : piece.end]
        digest = schema.text_digest(schema.searchable(document.title, text))
        db.execute(
            'INSERT INTO passage (document_row, "start", "end", locator, text, text_digest, born)'
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (row, piece.start, piece.end, piece.locator, text, digest, generation),
        )


def kill(db: sqlite3.Connection, id: str, generation: int) -> None:
    """Ends a document and its passages in a generation."""
    found = db.execute("SELECT row FROM document WHERE died IS NULL AND id = ?", (id,)).fetchone()
    if found is None:
        raise CorpusError(f'The corpus holds no document "{id}", so it cannot be removed.')
    db.execute("UPDATE document SET died = ? WHERE row = ?", (generation, found[0]))
    db.execute("UPDATE passage SET died = ? WHERE document_row = ?", (generation, found[0]))


def record_index(db: sqlite3.Connection, embedder: str, generation: int, digest: str) -> set[str]:
    """Records the only index file of an embedder; returns the names of all files that are recorded."""
    db.execute("DELETE FROM index_file WHERE embedder = ?", (embedder,))
    alive = "born <= ? AND (died IS NULL OR died > ?)"
    db.execute(
        "INSERT INTO index_file (generation, embedder, sha256, passages)"
        f" SELECT ?, ?, ?, count(*) FROM passage WHERE {alive}",
        (generation, embedder, digest, generation, generation),
    )
    found = db.execute("SELECT generation, sha256 FROM index_file")
    return {f"{number}-{sha256}.faiss" for number, sha256 in found}
