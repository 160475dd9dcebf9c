"""The database is stopped after every write, with what was not synced lost, torn or out of order."""

from typing import ClassVar

import pytest
from recording_vfs import Connection, Told, files_after, recorded

from hybrid.corpus.store import Corpus
from hybrid.errors import CorpusError
from hybrid.records import Document

LOSSES = ("none", "all", 1, 2, 3)


def document(id, edition):
    return Document(id, "", f"Edition {edition} of {id}. " + "More text. " * 300)


CHANGES = (
    lambda corpus: corpus.add([document("a", 1), document("b", 1)]),
    lambda corpus: corpus.put_vectors("e", {digest: [1.0, 0.0] for digest in corpus.missing_vectors("e")}),
    lambda corpus: corpus.update([document("b", 2), document("c", 1)]),
    lambda corpus: corpus.remove(["a"]),
    lambda corpus: corpus.swap([document("c", 1), document("d", 1)]),
    lambda corpus: corpus.rollback(1),
    lambda corpus: corpus.purge(),
    lambda corpus: corpus.purge(["b"]),
    lambda corpus: corpus.add([document("e", 1)]),
)


def held(corpus):
    return corpus.generation, corpus.documents(), corpus.passages()


def recording(tmp_path, monkeypatch, connection):
    """The files before, the log, and what the corpus held at first and after each change.

    It is opened anew for each: two copies of SQLite in one process do not see each other's locks.
    """
    Corpus.create("c", home=tmp_path).close()
    folder = tmp_path / "corpora" / "c"
    files = {path.name: path.read_bytes() for path in folder.glob("corpus.db*")}
    states = [now(folder)]
    with recorded(monkeypatch, connection) as log:
        for number, change in enumerate(CHANGES, start=1):
            with Corpus(folder) as corpus:
                change(corpus)
            states.append(now(folder))
            log.append(Told(number))
    return files, log, states


def now(folder):
    with Corpus(folder) as corpus:
        return held(corpus)


def faults_after_crashes(tmp_path, monkeypatch, connection=Connection):
    """Every crash that leaves something else than what was told, or half a change."""
    try:
        files, log, states = recording(tmp_path, monkeypatch, connection)
    except CorpusError as exc:
        yield f"lost without a crash: {exc}"
        return
    folder = tmp_path / "corpora" / "crashed"
    (folder / "index").mkdir(parents=True)
    for end in range(len(log) + 1):
        told = max((entry.number for entry in log[:end] if isinstance(entry, Told)), default=0)
        for loss in LOSSES:
            for path in folder.glob("corpus.db*"):
                path.unlink()
            for name, content in files_after(files, log[:end], loss).items():
                if not name.endswith("-shm"):
                    (folder / name).write_bytes(content)
            try:
                with Corpus(folder) as corpus:
                    if held(corpus) not in states[told : told + 2] or corpus.check():
                        yield end, loss
            except CorpusError as exc:
                yield end, loss, str(exc)


def test_a_crash_at_any_write_leaves_what_was_told_and_no_half_change(tmp_path, monkeypatch):
    assert list(faults_after_crashes(tmp_path, monkeypatch)) == []


class Leaves(Connection):
    """Leaves out what a faulty store would leave out."""

    left_out: ClassVar = ()

    def execute(self, query, values=()):
        return super().execute("SELECT 1" if query in self.left_out else query, values)


class TellsBeforeTheDisk(Leaves):
    left_out = ("PRAGMA synchronous = FULL",)

    def __init__(self, path):
        super().__init__(path)
        self.execute("PRAGMA synchronous = OFF")


class HasNoTransaction(Leaves):
    left_out = ("BEGIN IMMEDIATE", "COMMIT")


class TellsBeforeTheCommit(Leaves):
    # Within a transaction SQLite would refuse to write the log back.
    left_out = ("COMMIT", "PRAGMA wal_checkpoint(PASSIVE)")


@pytest.mark.parametrize("faulty", [TellsBeforeTheDisk, HasNoTransaction, TellsBeforeTheCommit])
def test_a_faulty_store_is_caught(tmp_path, monkeypatch, faulty):
    assert next(faults_after_crashes(tmp_path, monkeypatch, faulty), None) is not None
