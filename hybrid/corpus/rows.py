"""The queries of the store, and how documents become rows.

Every query that reads documents or passages is bound to a ``:generation`` and sees what was alive in it.
"""

import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from hybrid.corpus import schema
from hybrid.corpus.split import split
from hybrid.errors import CorpusError
from hybrid.records import Document

Source = str | Mapping[str, str]
"""Where documents come from: all of them, or document id → where that one does; empty if nobody knows."""

_ALIVE = "l.born <= :generation AND (l.died IS NULL OR l.died > :generation)"

GENERATIONS = """
    SELECT number, created, operation, added, updated, removed, note, purged FROM generation ORDER BY number
"""
DIGESTS = f"SELECT d.id, d.digest FROM life l JOIN document d ON d.row = l.document_row WHERE {_ALIVE}"
SOURCES = f"""
    SELECT d.id, d.source FROM life l JOIN document d ON d.row = l.document_row
    WHERE {_ALIVE} ORDER BY d.row
"""
DOCUMENTS = f"""
    SELECT d.id, d.title, d.text, d.metadata FROM life l JOIN document d ON d.row = l.document_row
    WHERE {_ALIVE}
"""
PASSAGES = f"""
    SELECT p.id, d.id AS document, d.title, p.text, p."start", p."end", p.locator
    FROM passage p JOIN document d ON d.row = p.document_row JOIN life l ON l.document_row = d.row
    WHERE {_ALIVE}
"""
IDS = f"""
    SELECT p.id FROM passage p JOIN document d ON d.row = p.document_row JOIN life l ON l.document_row = d.row
    WHERE {_ALIVE}
"""
METADATA = """EXISTS (
    SELECT 1 FROM json_each(d.metadata) m JOIN json_each(:values{number}) w ON w.value = m.value
        AND (w.type IN ('true', 'false')) = (m.type IN ('true', 'false'))
    WHERE m.key = :key{number}
)"""
"""A value of the metadata is one of several; true is not 1. A path of SQLite could not name every key."""
AMONG = {
    "passages": "p.id",
    "documents": "d.id",
    "groups": "coalesce(json_extract(d.metadata, '$.group'), d.id)",
}
"""By what documents and passages can be narrowed down, and where that stands."""
COUNTS = f"""
    SELECT count(DISTINCT l.document_row) AS documents, count(p.id) AS passages
    FROM life l LEFT JOIN passage p ON p.document_row = l.document_row WHERE {_ALIVE}
"""
# CROSS JOIN: passages are gone through in the order of their ids, so that nothing has to be sorted.
MISSING_VECTORS = f"""
    SELECT p.text_digest, d.title, p.text
    FROM passage p CROSS JOIN document d ON d.row = p.document_row CROSS JOIN life l ON l.document_row = d.row
    LEFT JOIN vector v ON v.embedder = :embedder AND v.text_digest = p.text_digest
    WHERE {_ALIVE} AND v.text_digest IS NULL
"""
TEXT_DIGESTS = f"""
    SELECT p.id, p.text_digest FROM passage p CROSS JOIN life l ON l.document_row = p.document_row
    WHERE {_ALIVE}
"""
VECTORS = f"""
    SELECT p.id, v.data FROM passage p CROSS JOIN life l ON l.document_row = p.document_row
    JOIN vector v ON v.embedder = :embedder AND v.text_digest = p.text_digest
    WHERE {_ALIVE}
"""
INDEX_FILES = "SELECT embedder, generation, sha256, kind, passages, recall FROM index_file ORDER BY embedder"
MOVED = f"""
    WITH touched AS (
        SELECT document_row FROM life WHERE born > :since AND born <= :generation
        UNION
        SELECT document_row FROM life WHERE died > :since AND died <= :generation
    ), seen AS (
        SELECT t.document_row,
            EXISTS (SELECT 1 FROM life l WHERE l.document_row = t.document_row
                AND l.born <= :since AND (l.died IS NULL OR l.died > :since)) AS before,
            EXISTS (SELECT 1 FROM life l WHERE l.document_row = t.document_row AND {_ALIVE}) AS now
        FROM touched t
    )
    SELECT p.id, now FROM seen JOIN passage p USING (document_row) WHERE before <> now ORDER BY p.id
"""


@dataclass(frozen=True, slots=True)
class Generation:
    """One committed state of a corpus: when it came to be (UTC), by what, and what that changed.

    ``purged`` is the number of the generation that took bytes out of this one, which then cannot be read.
    """

    number: int
    created: str
    operation: str
    added: int
    updated: int
    removed: int
    note: str
    purged: int | None


@dataclass(frozen=True, slots=True)
class IndexFile:
    """A file with the vectors of a generation.

    Attributes:
        embedder: digest of the one that made the vectors.
        generation: whose passages it holds.
        sha256: of its bytes.
        kind: of the index.
        passages: how many it holds.
        recall: of its search, against exact search, when it was built.
    """

    embedder: str
    generation: int
    sha256: str
    kind: str
    passages: int
    recall: float

    @property
    def name(self) -> str:
        """Its name in the folder ``index``."""
        return f"{self.generation}-{self.sha256}.faiss"


@dataclass(frozen=True, slots=True)
class Given:
    """Vectors that come with documents, each of which is one passage.

    Attributes:
        embedder: digest of the one that made them.
        vectors: float32 in little-endian bytes, by document id.
    """

    embedder: str
    vectors: Mapping[str, bytes]


def document(row: sqlite3.Row) -> Document:
    """The document of a row of DOCUMENTS."""
    return Document(row["id"], row["title"], row["text"], json.loads(row["metadata"]))


def check(documents: Sequence[Document]) -> None:
    """Refuses a batch that is empty, or holds an id twice, or a document without text or unfit to be kept."""
    if not documents:
        raise CorpusError("There are no documents to add.")
    for document in documents:
        if fault := _fault(document):
            raise CorpusError(f'Document "{_printable(document.id)}" cannot be kept: {fault}.')
        if not document.id.strip() or not document.text.strip():
            raise CorpusError(f'Document "{document.id}" has no id or no text; leave it out.')
    id, times = Counter(document.id for document in documents).most_common(1)[0]
    if times > 1:
        raise CorpusError(
            f'{times} of the documents to add have the id "{id}"; an id stands for one document.'
        )


def _fault(document: Document) -> str:
    """Why a document does not fit into the database; empty if it does."""
    for name in ("id", "title", "text"):
        value: object = getattr(document, name)
        if not isinstance(value, str):
            return f"its {name} is no text but {type(value).__name__}"
        try:
            value.encode()
        except UnicodeEncodeError as exc:
            return f"character {exc.start} of its {name} is half of a surrogate pair"
    try:
        _json(document.metadata)
    except (TypeError, ValueError, RecursionError) as exc:
        return f"its metadata is no JSON ({exc})"
    return ""


def _printable(id: object) -> str:
    return str(id).encode("utf-8", "backslashreplace").decode()


def newest(db: sqlite3.Connection) -> int:
    """The number of the newest generation."""
    number = db.execute("SELECT max(number) FROM generation").fetchone()[0]
    if number is None:
        raise CorpusError("The corpus has lost its generations; import it again, or go back to a copy.")
    return int(number)


def begin(
    db: sqlite3.Connection,
    operation: str,
    *,
    added: int = 0,
    updated: int = 0,
    removed: int = 0,
    note: str = "",
) -> int:
    """Starts a generation and returns its number."""
    number = newest(db) + 1
    db.execute(
        "INSERT INTO generation (number, created, operation, added, updated, removed, note)"
        " VALUES (?, datetime('now'), ?, ?, ?, ?, ?)",
        (number, operation, added, updated, removed, note),
    )
    return number


def insert(
    db: sqlite3.Connection,
    documents: Iterable[Document],
    generation: int,
    passage_chars: int | None,
    source: Source,
    given: Given | None = None,
) -> None:
    """Adds documents, their passages, and the vectors that are given with them."""
    # The numbers of rows are chosen here, so that many rows go in by one statement; there is one writer.
    first = _last_row(db, "document") + 1
    numbered = list(enumerate(documents, start=first))
    db.executemany(
        "INSERT INTO document (row, id, title, text, digest, metadata, source) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            (
                row,
                doc.id,
                doc.title,
                doc.text,
                schema.document_digest(doc),
                _json(doc.metadata),
                _source_of(doc, source),
            )
            for row, doc in numbered
        ),
    )
    db.executemany(
        "INSERT INTO life (document_id, document_row, born) VALUES (?, ?, ?)",
        ((document.id, row, generation) for row, document in numbered),
    )
    db.executemany(
        'INSERT INTO passage (document_row, "start", "end", locator, text, text_digest)'
        " VALUES (?, ?, ?, ?, ?, ?)",
        (made for row, document in numbered for made in _passages(document, row, passage_chars, given)),
    )
    if given:
        vectors = {_digest(document, given): given.vectors[document.id] for _, document in numbered}
        put_vectors(db, given.embedder, vectors)


def _last_row(db: sqlite3.Connection, table: str) -> int:
    """The greatest number that a row of a table ever had."""
    found = db.execute("SELECT seq FROM sqlite_sequence WHERE name = ?", (table,)).fetchone()
    return int(found[0]) if found else 0


def _json(metadata: Mapping[str, object]) -> str:
    return json.dumps(dict(metadata), sort_keys=True, allow_nan=False) if metadata else "{}"


def _passages(
    document: Document, row: int, passage_chars: int | None, given: Given | None
) -> Iterator[tuple[object, ...]]:
    if passage_chars is None:
        digest = _digest(document, given)
        yield row, 0, len(document.text), "", document.text, digest
        return
    for piece in split(document.text, passage_chars):
        text = document.text[piece.start : piece.end]
        digest = schema.text_digest(schema.searchable(document.title, text))
        yield row, piece.start, piece.end, piece.locator, text, digest


def _digest(document: Document, given: Given | None) -> str:
    """Under which the vector of a document that is one passage is kept."""
    searched = schema.searchable(document.title, document.text)
    return (
        schema.given_digest(searched, given.vectors[document.id]) if given else schema.text_digest(searched)
    )


def put_vectors(db: sqlite3.Connection, embedder: str, vectors: Mapping[str, bytes]) -> None:
    """Keeps the vectors of an embedder, by text digest."""
    db.executemany(
        "INSERT OR REPLACE INTO vector (embedder, text_digest, data) VALUES (?, ?, ?)",
        ((embedder, digest, vectors[digest]) for digest in sorted(vectors)),
    )
    if db.execute("SELECT 1 FROM generation WHERE purged IS NOT NULL").fetchone():
        # What was purged while its vector was made must not come back by it.
        forget_vectors(db)


def forget_vectors(db: sqlite3.Connection) -> None:
    """Removes the vectors of texts that no generation has."""
    db.execute("DELETE FROM vector WHERE text_digest NOT IN (SELECT text_digest FROM passage)")


def oldest_lacks_vector(db: sqlite3.Connection, embedder: str) -> bool:
    """Whether the oldest passage in the newest generation has no vector of an embedder.

    Where vectors are given with documents it stands for all: none was added without a vector like its own.
    """
    query = (
        "SELECT v.row IS NULL FROM passage p"
        " CROSS JOIN life l ON l.document_row = p.document_row AND l.died IS NULL"
        " LEFT JOIN vector v ON v.embedder = ? AND v.text_digest = p.text_digest ORDER BY p.id LIMIT 1"
    )
    found = db.execute(query, (embedder,)).fetchone()
    return found is not None and bool(found[0])


def end(db: sqlite3.Connection, ids: Iterable[str], generation: int) -> None:
    """Ends the lives of documents in a generation."""
    db.executemany(
        "UPDATE life SET died = ? WHERE died IS NULL AND document_id = ?", ((generation, id) for id in ids)
    )


def alive(db: sqlite3.Connection, ids: Iterable[str]) -> dict[str, str]:
    """Id → digest of those documents that are in the newest generation."""
    # CROSS JOIN: each id is looked up, instead of all that are alive being held against all ids.
    query = (
        "SELECT d.id, d.digest FROM json_each(?)"
        " CROSS JOIN life l ON l.document_id = value AND l.died IS NULL"
        " JOIN document d ON d.row = l.document_row"
    )
    return dict(db.execute(query, (json.dumps(list(ids)),)).fetchall())


def alive_sources(db: sqlite3.Connection) -> dict[str, str]:
    """Id → source of all documents in the newest generation."""
    return dict(db.execute(SOURCES, {"generation": newest(db)}).fetchall())


def set_sources(db: sqlite3.Connection, documents: Iterable[Document], source: Source) -> None:
    """Tells anew where documents of the newest generation come from, unless that is not known."""
    told = ((_source_of(document, source), document.id) for document in documents)
    db.executemany(
        "UPDATE document SET source = ?1 WHERE source <> ?1"
        " AND row = (SELECT document_row FROM life WHERE document_id = ?2 AND died IS NULL)",
        ((place, id) for place, id in told if place),
    )


def _source_of(document: Document, source: Source) -> str:
    return source if isinstance(source, str) else source.get(document.id, "")


def record_index(db: sqlite3.Connection, file: IndexFile) -> None:
    """Records the only index file of an embedder."""
    db.execute(
        "INSERT OR REPLACE INTO index_file (embedder, generation, sha256, kind, passages, recall)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (file.embedder, file.generation, file.sha256, file.kind, file.passages, file.recall),
    )


def has_newer_index(db: sqlite3.Connection, embedder: str, generation: int) -> bool:
    """Whether the index file of an embedder is of a later generation."""
    query = "SELECT 1 FROM index_file WHERE embedder = ? AND generation > ?"
    return db.execute(query, (embedder, generation)).fetchone() is not None


def index_names(db: sqlite3.Connection) -> set[str]:
    """The names of all index files that are recorded."""
    return {IndexFile(*row).name for row in db.execute(INDEX_FILES)}
