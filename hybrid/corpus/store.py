"""A named corpus on SQLite: what is true is in ``corpus.db``; the index files beside it can be rebuilt."""

import json
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from hybrid.corpus import folders, rows, schema
from hybrid.errors import CorpusError, UnknownName
from hybrid.records import Document, Gold, Passage


class Corpus:
    """A named, versioned set of documents, cut into passages.

    Threads may share it: reads take turns on one read-only connection, which keeps its texts even if the
    name is given to another corpus meanwhile. Writes take the lock of the folder.
    """

    def __init__(self, folder: Path) -> None:
        """Opens the corpus in a folder; ``Corpus.open`` and ``Corpus.create`` find it by name."""
        self.folder = folder
        self._path = folder / "corpus.db"
        self._mutex = threading.Lock()
        self._db = schema.connect_reader(self._path)
        self._inode = self._path.stat().st_ino
        self.name = str(self.meta("name"))
        self.passage_chars = int(self.meta("passage_chars") or 0)

    @classmethod
    def create(
        cls,
        name: str,
        *,
        documents: Iterable[Document] = (),
        home: Path | None = None,
        passage_chars: int = 400,
    ) -> Self:
        """Makes a corpus; if that fails, nothing is left.

        Args:
            name: letters, digits, ``.``, ``_`` and ``-``.
            documents: its first ones; without any it is empty.
            home: the state folder; by default ``hybrid.library.home()``.
            passage_chars: greatest length of a passage.

        Raises:
            CorpusError: the name does not fit or is taken, or a document does not fit.
        """
        target = folders.corpus_folder(name, home)
        if target.exists():
            raise folders.taken(name)
        with folders.staged_folder(target) as staged:
            with cls.create_in(staged, name, passage_chars=passage_chars) as corpus:
                if batch := list(documents):
                    corpus.add(batch)
            folders.publish({staged: target})
        return cls(target)

    @classmethod
    def create_in(cls, folder: Path, name: str, *, passage_chars: int = 400) -> Self:
        """Makes an empty corpus in a folder that gets its place later.

        Args:
            folder: an empty folder.
            name: what the corpus will be called.
            passage_chars: greatest length of a passage.
        """
        if passage_chars < 1:
            raise CorpusError(f"A passage has at least 1 character, not {passage_chars}.")
        (folder / "index").mkdir()
        schema.make_database(folder / "corpus.db", {"name": name, "passage_chars": str(passage_chars)})
        return cls(folder)

    @classmethod
    def open(cls, name: str, *, home: Path | None = None) -> Self:
        """Opens a corpus by its name; raises UnknownName, or CorpusError if its file is damaged."""
        if not cls.exists(name, home=home):
            raise UnknownName("corpus", name, cls.names(home))
        return cls(folders.corpus_folder(name, home))

    @staticmethod
    def exists(name: str, *, home: Path | None = None) -> bool:
        """Whether there is a corpus of that name."""
        return name in Corpus.names(home)

    @staticmethod
    def names(home: Path | None = None) -> list[str]:
        """The names of all corpora, sorted."""
        return folders.corpus_names(home)

    @staticmethod
    def delete(name: str, *, home: Path | None = None) -> None:
        """Removes a corpus with all its generations.

        Raises:
            UnknownName: there is none of that name.
            CorpusError: it is being written.
        """
        if not Corpus.exists(name, home=home):
            raise UnknownName("corpus", name, Corpus.names(home))
        folder = folders.corpus_folder(name, home)
        with folders.writer_lock(folder):
            folders.discard(folder)

    def close(self) -> None:
        """Closes the connection; the corpus cannot be read through this object any more."""
        self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def generation(self) -> int:
        """The number of the newest committed generation; a new corpus has 0."""
        return int(self._select("SELECT max(number) AS newest FROM generation")[0]["newest"])

    @property
    def digest(self) -> str:
        """SHA-256 of the documents as they are now and of the passage length."""
        pairs = ((row["id"], row["digest"]) for row in self._alive(rows.DIGESTS))
        return schema.corpus_digest(pairs, self.passage_chars)

    def history(self) -> list[rows.Generation]:
        """All generations, oldest first."""
        return [rows.Generation(**row) for row in self._select(rows.GENERATIONS)]

    def meta(self, key: str) -> str | None:
        """What was recorded under a key when the corpus was made."""
        found = self._select("SELECT value FROM meta WHERE key = :key", key=key)
        return str(found[0]["value"]) if found else None

    def documents(self) -> list[Document]:
        """All documents, in the order in which they were added."""
        return [rows.document(row) for row in self._alive(f"{rows.DOCUMENTS} ORDER BY d.row")]

    def document(self, id: str) -> Document:
        """One document.

        Raises:
            UnknownName: there is none of that id.
        """
        found = self._alive(f"{rows.DOCUMENTS} AND d.id = :id", id=id)
        if not found:
            raise UnknownName("document", id, (row["id"] for row in self._alive(rows.DIGESTS)))
        return rows.document(found[0])

    def passages(self) -> list[Passage]:
        """All passages, by id."""
        return [Passage(**row) for row in self._alive(f"{rows.PASSAGES} ORDER BY p.id")]

    def fetch(self, ids: Iterable[int]) -> dict[int, Passage]:
        """The passages of these ids that are in the corpus now; ids of others are left out."""
        wanted = json.dumps([int(id) for id in ids])
        query = f"{rows.PASSAGES} AND p.id IN (SELECT value FROM json_each(:ids)) ORDER BY p.id"
        return {row["id"]: Passage(**row) for row in self._alive(query, ids=wanted)}

    def holding(self, gold: Gold) -> list[Passage]:
        """The passages that overlap a gold span; all of its document if it names no span."""
        query = f"{rows.PASSAGES} AND d.id = :document"
        if gold.start is not None:
            query += ' AND p."start" < :end AND p."end" > :start'
        found = self._alive(f"{query} ORDER BY p.id", document=gold.document, start=gold.start, end=gold.end)
        return [Passage(**row) for row in found]

    def add(self, documents: Iterable[Document], *, source: str = "", note: str = "") -> int:
        """Adds documents, all or none; when it returns they are on the disk.

        Args:
            documents: with ids that the corpus does not hold.
            source: where they come from.
            note: for the history.

        Returns:
            The number of the new generation.

        Raises:
            CorpusError: there are none, or one is empty, or its id is taken.
        """
        batch = list(documents)
        rows.check(batch)
        self._refuse_sealed()
        with self._writing() as db:
            rows.refuse_taken(db, [document.id for document in batch])
            generation = rows.begin(db, "add", added=len(batch), note=note)
            for document in batch:
                rows.insert(db, document, generation, self.passage_chars, source)
        return generation

    def remove(self, ids: Iterable[str], *, note: str = "") -> int:
        """Removes documents, all or none; returns the number of the new generation.

        Raises:
            CorpusError: no id is given, or the corpus holds no document of that id.
        """
        wanted = list(dict.fromkeys(ids))
        if not wanted:
            raise CorpusError("No documents to remove were named.")
        self._refuse_sealed()
        with self._writing() as db:
            generation = rows.begin(db, "remove", removed=len(wanted), note=note)
            for id in wanted:
                rows.kill(db, id, generation)
        return generation

    def missing_vectors(self, embedder: str) -> dict[str, str]:
        """Text digest → searchable text of the passages that an embedder has no vector for, by passage id."""
        found = self._alive(rows.MISSING_VECTORS, embedder=embedder)
        return {row["text_digest"]: schema.searchable(row["title"], row["text"]) for row in found}

    def put_vectors(self, embedder: str, vectors: Mapping[str, NDArray[np.float32]]) -> None:
        """Keeps the vectors of an embedder, by text digest."""
        with self._writing() as db:
            db.executemany(
                "INSERT OR REPLACE INTO vector (embedder, text_digest, data) VALUES (?, ?, ?)",
                ((embedder, digest, np.asarray(v, dtype="<f4").tobytes()) for digest, v in vectors.items()),
            )

    def vectors(self, embedder: str) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Passage ids [n], ascending, and their vectors [n, d].

        Raises:
            CorpusError: there are no passages, or a vector is missing or of another length.
        """
        found = self._alive(rows.VECTORS, embedder=embedder)
        sizes = {len(row["data"] or b"") for row in found}
        if not found:
            raise CorpusError(
                f'Corpus "{self.name}" is empty. Add documents: hybrid corpus add {self.name} PATH'
            )
        if len(sizes) != 1 or 0 in sizes:
            raise CorpusError(f'Corpus "{self.name}" lacks vectors of embedder {embedder}; embed it first.')
        flat = np.frombuffer(b"".join(row["data"] for row in found), dtype="<f4").astype(np.float32)
        return np.array([row["id"] for row in found], dtype=np.int64), flat.reshape(len(found), -1)

    def index_file(self, embedder: str) -> tuple[Path, str] | None:
        """The index file of the newest generation and its recorded SHA-256, if there is one."""
        query = "SELECT sha256 FROM index_file WHERE embedder = :embedder AND generation = :generation"
        generation = self.generation
        for row in self._select(query, embedder=embedder, generation=generation):
            path = self.folder / "index" / f"{generation}-{row['sha256']}.faiss"
            if path.is_file():
                return path, row["sha256"]
        return None

    def publish_index(self, embedder: str, write: Callable[[Path], None]) -> Path:
        """Records an index file for the newest generation, and drops those for older ones.

        Args:
            embedder: whose vectors it holds.
            write: writes the index to the path it is given. The corpus cannot change while it runs.

        Returns:
            Where the file is.
        """
        index = self.folder / "index"
        with self._writing() as db:
            generation = self.generation
            digest = folders.publish_file(write, index / f"{generation}-{{digest}}.faiss")
            recorded = rows.record_index(db, embedder, generation, digest)
            for path in index.iterdir():
                if path.name not in recorded:
                    path.unlink()
        return index / f"{generation}-{digest}.faiss"

    def seal(self) -> None:
        """Marks the corpus as built in: made anew from its manifest, so that a change would be lost."""
        with self._writing() as db:
            db.execute("INSERT INTO meta (key, value) VALUES ('sealed', 'yes')")

    @property
    def sealed(self) -> bool:
        """Whether it is a built-in corpus, which nobody may change."""
        return self.meta("sealed") is not None

    def _refuse_sealed(self) -> None:
        if self.sealed:
            raise CorpusError(
                f'Corpus "{self.name}" is built in and cannot be changed. '
                "Make your own: hybrid corpus create NAME PATH"
            )

    def _select(self, query: str, **values: Any) -> list[sqlite3.Row]:
        with self._mutex:
            return self._db.execute(query, values).fetchall()

    def _alive(self, query: str, **values: Any) -> list[sqlite3.Row]:
        """Rows of a query that is bound to the newest generation."""
        return self._select(query, generation=self.generation, **values)

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction under the writer's lock: committed at the end of the block, or rolled back."""
        with folders.writer_lock(self.folder):
            if self._path.stat().st_ino != self._inode:
                raise CorpusError(f'Corpus "{self.name}" was replaced meanwhile; open it again.')
            db = schema.connect_writer(self._path)
            try:
                db.execute("BEGIN IMMEDIATE")
                yield db
                db.execute("COMMIT")
            finally:
                # Closing rolls back what was not committed.
                db.close()
