import hashlib
import math
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading

import numpy as np
import pytest

from hybrid import disk
from hybrid.corpus.changes import Change
from hybrid.corpus.folders import writer_lock
from hybrid.corpus.rows import IndexFile
from hybrid.corpus.schema import read_faults
from hybrid.corpus.store import Corpus
from hybrid.errors import CorpusError, NotWritten, UnknownName
from hybrid.records import Document, Gold
from hybrid.retrieval.embed import HashingEmbedder

WARRANTY = Document("warranty", "Warranty", "Five years.\n\n# Exceptions\n\nBatteries.", {"group": "terms"})
SERVICE = Document("service", "", "Open daily.")


@pytest.fixture
def corpus(tmp_path):
    with Corpus.create("handbook", home=tmp_path, documents=[WARRANTY, SERVICE]) as corpus:
        yield corpus


def embed(corpus, embedder="e", size=4):
    missing = corpus.missing_vectors(embedder)
    corpus.put_vectors(embedder, {digest: np.full(size, len(text)) for digest, text in missing.items()})


def test_documents_come_back_as_they_were(corpus):
    assert corpus.documents() == [WARRANTY, SERVICE]
    assert corpus.document("service") == SERVICE


def test_passages_are_spans_of_their_documents(corpus):
    passages = corpus.passages()
    assert [(p.id, p.document, p.title, p.text, p.locator) for p in passages] == [
        (1, "warranty", "Warranty", "Five years.", ""),
        (2, "warranty", "Warranty", "# Exceptions\n\nBatteries.", "Exceptions"),
        (3, "service", "", "Open daily.", ""),
    ]
    assert all(corpus.document(p.document).text[p.start : p.end] == p.text for p in passages)


def test_an_unknown_document_is_named_with_a_hint(corpus):
    with pytest.raises(UnknownName, match='Did you mean "warranty"'):
        corpus.document("waranty")


def test_passage_ids_are_never_used_again(corpus):
    assert corpus.remove(["service"]) == Change(2, removed=("service",))
    assert corpus.add([SERVICE]) == Change(3, added=("service",))
    assert [passage.id for passage in corpus.passages()] == [1, 2, 4]
    assert list(corpus.fetch([4, 3, 1, 99])) == [1, 4]


def test_history_tells_what_was_done(corpus):
    corpus.remove(["service"], note="closed")
    told = [(g.number, g.operation, g.added, g.removed, g.note) for g in corpus.history()]
    assert told == [(0, "create", 0, 0, ""), (1, "add", 2, 0, ""), (2, "remove", 0, 1, "closed")]


@pytest.mark.parametrize(
    ("gold", "ids"),
    [
        (Gold("warranty", 0, 4), [1]),
        (Gold("warranty", 4, 15), [1, 2]),
        (Gold("warranty", 11, 13), []),  # the blank line between passages 1 and 2
        (Gold("warranty"), [1, 2]),
        (Gold("gone"), []),
    ],
)
def test_holding_gives_the_passages_over_a_span(corpus, gold, ids):
    assert [passage.id for passage in corpus.holding(gold)] == ids


def test_the_digest_depends_on_the_content_alone(corpus, tmp_path):
    other = Corpus.create("other", home=tmp_path, documents=[SERVICE, WARRANTY])
    assert other.digest == corpus.digest
    other.add([Document("new", "", "x")])
    assert other.digest != corpus.digest
    other.remove(["new"])
    assert other.digest == corpus.digest
    assert (
        Corpus.create("third", home=tmp_path, documents=[SERVICE, WARRANTY], passage_chars=9).digest
        != corpus.digest
    )


@pytest.mark.parametrize(
    ("batch", "reason"),
    [
        ([], "no documents to add"),
        ([SERVICE], '"service" is in the corpus already; use update'),
        ([Document("a", "", "A."), Document("a", "", "B.")], '2 of the documents to add have the id "a"'),
        ([Document("new", "", "N."), Document("empty", "", " ")], '"empty" has no id or no text'),
        ([Document("new", "", "N.", {"a": math.nan})], '"new" cannot be kept: its metadata is no JSON'),
        ([Document("new", "", "N.", {"a": [-math.inf]})], '"new" cannot be kept: its metadata is no JSON'),
        ([Document("new", "", "N.", {"a": object()})], '"new" cannot be kept: its metadata is no JSON'),
        ([Document("new", "", "half \ud800")], '"new" cannot be kept: character 5 of its text is half'),
        ([Document("new", "\udcff", "N.")], '"new" cannot be kept: character 0 of its title is half'),
        ([Document("a\udcff", "", "N.")], r'"a\\udcff" cannot be kept: character 1 of its id is half'),
        ([Document("new", 3, "N.")], '"new" cannot be kept: its title is no text but int'),
    ],
)
def test_a_bad_batch_changes_nothing(corpus, batch, reason):
    with pytest.raises(CorpusError, match=reason):
        corpus.add(batch)
    assert (corpus.generation, corpus.documents()) == (1, [WARRANTY, SERVICE])


@pytest.mark.parametrize(
    ("ids", "reason"), [([], "No documents"), (["service", "gone"], 'no document "gone"')]
)
def test_removing_what_is_not_there_changes_nothing(corpus, ids, reason):
    with pytest.raises(CorpusError, match=reason):
        corpus.remove(ids)
    assert corpus.documents() == [WARRANTY, SERVICE]


def test_names_are_found_and_given_once(corpus, tmp_path):
    assert Corpus.names(tmp_path) == ["handbook"]
    with pytest.raises(CorpusError, match='"handbook" exists already'):
        Corpus.create("handbook", home=tmp_path)
    with pytest.raises(UnknownName, match='Did you mean "handbook"'):
        Corpus.open("handbok", home=tmp_path)
    Corpus.delete("handbook", home=tmp_path)
    assert not Corpus.exists("handbook", home=tmp_path)


@pytest.mark.parametrize("name", ["", "..", ".hidden", "a/b", "a b", "ä", "a" * 201])
def test_names_that_are_no_folder_names_are_refused(tmp_path, name):
    with pytest.raises(CorpusError, match="cannot name a corpus"):
        Corpus.create(name, home=tmp_path)


def test_a_name_may_be_as_long_as_a_folder_name_beside_it_allows(tmp_path):
    Corpus.create("a" * 200, home=tmp_path, documents=[SERVICE])
    assert Corpus.names(tmp_path) == ["a" * 200]


def test_a_corpus_may_be_named_like_a_journal(tmp_path):
    Corpus.create("team.moves", home=tmp_path, documents=[SERVICE])
    assert Corpus.open("team.moves", home=tmp_path).documents() == [SERVICE]


def test_a_failed_creation_leaves_nothing(tmp_path):
    with pytest.raises(CorpusError):
        Corpus.create("a", home=tmp_path, documents=[Document("a", "", "")])
    assert list((tmp_path / "corpora").iterdir()) == []


def test_a_damaged_file_is_named(corpus, tmp_path):
    corpus.close()
    for path in (tmp_path / "corpora" / "handbook").glob("corpus.db*"):
        path.write_bytes(b"no database at all" * 100)
    with pytest.raises(CorpusError, match="corpus.db cannot be read as a corpus"):
        Corpus.open("handbook", home=tmp_path)


def test_a_file_that_went_between_look_up_and_opening_is_one_line(corpus):
    (corpus.folder / "corpus.db").unlink()
    with pytest.raises(CorpusError, match=r"corpus.db cannot be opened \(unable to open"):
        corpus.at(1)


@pytest.mark.parametrize(
    ("code", "told"),
    [
        (sqlite3.SQLITE_READONLY_RECOVERY, "you may write in its folder"),
        (sqlite3.SQLITE_CORRUPT, "import it again"),
    ],
)
def test_only_what_is_damaged_is_to_be_imported_again(tmp_path, code, told):
    fault = sqlite3.OperationalError("said by SQLite")
    fault.sqlite_errorcode = code
    with pytest.raises(CorpusError, match=rf"\(said by SQLite\);.* {told}"), read_faults(tmp_path):
        raise fault


def test_a_state_folder_that_cannot_be_used_is_one_line(tmp_path, monkeypatch):
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(NotWritten, match='"a" was not made.*Not a directory.*set HYBRID_HOME'):
        Corpus.create("a", home=file)
    with pytest.raises(UnknownName):
        Corpus.open("a", home=file)

    def refuse(*_):
        raise PermissionError(13, "Permission denied", "corpora")

    monkeypatch.setattr("hybrid.corpus.folders.disk.finish_moves", refuse)
    with pytest.raises(CorpusError, match="corpora: Permission denied; set HYBRID_HOME"):
        Corpus.names(tmp_path)


@pytest.mark.parametrize(
    "change",
    [
        lambda corpus: corpus.add([Document("new", "", "New.")]),
        lambda corpus: corpus.update([Document("new", "", "New.")]),
        lambda corpus: corpus.remove(["service"]),
        lambda corpus: corpus.purge(["service"]),
        lambda corpus: Corpus.delete("handbook", home=corpus.folder.parent.parent),
    ],
)
def test_a_lock_that_cannot_be_opened_is_one_line_and_what_was_there_serves(corpus, change):
    (corpus.folder / "LOCK").unlink()
    (corpus.folder / "LOCK").mkdir()
    with pytest.raises(NotWritten, match='"handbook" was not changed, because writing failed'):
        change(corpus)
    assert corpus.documents() == [WARRANTY, SERVICE]


def damage(corpus, name):
    """Overwrites the first page of a table or an index."""
    with sqlite3.connect(corpus.folder / "corpus.db") as db:
        [page] = db.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (name,)).fetchone()
        [size] = db.execute("PRAGMA page_size").fetchone()
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()
    with (corpus.folder / "corpus.db").open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xff" * size)


def test_a_damaged_page_is_one_line_for_those_who_write_and_who_read(corpus, tmp_path):
    corpus.close()
    damage(corpus, "life_now")
    with Corpus.open("handbook", home=tmp_path) as opened:
        for change in (lambda: opened.remove(["service"]), lambda: opened.update([SERVICE])):
            with pytest.raises(CorpusError, match='"handbook" was not changed, because its file is damaged'):
                change()
    damage(corpus, "sqlite_autoindex_index_file_1")
    with (
        Corpus.open("handbook", home=tmp_path) as opened,
        pytest.raises(CorpusError, match="import it again"),
    ):
        opened.index_files()


@pytest.mark.parametrize(
    ("harm", "reason"),
    [
        ("UPDATE meta SET value = 'abc' WHERE key = 'passage_chars'", 'passages of "abc" characters'),
        ("DELETE FROM generation", "lost its generations"),
    ],
)
def test_what_cannot_be_opened_any_more_is_one_line(corpus, tmp_path, harm, reason):
    with sqlite3.connect(corpus.folder / "corpus.db") as db:
        db.execute(harm)
    with pytest.raises(CorpusError, match=reason):
        Corpus.open("handbook", home=tmp_path)


@pytest.mark.parametrize(
    ("harm", "told"),
    [
        ("UPDATE document SET metadata = 'xx' WHERE row = 2", ['document "service": its text is not']),
        ("UPDATE document SET metadata = '[1]' WHERE row = 2", ['document "service": its text is not']),
        (
            "UPDATE document SET text = CAST(text AS BLOB) WHERE row = 2",
            ['document "service": its text is not', 'passage 3: not the text of document "service"'],
        ),
        ("UPDATE passage SET text = x'00' WHERE id = 3", ["passage 3: not the text"]),
        ("UPDATE passage SET \"end\" = 'x' WHERE id = 3", ["passage 3: not the text"]),
        ("DELETE FROM passage WHERE id = 1", ['document "warranty": a part of its text is in no passage']),
        ("DELETE FROM passage WHERE id = 2", ['document "warranty": a part of its text is in no passage']),
        ("DELETE FROM passage WHERE id = 3", ['document "service": a part of its text is in no passage']),
        ("DELETE FROM life WHERE document_row = 2", ['document "service": belongs to no generation']),
        ("UPDATE vector SET data = zeroblob(16) WHERE row = 1", ["vector of e for text"]),
        (
            "UPDATE vector SET data = x'0000c07f000000000000000000000000' WHERE row = 1",
            ["vector of e for text"],
        ),
        ("UPDATE vector SET data = 'abcdabcdabcdabcd' WHERE row = 1", ["vector of e for text"]),
    ],
)
def test_check_tells_what_is_damaged(corpus, harm, told):
    embed(corpus)
    assert corpus.check() == []
    with sqlite3.connect(corpus.folder / "corpus.db") as db:
        db.execute(harm)
    faults = corpus.check()
    assert [fault[: len(start)] for fault, start in zip(faults, told, strict=True)] == told


def test_check_knows_what_is_intact(corpus):
    corpus.add([Document("nul", "", "Before\0after. " * 80), Document("wordless", "", "…")])
    missing = corpus.missing_vectors("hashing-4")
    vectors = HashingEmbedder(4).encode(list(missing.values()))
    corpus.put_vectors("hashing-4", dict(zip(missing, vectors, strict=True)))
    assert not corpus.vectors("hashing-4")[1][-1].any()
    assert corpus.check() == []


def test_another_version_of_the_store_is_refused(corpus, tmp_path):
    with sqlite3.connect(corpus.folder / "corpus.db") as db:
        db.execute("UPDATE meta SET value = '0' WHERE key = 'schema_version'")
    with pytest.raises(CorpusError, match="version 0 of the store"):
        Corpus.open("handbook", home=tmp_path)


def test_a_second_writer_is_told_who_writes(corpus, monkeypatch):
    monkeypatch.setattr("hybrid.disk.time.monotonic", iter(range(0, 100, 4)).__next__)
    with writer_lock(corpus.folder), pytest.raises(CorpusError, match=f"process {os.getpid()}"):
        corpus.remove(["service"])
    corpus.remove(["service"])


def test_a_corpus_that_was_replaced_is_still_read_but_not_written(corpus, tmp_path):
    Corpus.delete("handbook", home=tmp_path)
    Corpus.create("handbook", home=tmp_path, documents=[Document("new", "", "New.")])
    assert corpus.documents() == [WARRANTY, SERVICE]
    with pytest.raises(CorpusError, match="was replaced"):
        corpus.remove(["service"])


def test_threads_share_a_corpus(corpus):
    found = []
    threads = [threading.Thread(target=lambda: found.append(len(corpus.passages()))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [3] * 8


def test_only_texts_without_a_vector_are_missing(corpus):
    assert list(corpus.missing_vectors("e").values()) == [
        "Warranty\nFive years.",
        "Warranty\n# Exceptions\n\nBatteries.",
        "Open daily.",
    ]
    embed(corpus)
    corpus.add([Document("copy", "", SERVICE.text), Document("new", "", "New.")])
    assert list(corpus.missing_vectors("e").values()) == ["New."]
    assert len(corpus.missing_vectors("other")) == 4


def test_vectors_come_by_passage_id(corpus):
    embed(corpus)
    corpus.remove(["warranty"])
    ids, vectors = corpus.vectors("e")
    assert (ids.dtype, ids.tolist()) == (np.int64, [3])
    assert (vectors.dtype, vectors.tolist()) == (np.float32, [[11.0] * 4])  # "Open daily." has 11 characters


def test_vectors_that_are_missing_are_refused(corpus, tmp_path):
    with pytest.raises(CorpusError, match="lacks vectors of embedder e"):
        corpus.vectors("e")
    with pytest.raises(CorpusError, match='"empty" is empty'):
        Corpus.create("empty", home=tmp_path).vectors("e")


def publish(corpus, embedder, data):
    def write(path):
        path.write_bytes(data)

    corpus.publish_index(embedder, write, kind="flat", passages=3, recall=1.0)


def test_an_index_file_is_recorded_for_its_generation(corpus):
    assert corpus.index_file("e") is None
    publish(corpus, "e", b"index")
    digest = hashlib.sha256(b"index").hexdigest()
    file, path = corpus.index_file("e")
    assert file == IndexFile("e", 1, digest, "flat", 3, 1.0)
    assert (path.name, path.read_bytes()) == (f"1-{digest}.faiss", b"index")


def test_an_index_file_serves_later_generations_and_no_earlier_one(corpus):
    corpus.remove(["service"])
    publish(corpus, "e", b"index")
    corpus.add([SERVICE])
    assert corpus.index_file("e")[0].generation == 2
    with corpus.at(1) as earlier:
        assert earlier.index_file("e") is None
        publish(earlier, "e", b"older")
    assert corpus.index_file("e")[1].read_bytes() == b"index"


def test_older_index_files_of_an_embedder_are_dropped(corpus):
    publish(corpus, "e", b"1")
    publish(corpus, "f", b"2")
    corpus.remove(["service"])
    publish(corpus, "e", b"3")
    assert sorted(path.read_bytes() for path in (corpus.folder / "index").iterdir()) == [b"2", b"3"]


def test_an_index_that_cannot_be_written_leaves_the_old_one(corpus):
    publish(corpus, "e", b"1")

    def fail(path):
        path.write_bytes(b"half")
        raise OSError("disk full")

    with pytest.raises(CorpusError, match="was not changed, because writing failed .disk full."):
        corpus.publish_index("e", fail, kind="flat", passages=3, recall=1.0)
    assert corpus.index_file("e")[1].read_bytes() == b"1"
    assert len(list((corpus.folder / "index").iterdir())) == 1


KILLED = """
import sys
from pathlib import Path
from hybrid.corpus.store import Corpus
from hybrid.records import Document
corpus = Corpus.open("handbook", home=Path(sys.argv[1]))
for number in range(1000):
    corpus.add([Document(f"{number}-{copy}", "", "Text.") for copy in range(3)])
    sys.stdout.write(f"{number}\\n")
    sys.stdout.flush()
"""


def test_what_was_acknowledged_survives_a_kill(corpus, tmp_path):
    writer = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    told = [writer.stdout.readline().strip() for _ in range(5)]
    writer.send_signal(signal.SIGKILL)
    told += writer.communicate()[0].split()
    kept = {document.id for document in Corpus.open("handbook", home=tmp_path).documents()}
    assert {f"{number}-{copy}" for number in told for copy in range(3)} <= kept
    assert (len(kept) - 2) % 3 == 0
    corpus.add([Document("after", "", "The lock of the killed writer is free.")])


def test_the_file_alone_holds_what_was_committed(corpus, tmp_path):
    corpus.add([Document("new", "", "New.")])
    copy = tmp_path / "copy"
    copy.mkdir()
    shutil.copy(corpus.folder / "corpus.db", copy)
    with Corpus(copy) as copied:
        assert copied.documents() == corpus.documents() and copied.generation == 2


def test_of_two_who_make_a_corpus_of_one_name_one_is_told(tmp_path):
    def make(number, name):
        together.wait()
        try:
            Corpus.create(name, home=tmp_path, documents=[Document(str(number), "", "Text.")]).close()
            made.append(str(number))
        except CorpusError as exc:
            assert "exists already" in str(exc)

    for round in range(12):
        made, together = [], threading.Barrier(2)
        threads = [threading.Thread(target=make, args=(number, f"c{round}")) for number in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        with Corpus.open(f"c{round}", home=tmp_path) as corpus:
            assert [document.id for document in corpus.documents()] == made


def test_what_a_killed_process_was_building_is_removed_and_nothing_else(tmp_path):
    dead, busy, young = (tmp_path / "corpora" / f".c.new-{name}" for name in ("dead", "busy", "young"))
    for folder in (dead, busy, young):
        folder.mkdir(parents=True)
        (folder / "corpus.db").write_text("Text.")
    for folder in (dead, busy):
        os.utime(folder, (0, 0))
    with disk.in_use(busy):
        Corpus.create("other", home=tmp_path).close()
    assert [folder.exists() for folder in (dead, busy, young)] == [False, True, True]


def test_a_generation_of_a_corpus_that_was_replaced_is_not_that_of_the_new_one(corpus, tmp_path):
    Corpus.delete("handbook", home=tmp_path)
    Corpus.create("handbook", home=tmp_path, documents=[Document("new", "", "New.")]).close()
    with pytest.raises(CorpusError, match="was replaced meanwhile; open it again"):
        corpus.at(1)
