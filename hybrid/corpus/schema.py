"""The tables of ``corpus.db``. Rows are never changed: they are born in a generation and die in one."""

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Mapping
from pathlib import Path

from hybrid.errors import CorpusError
from hybrid.records import Document

SCHEMA_VERSION = "1"

TABLES = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE generation (
    number INTEGER PRIMARY KEY,
    created TEXT NOT NULL,
    operation TEXT NOT NULL,
    added INTEGER NOT NULL DEFAULT 0,
    updated INTEGER NOT NULL DEFAULT 0,
    removed INTEGER NOT NULL DEFAULT 0,
    note TEXT NOT NULL DEFAULT '',
    purged INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE document (
    row INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL,
    title TEXT NOT NULL,
    text TEXT NOT NULL,
    digest TEXT NOT NULL,
    metadata TEXT NOT NULL,
    source TEXT NOT NULL DEFAULT '',
    born INTEGER NOT NULL REFERENCES generation (number),
    died INTEGER REFERENCES generation (number)
);
CREATE UNIQUE INDEX document_alive ON document (id) WHERE died IS NULL;
CREATE INDEX document_id ON document (id);
CREATE TABLE passage (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    document_row INTEGER NOT NULL REFERENCES document (row),
    "start" INTEGER NOT NULL,
    "end" INTEGER NOT NULL,
    locator TEXT NOT NULL,
    text TEXT NOT NULL,
    text_digest TEXT NOT NULL,
    born INTEGER NOT NULL REFERENCES generation (number),
    died INTEGER REFERENCES generation (number)
);
CREATE INDEX passage_document ON passage (document_row);
CREATE TABLE vector (
    embedder TEXT NOT NULL,
    text_digest TEXT NOT NULL,
    data BLOB NOT NULL,
    PRIMARY KEY (embedder, text_digest)
) WITHOUT ROWID;
CREATE TABLE index_file (
    generation INTEGER NOT NULL REFERENCES generation (number),
    embedder TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    passages INTEGER NOT NULL,
    PRIMARY KEY (generation, embedder)
);
"""


def make_database(path: Path, meta: Mapping[str, str]) -> None:
    """Creates an empty corpus in generation 0."""
    db = connect_writer(path)
    try:
        db.execute("PRAGMA journal_mode = WAL")
        db.executescript(TABLES)
        db.executemany("INSERT INTO meta VALUES (?, ?)", {**meta, "schema_version": SCHEMA_VERSION}.items())
        db.execute(
            "INSERT INTO generation (number, created, operation) VALUES (0, datetime('now'), 'create')"
        )
    finally:
        db.close()


def connect_writer(path: Path) -> sqlite3.Connection:
    """A connection whose COMMIT is on the disk when it returns."""
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA synchronous = FULL")
    db.execute("PRAGMA foreign_keys = ON")
    return db


def connect_reader(path: Path) -> sqlite3.Connection:
    """A read-only connection, for use by several threads one after the other.

    Raises:
        CorpusError: the file is damaged, or of another version of the store.
    """
    db = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, isolation_level=None, check_same_thread=False)
    db.row_factory = sqlite3.Row
    try:
        row = db.execute("SELECT value FROM meta WHERE key = 'schema_version'").fetchone()
    except sqlite3.DatabaseError as exc:
        db.close()
        raise CorpusError(f"{path} cannot be read as a corpus ({exc}); import it again.") from exc
    version = row["value"] if row else "none"
    if version != SCHEMA_VERSION:
        db.close()
        raise CorpusError(
            f"{path} has version {version} of the store, not {SCHEMA_VERSION}; import the corpus again."
        )
    return db


def searchable(title: str, text: str) -> str:
    """What is embedded of a passage: its text, under its title if there is one."""
    return f"{title}\n{text}" if title else text


def document_digest(document: Document) -> str:
    """SHA-256 of a document's title, text and metadata."""
    content = [document.title, document.text, dict(document.metadata)]
    return text_digest(json.dumps(content, sort_keys=True))


def corpus_digest(documents: Iterable[tuple[str, str]], passage_chars: int) -> str:
    """SHA-256 of a corpus, from the id and digest of each of its documents, in any order."""
    return text_digest(json.dumps([sorted(documents), passage_chars]))


def text_digest(text: str) -> str:
    """SHA-256 of a text, in hexadecimal digits."""
    return hashlib.sha256(text.encode()).hexdigest()
