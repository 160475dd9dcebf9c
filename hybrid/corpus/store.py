"""A named corpus on SQLite: what is true is in ``corpus.db``; the index files beside it can be rebuilt."""

import json
import sqlite3
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from hybrid import disk
from hybrid.corpus import changes, folders, integrity, rows, schema
from hybrid.corpus.changes import Change
from hybrid.corpus.rows import IndexFile, Source
from hybrid.errors import CorpusBusy, CorpusError, UnknownName
from hybrid.records import Document, Gold, Passage


class Corpus:
    """A named, versioned set of documents, cut into passages.

    It is read as it stands in its newest generation, or, if it was opened at one, always in that. Threads
    may share it: reads take turns on one read-only connection, which keeps its texts even if the name is
    given to another corpus meanwhile. Writes take the lock of the folder.
    """

    def __init__(self, folder: Path, *, at: int | None = None) -> None:
        """Opens the corpus in a folder; ``Corpus.open`` and ``Corpus.create`` find it by name.

        Args:
            folder: where it is.
            at: the generation to read; by default always the newest.
        """
        self.folder = folder
        self._at = at
        self._path = folder / "corpus.db"
        self._mutex = threading.Lock()
        self._db = schema.connect_reader(self._path)
        with schema.read_faults(self._path):
            self._inode = self._path.stat().st_ino
        self.name = str(self.meta("name"))
        chars = self.meta("passage_chars") or ""
        if chars and not chars.isdecimal():
            raise CorpusError(f'{self._path} has passages of "{chars}" characters; import it again.')
        self.passage_chars = int(chars) if chars else None
        # A generation that is gone, or never was, is refused at once.
        _ = self.generation

    @classmethod
    def create(
        cls,
        name: str,
        *,
        documents: Iterable[Document] = (),
        source: Source = "",
        home: Path | None = None,
        passage_chars: int | None = 400,
    ) -> Self:
        """Makes a corpus; if that fails, nothing is left.

        Args:
            name: letters, digits, ``.``, ``_`` and ``-``.
            documents: its first ones; without any it is empty.
            source: where they come from, or document id → where that one does.
            home: the state folder; by default ``hybrid.library.home()``.
            passage_chars: greatest length of a passage; None if each document is to be one passage.

        Raises:
            CorpusError: the name does not fit or is taken, or a document does not fit.
        """
        target = folders.corpus_folder(name, home)
        with schema.make_faults(name):
            if target.exists():
                raise folders.taken(name)
        batch = list(documents)
        with schema.make_faults(name), folders.staged_folder(target) as staged:
            with cls.create_in(staged, name, passage_chars=passage_chars) as corpus:
                if batch:
                    corpus.add(batch, source=source)
            folders.publish({staged: target})
        return cls(target)

    @classmethod
    def create_in(cls, folder: Path, name: str, *, passage_chars: int | None = 400) -> Self:
        """Makes an empty corpus in a folder that gets its place later.

        Args:
            folder: an empty folder.
            name: what the corpus will be called.
            passage_chars: greatest length of a passage; None if each document is to be one passage.
        """
        if passage_chars is not None and passage_chars < 1:
            raise CorpusError(f"A passage has at least 1 character, not {passage_chars}.")
        disk.make_folder(folder / "index")
        schema.make_database(folder / "corpus.db", {"name": name, "passage_chars": str(passage_chars or "")})
        return cls(folder)

    @classmethod
    def open(cls, name: str, *, home: Path | None = None) -> Self:
        """Opens a corpus by its name, or one of its generations by ``NAME@NUMBER``.

        Raises:
            UnknownName: there is none of that name.
            GenerationGone: the generation was purged.
            CorpusError: there is no such generation, or the file is damaged.
        """
        name, at = folders.name_and_generation(name)
        if not cls.exists(name, home=home):
            raise UnknownName("corpus", name, cls.names(home))
        return cls(folders.corpus_folder(name, home), at=at)

    def at(self, generation: int) -> Self:
        """The same corpus, read always in one generation, which cannot be changed.

        Raises:
            GenerationGone: it was purged.
            CorpusError: there is no such generation, or the name was given to another corpus.
        """
        bound = type(self)(self.folder, at=generation)
        if bound._inode != self._inode:
            bound.close()
            raise self._replaced()
        return bound

    @property
    def is_bound(self) -> bool:
        """Whether it is always read in one generation."""
        return self._at is not None

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
        with schema.write_faults(name), folders.writer_lock(folder):
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
        """The number of the generation that is read: the newest committed one, unless bound to another."""
        with self._reading() as (_, generation):
            return generation

    @property
    def digest(self) -> str:
        """SHA-256 of the documents as they are now and of the passage length."""
        pairs = ((row["id"], row["digest"]) for row in self._alive(rows.DIGESTS))
        return schema.corpus_digest(pairs, self.passage_chars)

    @property
    def counts(self) -> dict[str, int]:
        """How many ``documents`` and ``passages`` there are."""
        return dict(self._alive(rows.COUNTS)[0])

    def history(self) -> list[rows.Generation]:
        """All generations, oldest first."""
        return [rows.Generation(**row) for row in self._select(rows.GENERATIONS)]

    def diff(self, earlier: int, later: int | None = None) -> Change:
        """What is other in one generation than in another; ``later`` is by default the one that is read.

        Raises:
            GenerationGone: one was purged.
            CorpusError: there is no such generation.
        """
        later = self.generation if later is None else later
        with self.at(earlier) as before, self.at(later) as after:
            old, new = before._digests(), after._digests()
        both = new.keys() & old.keys()
        changed = {id for id in both if new[id] != old[id]}
        return Change(
            later,
            tuple(sorted(new.keys() - old.keys())),
            tuple(sorted(changed)),
            tuple(sorted(old.keys() - new.keys())),
            len(both - changed),
        )

    def meta(self, key: str) -> str | None:
        """What was recorded under a key when the corpus was made."""
        found = self._select("SELECT value FROM meta WHERE key = :key", key=key)
        return str(found[0]["value"]) if found else None

    def documents(
        self, ids: Collection[str] | None = None, *, groups: Collection[str] | None = None
    ) -> list[Document]:
        """Documents, in the order in which they were added.

        Args:
            ids: only those with one of these ids; ids of others are left out.
            groups: only those of one of these groups.
        """
        query, values = _among(rows.DOCUMENTS, documents=ids, groups=groups)
        return [rows.document(row) for row in self._alive(f"{query} ORDER BY d.row", **values)]

    def sources(self) -> dict[str, str]:
        """Id → where each document came from last; empty where nobody knows."""
        return {row["id"]: row["source"] for row in self._alive(rows.SOURCES)}

    def holds(self, digests: Iterable[str]) -> bool:
        """Whether some generation holds a document with one of these digests, of title, text and metadata."""
        query = "SELECT 1 FROM document WHERE digest IN (SELECT value FROM json_each(:digests)) LIMIT 1"
        return bool(self._select(query, digests=json.dumps(list(digests))))

    def document(self, id: str) -> Document:
        """One document.

        Raises:
            UnknownName: there is none of that id.
        """
        found = self._alive(f"{rows.DOCUMENTS} AND d.id = :id", id=id)
        if not found:
            raise UnknownName("document", id, (row["id"] for row in self._alive(rows.DIGESTS)))
        return rows.document(found[0])

    def passages(self, documents: Collection[str] | None = None) -> list[Passage]:
        """All passages, or those of the documents of these ids; by passage id."""
        query, values = _among(rows.PASSAGES, documents=documents)
        return [Passage(**row) for row in self._alive(f"{query} ORDER BY p.id", **values)]

    def matching(self, where: Mapping[str, Any]) -> set[int]:
        """The ids of all passages whose documents have certain metadata.

        Args:
            where: key → the value that it has to have, or a list of values of which it has to have one.
        """
        query = rows.IDS
        values: dict[str, str] = {}
        for number, (key, wanted) in enumerate(where.items()):
            query += f" AND {rows.METADATA.format(number=number)}"
            options = wanted if isinstance(wanted, list | tuple | set) else [wanted]
            try:
                values |= {f"key{number}": key, f"values{number}": json.dumps(list(options), allow_nan=False)}
            except ValueError as exc:
                raise CorpusError(f'No document can have this value of "{key}" ({exc}).') from exc
        return {row["id"] for row in self._alive(query, **values)}

    def fetch(self, ids: Iterable[int]) -> dict[int, Passage]:
        """The passages of these ids that are in the corpus now; ids of others are left out."""
        query, values = _among(rows.PASSAGES, passages=[int(id) for id in ids])
        return {row["id"]: Passage(**row) for row in self._alive(f"{query} ORDER BY p.id", **values)}

    def holding(self, gold: Gold) -> list[Passage]:
        """The passages that overlap a gold span; all of its document if it names no span."""
        query = f"{rows.PASSAGES} AND d.id = :document"
        if gold.start is not None:
            query += ' AND p."start" < :end AND p."end" > :start'
        found = self._alive(f"{query} ORDER BY p.id", document=gold.document, start=gold.start, end=gold.end)
        return [Passage(**row) for row in found]

    def add(self, documents: Iterable[Document], *, source: Source = "", note: str = "") -> Change:
        """Adds documents, all or none; when it returns they are on the disk.

        Args:
            documents: with ids that the corpus does not hold.
            source: where they come from, or document id → where that one does.
            note: for the history.

        Raises:
            CorpusError: there are none, or one is empty, or its id is taken.
        """
        batch = list(documents)
        with self._changing() as db:
            return changes.add(db, batch, self.passage_chars, source, note)

    def update(
        self,
        documents: Iterable[Document],
        *,
        source: Source = "",
        complete: bool | Collection[str] = False,
        kept: Collection[str] = (),
        note: str = "",
        vectors: Mapping[str, NDArray[np.float32]] | None = None,
        embedder: str = "",
    ) -> Change:
        """Adds documents, or puts them in the place of those with their ids; all or none.

        Args:
            documents: those that are there as they are stay untouched, with their passages and vectors.
            source: where they come from, such as a folder, or document id → where that one does. It becomes
                the source of documents that are there as they are, too.
            complete: whether this is all that the source has, or the sources of which it is all: what came
                from one of them earlier, or from below it (``docs`` and ``docs/a.md``), and is not among
                ``documents`` is removed.
            kept: sources of which, and below which, nothing is removed nevertheless.
            note: for the history.
            vectors: of the documents, by id, kept in the same step; for a corpus whose documents are one
                passage each. They belong to the documents: equal texts may have different ones. What tells
                them apart has to stand in the documents, or one with a new vector counts as unchanged.
            embedder: digest of the one that made the vectors.

        Raises:
            CorpusError: a document is empty, an id stands twice, or there is nothing at all; vectors are
                given to a corpus that is cut into passages, or its other vectors are of another embedder.
        """
        batch = list(documents)
        told = {source} if isinstance(source, str) else set(source.values())
        whole = told if isinstance(complete, bool) else complete
        given = None if vectors is None else self._given(embedder, vectors, batch)
        with self._changing() as db:
            vanished = [] if complete is False else _from(rows.alive_sources(db), whole, kept)
            if not batch and not vanished:
                raise CorpusError("There are no documents to add.")
            change = changes.bring_in(
                db,
                batch,
                self.passage_chars,
                operation="update",
                source=source,
                replaced=vanished,
                note=note,
                vectors=given,
            )
            if given and rows.oldest_lacks_vector(db, embedder):
                raise self.other_embedder(embedder)
            return change

    def swap(self, documents: Iterable[Document], *, source: Source = "", note: str = "") -> Change:
        """Makes these documents the whole corpus, in one step; what is the same stays untouched.

        Raises:
            CorpusError: there are none, one is empty, or an id stands twice.
        """
        batch = list(documents)
        rows.check(batch)
        with self._changing() as db:
            return changes.bring_in(
                db,
                batch,
                self.passage_chars,
                operation="swap",
                source=source,
                replaced=rows.alive_sources(db),
                note=note,
            )

    def remove(self, ids: Iterable[str], *, note: str = "") -> Change:
        """Removes documents, all or none; earlier generations still hold them until they are purged.

        Raises:
            CorpusError: no id is given, or the corpus holds no document of that id.
        """
        with self._changing() as db:
            return changes.remove(db, ids, note)

    def rollback(self, generation: int, *, note: str = "") -> Change:
        """Makes the documents those of an earlier generation again, with their passages and vectors.

        Raises:
            GenerationGone: it was purged.
            CorpusError: there is no such generation.
        """
        with self._changing() as db:
            schema.refuse_gone(db, self.name, generation)
            return changes.roll_back(db, generation, note or f"to generation {generation}")

    def purge(self, ids: Iterable[str] = (), *, note: str = "") -> Change:
        """Takes the bytes of documents out of the files, and ends the generations that held them.

        Args:
            ids: of documents that are in the corpus, or were; without any, all that is not in it now.
            note: for the history.

        Returns:
            The change; ``removed`` names those that were still in the corpus.

        Raises:
            UnknownName: no generation ever held a document of that id.
            CorpusError: the disk is full, or somebody reads without a pause, so that bytes are left: purge
                again.
        """
        with self._changing() as db:
            change = changes.purge(db, list(dict.fromkeys(ids)), note)
            if change.purged:
                schema.begin_purge(db)
        # Whatever stops the cleaning here: the next writer goes on with it.
        try:
            with self._only_writer() as db:
                done = schema.finish_purge(db, self.folder / "index")
        except CorpusBusy:
            raise
        except CorpusError as exc:
            raise self._bytes_left(f"its files could not be written anew ({exc.__cause__})") from exc
        if not done:
            raise self._bytes_left("it is being read without a pause")
        folders.sweep(self.folder)
        return change

    def missing_vectors(self, embedder: str, ids: Collection[int] | None = None) -> dict[str, str]:
        """Text digest → searchable text of the passages that an embedder has no vector for, by passage id.

        Args:
            embedder: whose vectors.
            ids: of the passages to look at; by default all.
        """
        query, values = _among(rows.MISSING_VECTORS, passages=ids)
        found = self._alive(f"{query} ORDER BY p.id", embedder=embedder, **values)
        return {row["text_digest"]: schema.searchable(row["title"], row["text"]) for row in found}

    def put_vectors(self, embedder: str, vectors: Mapping[str, NDArray[np.float32]]) -> None:
        """Keeps the vectors of an embedder, by text digest.

        Raises:
            CorpusBusy: another process writes; it is not waited for, as a question may be waiting.
        """
        with self._writing(patience=0) as db:
            rows.put_vectors(db, embedder, {digest: _packed(vectors[digest]) for digest in vectors})

    def vectors(
        self,
        embedder: str,
        *,
        ids: Collection[int] | None = None,
        beside: Mapping[str, NDArray[np.float32]] | None = None,
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Passage ids [n], ascending, and their vectors [n, d].

        Args:
            embedder: whose vectors.
            ids: of the passages; by default of all.
            beside: vectors by text digest, which are taken instead of those in the store.

        Raises:
            CorpusError: there are no passages, or a vector is missing or of another length.
        """
        query, values = _among(rows.TEXT_DIGESTS, passages=ids)
        digests = {row["id"]: row["text_digest"] for row in self._alive(f"{query} ORDER BY p.id", **values)}
        if not digests:
            raise self.empty()
        given, none = beside or {}, np.empty(0, np.float32)
        data = {id: given.get(digest, none) for id, digest in digests.items()}
        if lacking := [id for id, vector in data.items() if not len(vector)]:
            query, values = _among(rows.VECTORS, passages=lacking if given else ids)
            found = self._alive(query, embedder=embedder, **values)
            data |= {row["id"]: np.frombuffer(row["data"], "<f4") for row in found}
        if len(sizes := {len(vector) for vector in data.values()}) != 1 or 0 in sizes:
            raise CorpusError(f'Corpus "{self.name}" lacks vectors of embedder {embedder}; embed it first.')
        return np.array(list(data), np.int64), np.stack(list(data.values()), dtype=np.float32)

    def moved(self, since: int) -> tuple[list[int], list[int]]:
        """The ids of the passages that came, and of those that went, after an earlier generation.

        Raises:
            GenerationGone: that generation was purged, so that what went is not known any more.
        """
        with self._reading() as (db, generation):
            schema.refuse_gone(db, self.name, since)
            found = db.execute(rows.MOVED, {"since": since, "generation": generation}).fetchall()
        return [row["id"] for row in found if row["now"]], [row["id"] for row in found if not row["now"]]

    def index_files(self) -> list[IndexFile]:
        """All index files that are recorded."""
        return [IndexFile(**row) for row in self._select(rows.INDEX_FILES)]

    def index_file(self, embedder: str) -> tuple[IndexFile, Path] | None:
        """The index file of an embedder, if there is one that is not newer than what is read."""
        generation = self.generation
        for file in self.index_files():
            path = self.folder / "index" / file.name
            if file.embedder == embedder and file.generation <= generation and path.is_file():
                return file, path
        return None

    def drop_index(self, file: IndexFile) -> None:
        """Removes an index file, which is built again from the vectors when it is wanted."""
        with self._writing() as db:
            db.execute("DELETE FROM index_file WHERE sha256 = ?", (file.sha256,))
        disk.remove(self.folder / "index" / file.name)

    def publish_index(
        self,
        embedder: str,
        write: Callable[[Path], None],
        *,
        kind: str,
        passages: int,
        recall: float,
    ) -> None:
        """Keeps the index file for the generation that is read, and drops the one before; unless it is older.

        Args:
            embedder: whose vectors it holds.
            write: writes the index to the path it is given.
            kind: of the index.
            passages: how many it holds.
            recall: of its search, against exact search.

        Raises:
            GenerationGone: the generation was purged meanwhile.
            CorpusBusy: another process writes; it is not waited for, as a question may be waiting.
        """
        index = self.folder / "index"
        with self._writing(patience=0) as db:
            generation = rows.newest(db) if self._at is None else self._at
            schema.refuse_gone(db, self.name, generation)
            if rows.has_newer_index(db, embedder, generation):
                return
            digest = folders.publish_file(write, index / f"{generation}-{{digest}}.faiss")
            rows.record_index(db, IndexFile(embedder, generation, digest, kind, passages, recall))
        # Only what is committed decides which files may go.
        with self._writing(patience=0) as db:
            folders.keep_only(index, rows.index_names(db))

    def check(self) -> list[str]:
        """What is wrong in the database, a line each; takes every digest again, so it reads all of it."""
        with self._reading() as (db, _):
            return list(integrity.faults(db))

    def seal(self) -> None:
        """Marks the corpus as made of a manifest or a path, and made anew from it: a change would be lost."""
        with self._writing() as db:
            db.execute("INSERT INTO meta (key, value) VALUES ('sealed', 'yes')")

    @property
    def sealed(self) -> bool:
        """Whether it is made of a manifest or a path, so that nobody may change it."""
        return self.meta("sealed") is not None

    def empty(self) -> CorpusError:
        """The error for a corpus that holds no passages."""
        return CorpusError(
            f'Corpus "{self.name}" is empty. Add documents: hybrid corpus add {self.name} PATH'
        )

    def other_embedder(self, embedder: str) -> CorpusError:
        """The error for vectors of an embedder that others in the corpus are not of."""
        return CorpusError(
            f'Corpus "{self.name}" holds texts without a vector of "{embedder}": they came without one, '
            "or it was made by another embedder. Make a new corpus, or clear this one."
        )

    def _bytes_left(self, reason: str) -> CorpusError:
        return CorpusError(
            f'What was purged is out of corpus "{self.name}", but old bytes are left in its files, because '
            f"{reason}; run again: hybrid corpus purge {self.name}"
        )

    def _given(
        self, embedder: str, vectors: Mapping[str, NDArray[np.float32]], documents: Sequence[Document]
    ) -> rows.Given:
        if self.passage_chars is not None:
            raise CorpusError(
                f'Corpus "{self.name}" is cut into passages of {self.passage_chars} characters, so that '
                "vectors of whole documents do not fit it; make another with passage_chars=None."
            )
        if lacking := [document.id for document in documents if document.id not in vectors]:
            raise CorpusError(
                f'Document "{lacking[0]}" came without a vector, unlike others; give one to each.'
            )
        return rows.Given(embedder, {id: _packed(vector) for id, vector in vectors.items()})

    def _replaced(self) -> CorpusError:
        return CorpusError(f'Corpus "{self.name}" was replaced meanwhile; open it again.')

    def _digests(self) -> dict[str, str]:
        return {row["id"]: row["digest"] for row in self._alive(rows.DIGESTS)}

    def _select(self, query: str, **values: Any) -> list[sqlite3.Row]:
        with self._mutex, schema.read_faults(self._path):
            return self._db.execute(query, values).fetchall()

    def _alive(self, query: str, **values: Any) -> list[sqlite3.Row]:
        """Rows of a query that is bound to the generation that is read."""
        with self._reading() as (db, generation):
            return db.execute(query, {**values, "generation": generation}).fetchall()

    @contextmanager
    def _reading(self) -> Iterator[tuple[sqlite3.Connection, int]]:
        """One state of the file, which no writer changes within the block, and the generation to read."""
        with self._mutex, schema.read_faults(self._path):
            self._db.execute("BEGIN")
            try:
                if self._at is None:
                    yield self._db, rows.newest(self._db)
                else:
                    schema.refuse_gone(self._db, self.name, self._at)
                    yield self._db, self._at
            finally:
                # Where reading fails, SQLite may have ended the transaction itself.
                if self._db.in_transaction:
                    self._db.execute("COMMIT")

    @contextmanager
    def _changing(self) -> Iterator[sqlite3.Connection]:
        """A transaction that changes documents."""
        if self._at is not None:
            raise CorpusError(
                f'Generation {self._at} of corpus "{self.name}" cannot be changed; open it by its name alone.'
            )
        if self.sealed:
            raise CorpusError(
                f'Corpus "{self.name}" is built in, or made of a path that was asked, and cannot be changed. '
                "Make your own: hybrid corpus create NAME PATH"
            )
        with self._writing() as db:
            yield db

    @contextmanager
    def _writing(self, *, patience: float = folders.PATIENCE) -> Iterator[sqlite3.Connection]:
        """A transaction under the writer's lock: committed at the end of the block, or rolled back."""
        with self._only_writer(patience=patience) as db:
            schema.finish_purge(db, self.folder / "index")
            db.execute("BEGIN IMMEDIATE")
            yield db
            db.execute("COMMIT")

    @contextmanager
    def _only_writer(self, *, patience: float = folders.PATIENCE) -> Iterator[sqlite3.Connection]:
        """A connection that writes, under the writer's lock."""
        with schema.write_faults(self.name), folders.writer_lock(self.folder, patience=patience):
            if self._path.stat().st_ino != self._inode:
                raise self._replaced()
            db = schema.connect_writer(self._path)
            try:
                yield db
                # What was committed is in the file itself then, as far as nothing is in the way.
                with suppress(sqlite3.Error):
                    db.execute("PRAGMA wal_checkpoint(PASSIVE)")
            finally:
                # Closing rolls back what was not committed.
                db.close()


def _among(query: str, **allowed: Collection[int] | Collection[str] | None) -> tuple[str, dict[str, str]]:
    """A query narrowed down by ``rows.AMONG``, with what is to be bound to it; None allows all."""
    given = {name: values for name, values in allowed.items() if values is not None}
    narrowed = (f" AND {rows.AMONG[name]} IN (SELECT value FROM json_each(:{name}))" for name in given)
    return query + "".join(narrowed), {name: json.dumps(list(values)) for name, values in given.items()}


def _from(sources: Mapping[str, str], whole: Collection[str], kept: Collection[str]) -> list[str]:
    """The ids of those documents whose source is one of some, or below it, and is not kept."""
    return [id for id, source in sources.items() if _is_in(source, whole) and not _is_in(source, kept)]


def _is_in(source: str, places: Iterable[str]) -> bool:
    return any(source == place or (place and source.startswith(f"{place}/")) for place in places)


def _packed(vector: Sequence[float] | NDArray[np.float32]) -> bytes:
    return np.asarray(vector, dtype="<f4").tobytes()
