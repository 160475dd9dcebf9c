"""Faults that a store could have, put in on purpose: each has to be seen by what watches the real one."""

import sqlite3

import faiss
import numpy as np
import pytest

from hybrid import disk
from hybrid.corpus import folders, schema
from hybrid.corpus.store import Corpus
from hybrid.records import Document
from hybrid.retrieval.embed import HashingEmbedder
from hybrid.retrieval.index import open_index
from hybrid.retrieval.retriever import Retriever

EMBEDDER = HashingEmbedder(16)


def files(corpus):
    return b"".join(path.read_bytes() for path in corpus.folder.rglob("*") if path.is_file())


def ids_are_never_used_again(corpus, monkeypatch):
    last = corpus.passages()[-1]
    corpus.purge([last.document])
    corpus.add([Document("new", "", "Another text.")])
    return corpus.passages()[-1].id > last.id


def a_changed_index_file_is_not_searched(corpus, monkeypatch):
    open_index(corpus, EMBEDDER)
    _, path = corpus.index_file(EMBEDDER.digest)
    other = faiss.read_index(str(path))
    other.remove_ids(np.array([1, 2]))
    faiss.write_index(other, str(path))
    return open_index(corpus, EMBEDDER).size == 4


def a_purge_leaves_no_vector(corpus, monkeypatch):
    open_index(corpus, EMBEDDER)
    vector = corpus.vectors(EMBEDDER.digest)[1][0].tobytes()
    assert vector in files(corpus)
    corpus.purge(["a"])
    return vector not in files(corpus)


def a_purge_leaves_no_text(corpus, monkeypatch):
    corpus.purge(["a"])
    return b"Text of a." not in files(corpus)


def a_file_is_on_the_disk_before_it_gets_its_name(corpus, monkeypatch):
    synced, early = set(), []

    def sync(path, original=disk.sync):
        synced.add(path)
        original(path)

    def rename(source, target, original=disk.rename):
        if source not in synced:
            early.append(source)
        original(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(disk, "sync", sync)
        patch.setattr(disk, "rename", rename)
        open_index(corpus, EMBEDDER)
    return not early


def what_was_removed_is_not_found(corpus, monkeypatch):
    retriever = Retriever(corpus, EMBEDDER, 4)
    retriever.retrieve("text")
    corpus.remove(["a"])
    corpus.add([Document(f"more {number}", "", f"More {number}.") for number in range(2)])
    return "a" not in {hit.passage.document for hit in retriever.retrieve("Text of a.", 9)}


def put(target, value):
    return lambda patch: patch.setattr(target, value)


def publish_without_sync(write, pattern):
    write(pattern.with_name("unfinished"))
    digest = folders.hashlib.sha256(pattern.with_name("unfinished").read_bytes()).hexdigest()
    disk.rename(pattern.with_name("unfinished"), pattern.with_name(pattern.name.format(digest=digest)))
    return digest


FAULTS = {
    "ids are used again": (
        ids_are_never_used_again,
        put(
            "hybrid.corpus.schema.TABLES",
            schema.TABLES.replace("id INTEGER PRIMARY KEY AUTOINCREMENT", "id INTEGER PRIMARY KEY"),
        ),
    ),
    "the digest of an index file is not looked at": (
        a_changed_index_file_is_not_searched,
        put("hybrid.retrieval.index.file_digest", lambda path: path.stem.partition("-")[2]),
    ),
    "a purge forgets the index file": (
        a_purge_leaves_no_vector,
        put("hybrid.corpus.folders.keep_only", lambda *_: None),
    ),
    "a purge leaves free pages and the log as they are": (
        a_purge_leaves_no_text,
        lambda patch: (
            put("hybrid.corpus.schema.finish_purge", lambda *_: True)(patch),
            put(
                "hybrid.corpus.schema.connect_writer",
                lambda path: sqlite3.connect(path, isolation_level=None),
            )(patch),
        ),
    ),
    "a file gets its name before it is on the disk": (
        a_file_is_on_the_disk_before_it_gets_its_name,
        put("hybrid.corpus.folders.publish_file", publish_without_sync),
    ),
    "documents do not end": (
        what_was_removed_is_not_found,
        put("hybrid.corpus.rows.end", lambda *_: None),
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_seen_and_the_store_has_none(name, tmp_path, monkeypatch):
    holds, harm = FAULTS[name]
    documents = [Document(id, "", f"Text of {id}.") for id in "abcd"]
    with Corpus.create("sound", home=tmp_path, documents=documents) as corpus:
        assert holds(corpus, monkeypatch)
    harm(monkeypatch)
    with Corpus.create("faulty", home=tmp_path, documents=documents) as corpus:
        assert not holds(corpus, monkeypatch)
