"""The database is stopped after every write, with what was not synced lost, torn or out of order."""

import pytest

from hybrid.corpus.store import Corpus
from hybrid.records import Document
from tests.recording_vfs import Sync, Told, files_after, recorded

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


def recording(tmp_path, monkeypatch):
    """The files before, the log, and what the corpus held at first and after each change.

    It is opened anew for each: two copies of SQLite in one process do not see each other's locks.
    """
    Corpus.create("c", home=tmp_path).close()
    folder = tmp_path / "corpora" / "c"
    files = {path.name: path.read_bytes() for path in folder.glob("corpus.db*")}
    states = [now(folder)]
    with recorded(monkeypatch) as log:
        for number, change in enumerate(CHANGES, start=1):
            with Corpus(folder) as corpus:
                change(corpus)
            states.append(now(folder))
            log.append(Told(number))
    return files, log, states


def now(folder):
    with Corpus(folder) as corpus:
        return held(corpus)


def test_a_crash_at_any_write_leaves_what_was_told_and_no_half_change(tmp_path, monkeypatch):
    files, log, states = recording(tmp_path, monkeypatch)
    assert sum(isinstance(entry, Sync) for entry in log) > len(CHANGES)
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
            with Corpus(folder) as corpus:
                assert held(corpus) in states[told : told + 2], (end, loss)
                assert corpus.check() == [], (end, loss)


def test_a_log_without_syncs_would_lose_what_was_told(tmp_path, monkeypatch):
    files, log, states = recording(tmp_path, monkeypatch)
    unsafe = [entry for entry in log if not isinstance(entry, Sync)]
    folder = tmp_path / "corpora" / "crashed"
    (folder / "index").mkdir(parents=True)
    for name, content in files_after(files, unsafe, "all").items():
        (folder / name).write_bytes(content)
    with pytest.raises(Exception), Corpus(folder) as corpus:  # noqa: B017
        assert held(corpus) == states[-1]
