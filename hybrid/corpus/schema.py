"""The tables of ``corpus.db``.

Documents and passages are never changed. A life says from which generation to before which one a document is
in the corpus; after a rollback it has several. A generation is purged by a later one, which took bytes out of
it, and cannot be read any more.
"""

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from hybrid.corpus import folders
from hybrid.errors import CorpusError, GenerationGone, NotWritten
from hybrid.records import Document

SCHEMA_VERSION = "2"
_GREATEST = 2**63 - 1
"""What SQLite can hold; no generation has this number."""
_SORTED = json.JSONEncoder(sort_keys=True)
BUSY_SECONDS = 5.0
"""How long a purge waits for readers, each of which reads for a moment."""

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
    purged INTEGER
);
CREATE TABLE document (
    row INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL,
    title TEXT NOT NULL,
    text TEXT NOT NULL,
    digest TEXT NOT NULL,
    metadata TEXT NOT NULL,
    source TEXT NOT NULL DEFAULT ''
);
CREATE INDEX document_id ON document (id);
CREATE TABLE life (
    document_id TEXT NOT NULL,
    document_row INTEGER NOT NULL REFERENCES document (row),
    born INTEGER NOT NULL REFERENCES generation (number),
    died INTEGER REFERENCES generation (number),
    PRIMARY KEY (document_row, born)
) WITHOUT ROWID;
CREATE UNIQUE INDEX life_now ON life (document_id) WHERE died IS NULL;
CREATE INDEX life_born ON life (born);
CREATE INDEX life_died ON life (died) WHERE died IS NOT NULL;
CREATE TABLE passage (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    document_row INTEGER NOT NULL REFERENCES document (row),
    "start" INTEGER NOT NULL,
    "end" INTEGER NOT NULL,
    locator TEXT NOT NULL,
    text TEXT NOT NULL,
    text_digest TEXT NOT NULL
);
CREATE INDEX passage_document ON passage (document_row);
CREATE TABLE vector (
    row INTEGER PRIMARY KEY,
    embedder TEXT NOT NULL,
    text_digest TEXT NOT NULL,
    data BLOB NOT NULL,
    UNIQUE (text_digest, embedder)
);
CREATE TABLE index_file (
    embedder TEXT PRIMARY KEY,
    generation INTEGER NOT NULL REFERENCES generation (number),
    sha256 TEXT NOT NULL,
    kind TEXT NOT NULL,
    passages INTEGER NOT NULL,
    recall REAL NOT NULL
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
    """A connection whose COMMIT is on the disk when it returns, and which overwrites what it deletes."""
    db = sqlite3.connect(path, isolation_level=None, timeout=BUSY_SECONDS)
    db.execute("PRAGMA synchronous = FULL")
    db.execute("PRAGMA foreign_keys = ON")
    db.execute("PRAGMA secure_delete = ON")
    return db


def connect_reader(path: Path) -> sqlite3.Connection:
    """A read-only connection, for use by several threads one after the other.

    Raises:
        OldStore: the file is of another version of the store.
        CorpusError: the file is damaged, or gone, or must not be read.
    """
    with read_faults(path):
        db = sqlite3.connect(
            f"{path.as_uri()}?mode=ro", uri=True, isolation_level=None, check_same_thread=False
        )
    db.row_factory = sqlite3.Row
    try:
        with read_faults(path):
            meta = {row["key"]: row["value"] for row in db.execute("SELECT key, value FROM meta")}
        version = meta.get("schema_version", "none")
        if version != SCHEMA_VERSION:
            raise OldStore(
                f"{path} has version {version} of the store, not {SCHEMA_VERSION}; import the corpus again.",
                sealed="sealed" in meta,
            )
    except BaseException:
        db.close()
        raise
    return db


class OldStore(CorpusError):
    """A corpus of another version of the store; ``sealed`` if it is a built-in one, and so made anew."""

    def __init__(self, message: str, *, sealed: bool) -> None:
        super().__init__(message)
        self.sealed = sealed


@contextmanager
def read_faults(path: Path) -> Iterator[None]:
    """Turns what SQLite says of a file that is damaged, or that cannot be opened, into a CorpusError."""
    try:
        yield
    except sqlite3.ProgrammingError:
        raise
    except (OSError, sqlite3.DatabaseError) as exc:
        if isinstance(exc, OSError) or _not_opened(exc):
            raise CorpusError(
                f"{path} cannot be opened ({exc}); see that it is there, that you may read it, and that you "
                "may write in its folder, where SQLite keeps a file beside it."
            ) from exc
        raise CorpusError(f"{path} cannot be read as a corpus ({exc}); import it again.") from exc


@contextmanager
def write_faults(name: str) -> Iterator[None]:
    """Turns a full disk, or what else keeps a file from being written, into a CorpusError.

    Raises:
        NotWritten: the file cannot be written.
        CorpusError: it is damaged.
    """
    try:
        yield
    except (OSError, sqlite3.OperationalError) as exc:
        raise NotWritten(
            f'Corpus "{name}" was not changed, because writing failed ({exc}); what was there serves on.'
        ) from exc
    except (sqlite3.ProgrammingError, sqlite3.IntegrityError):
        raise
    except sqlite3.DatabaseError as exc:
        raise CorpusError(
            f'Corpus "{name}" was not changed, because its file is damaged ({exc}); '
            "import it again, or go back to a copy."
        ) from exc


@contextmanager
def make_faults(name: str) -> Iterator[None]:
    """Turns what keeps a corpus from being made into a CorpusError."""
    try:
        yield
    except (OSError, sqlite3.OperationalError) as exc:
        raise NotWritten(
            f'Corpus "{name}" was not made, because writing failed ({exc}); make room, '
            "or set HYBRID_HOME to a folder that may be written."
        ) from exc


def _not_opened(exc: sqlite3.DatabaseError) -> bool:
    codes = (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM)
    return getattr(exc, "sqlite_errorcode", 0) & 0xFF in codes


def refuse_gone(db: sqlite3.Connection, name: str, generation: int) -> None:
    """Refuses a generation that was purged, or never was.

    Raises:
        GenerationGone: it was purged.
        CorpusError: there is no such generation.
    """
    number = max(-1, min(generation, _GREATEST))
    found = db.execute("SELECT purged FROM generation WHERE number = ?", (number,)).fetchone()
    if found is None:
        newest = db.execute("SELECT max(number) FROM generation").fetchone()[0]
        raise CorpusError(f'Corpus "{name}" has no generation {generation}; the newest is {newest}.')
    if found[0] is not None:
        raise GenerationGone(
            f'Generation {generation} of corpus "{name}" is gone: generation {found[0]} purged what it held.'
        )


def begin_purge(db: sqlite3.Connection) -> None:
    """Notes, in the transaction that deletes, that the bytes have to go, too."""
    db.execute("INSERT OR REPLACE INTO meta (key, value) VALUES ('purging', 'yes')")


def finish_purge(db: sqlite3.Connection, index: Path) -> bool:
    """Takes bytes out of the files if that was noted: of free pages, of the log, and of index files.

    Returns:
        Whether nothing is left to do. Somebody who reads keeps the log from being emptied.
    """
    if not db.execute("SELECT 1 FROM meta WHERE key = 'purging'").fetchone():
        return True
    folders.keep_only(index, set())
    db.execute("VACUUM")
    busy = db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
    if not busy:
        db.execute("DELETE FROM meta WHERE key = 'purging'")
    return not busy


def searchable(title: str, text: str) -> str:
    """What is embedded of a passage: its text, under its title if there is one."""
    return f"{title}\n{text}" if title else text


def document_digest(document: Document) -> str:
    """SHA-256 of a document's title, text and metadata."""
    return text_digest(_SORTED.encode([document.title, document.text, dict(document.metadata)]))


def corpus_digest(documents: Iterable[tuple[str, str]], passage_chars: int | None) -> str:
    """SHA-256 of a corpus, from the id and digest of each of its documents, in any order."""
    return text_digest(json.dumps([sorted(documents), passage_chars]))


def text_digest(text: str) -> str:
    """SHA-256 of a text, in hexadecimal digits."""
    return hashlib.sha256(text.encode()).hexdigest()


def given_digest(text: str, vector: bytes) -> str:
    """SHA-256 of a text and of the vector that was given with it, in hexadecimal digits.

    Under this key equal texts may have different vectors, each of which stays in the generations it was in.
    """
    return hashlib.sha256(text_digest(text).encode() + vector).hexdigest()
