"""What can be done to the documents of a corpus, each within one transaction and as one generation."""

import sqlite3
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

from hybrid.corpus import rows, schema
from hybrid.corpus.rows import Source
from hybrid.errors import CorpusError, UnknownName
from hybrid.records import Document


@dataclass(frozen=True, slots=True)
class Change:
    """What a change did.

    Attributes:
        generation: the newest one afterwards; the same as before if nothing was to be done.
        added: ids of documents that are new.
        updated: ids of documents with another title, text or metadata.
        removed: ids of documents that are gone.
        unchanged: how many documents were there already, as they are.
        purged: ids of documents whose bytes are gone, in one edition of them or in all.
        purged_digests: SHA-256 of each of these editions, by which they are found elsewhere.
    """

    generation: int
    added: tuple[str, ...] = ()
    updated: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    unchanged: int = 0
    purged: tuple[str, ...] = ()
    purged_digests: tuple[str, ...] = field(default=(), compare=False, repr=False)

    @property
    def counts(self) -> dict[str, int]:
        """How many were added, updated, removed and left as they were."""
        return {
            "added": len(self.added),
            "updated": len(self.updated),
            "removed": len(self.removed),
            "unchanged": self.unchanged,
        }


def add(
    db: sqlite3.Connection,
    documents: Sequence[Document],
    passage_chars: int | None,
    source: Source,
    note: str,
) -> Change:
    """Adds documents whose ids are free."""
    rows.check(documents)
    ids = tuple(document.id for document in documents)
    if taken := rows.alive(db, ids):
        id = next(id for id in ids if id in taken)
        raise CorpusError(f'Document "{id}" is in the corpus already; use update to change it.')
    generation = rows.begin(db, "add", added=len(ids), note=note)
    rows.insert(db, documents, generation, passage_chars, source)
    return Change(generation, added=ids)


def remove(db: sqlite3.Connection, ids: Iterable[str], note: str) -> Change:
    """Removes documents that are there."""
    wanted = tuple(dict.fromkeys(ids))
    if not wanted:
        raise CorpusError("No documents to remove were named.")
    there = rows.alive(db, wanted)
    for id in wanted:
        if id not in there:
            raise CorpusError(f'The corpus holds no document "{id}", so it cannot be removed.')
    generation = rows.begin(db, "remove", removed=len(wanted), note=note)
    rows.end(db, wanted, generation)
    return Change(generation, removed=wanted)


def bring_in(
    db: sqlite3.Connection,
    documents: Sequence[Document],
    passage_chars: int | None,
    *,
    operation: str,
    source: Source,
    replaced: Iterable[str] = (),
    note: str,
    vectors: rows.Given | None = None,
) -> Change:
    """Adds documents, or puts them in the place of those with their ids.

    Args:
        db: in a transaction.
        documents: what is to be there afterwards; those that are there as they are stay untouched.
        passage_chars: greatest length of a passage; None if a document is one passage.
        operation: for the history.
        source: where the documents come from, also those that stay untouched.
        replaced: ids of documents that go unless they are among ``documents``.
        note: for the history.
        vectors: of the documents.
    """
    if documents:
        rows.check(documents)
    given = {document.id: document for document in documents}
    there = rows.alive(db, given)
    fresh = [doc for doc in documents if there.get(doc.id) != schema.document_digest(doc)]
    updated = tuple(document.id for document in fresh if document.id in there)
    added = tuple(document.id for document in fresh if document.id not in there)
    removed = tuple(id for id in replaced if id not in given)
    unchanged = len(given) - len(fresh)
    rows.set_sources(db, documents, source)
    if not fresh and not removed:
        return Change(rows.newest(db), unchanged=unchanged)
    generation = rows.begin(
        db, operation, added=len(added), updated=len(updated), removed=len(removed), note=note
    )
    rows.end(db, (*updated, *removed), generation)
    rows.insert(db, fresh, generation, passage_chars, source, vectors)
    return Change(generation, added, updated, removed, unchanged)


def roll_back(db: sqlite3.Connection, generation: int, note: str) -> Change:
    """Makes the documents those of an earlier generation again, by a new one."""
    then, now = (_alive_at(db, number) for number in (generation, rows.newest(db)))
    gone, back = now.keys() - then.keys(), then.keys() - now.keys()
    lost, returning = ({alive[row] for row in some} for alive, some in ((now, gone), (then, back)))
    added, updated, removed = returning - lost, returning & lost, lost - returning
    number = rows.begin(
        db, "rollback", added=len(added), updated=len(updated), removed=len(removed), note=note
    )
    rows.end(db, lost, number)
    db.executemany(
        "INSERT INTO life (document_id, document_row, born) VALUES (?, ?, ?)",
        ((then[row], row, number) for row in sorted(back)),
    )
    unchanged = len(now.keys() & then.keys())
    return Change(number, _sorted(added), _sorted(updated), _sorted(removed), unchanged)


def purge(db: sqlite3.Connection, ids: Collection[str], note: str) -> Change:
    """Takes documents out of all generations, and ends those that held them.

    Args:
        db: in a transaction.
        ids: of documents, in the corpus or formerly in it; if there are none, all that is not in it now.
        note: for the history.
    """
    there = rows.alive(db, ids)
    targets = _targets(db, ids)
    if unknown := [id for id in ids if id not in targets.values()]:
        raise UnknownName("document", unknown[0], (id for (id,) in db.execute("SELECT id FROM document")))
    if not targets:
        return Change(rows.newest(db))
    number = rows.begin(db, "purge", removed=len(there), note=note)
    db.execute("CREATE TEMP TABLE target (row INTEGER PRIMARY KEY)")
    db.executemany("INSERT INTO target VALUES (?)", ((row,) for row in targets))
    db.execute(
        "UPDATE generation SET purged = ?1 WHERE number < ?1 AND purged IS NULL AND EXISTS ("
        " SELECT 1 FROM target t JOIN life l ON l.document_row = t.row"
        " WHERE l.born <= number AND (l.died IS NULL OR l.died > number))",
        (number,),
    )
    digests = db.execute("SELECT digest FROM document WHERE row IN (SELECT row FROM target)").fetchall()
    for table, column in (("passage", "document_row"), ("life", "document_row"), ("document", "row")):
        db.execute(f"DELETE FROM {table} WHERE {column} IN (SELECT row FROM target)")
    rows.forget_vectors(db)
    db.execute("DELETE FROM index_file")
    db.execute("DROP TABLE target")
    return Change(
        number,
        removed=_sorted(there),
        purged=_sorted(set(targets.values())),
        purged_digests=_sorted({digest for (digest,) in digests}),
    )


def _targets(db: sqlite3.Connection, ids: Collection[str]) -> dict[int, str]:
    """Row → id of all editions of these documents; of all that are not in the corpus if none is named."""
    every = db.execute(
        "SELECT d.row, d.id, EXISTS (SELECT 1 FROM life l WHERE l.document_row = d.row AND l.died IS NULL)"
        " FROM document d"
    )
    return {row: id for row, id, alive in every if (id in ids if ids else not alive)}


def _alive_at(db: sqlite3.Connection, generation: int) -> dict[int, str]:
    """Row → id of the documents in a generation."""
    query = "SELECT document_row, document_id FROM life WHERE born <= ?1 AND (died IS NULL OR died > ?1)"
    return dict(db.execute(query, (generation,)).fetchall())


def _sorted(ids: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(ids))
