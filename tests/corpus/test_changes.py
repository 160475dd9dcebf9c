import sqlite3
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from hybrid.corpus import schema
from hybrid.corpus.changes import Change
from hybrid.corpus.store import Corpus
from hybrid.errors import CorpusError, GenerationGone, UnknownName
from hybrid.records import Document

ONE, TWO = Document("one", "", "First."), Document("two", "Two", "Second.\n\n# More\n\nThird.")
NEW_ONE = Document("one", "", "First, changed.")


@pytest.fixture
def corpus(tmp_path):
    with Corpus.create("c", home=tmp_path) as corpus:
        corpus.add([ONE, TWO], source="docs")
        yield corpus


def passages(corpus):
    return {passage.id: passage.text for passage in corpus.passages()}


def test_an_update_touches_only_what_is_other(corpus):
    change = corpus.update([NEW_ONE, TWO, Document("three", "", "New.")])
    assert change == Change(2, added=("three",), updated=("one",), unchanged=1)
    assert passages(corpus) == {2: "Second.", 3: "# More\n\nThird.", 4: "First, changed.", 5: "New."}


def test_another_title_or_metadata_is_an_update(corpus):
    change = corpus.update(
        [Document("one", "Now titled", ONE.text), Document("two", "Two", TWO.text, {"a": 1})]
    )
    assert change.updated == ("one", "two")


def test_an_update_that_changes_nothing_makes_no_generation(corpus):
    assert corpus.update([TWO, ONE]) == Change(1, unchanged=2)
    assert corpus.generation == 1


def test_what_a_complete_source_has_no_more_is_removed(corpus):
    corpus.add([Document("other", "", "From elsewhere.")], source="mail")
    change = corpus.update([NEW_ONE], source="docs", complete=True)
    assert change == Change(3, updated=("one",), removed=("two",))
    assert [document.id for document in corpus.documents()] == ["other", "one"]


def test_what_is_kept_stays_though_its_source_does_not_tell_it(corpus):
    assert corpus.update([NEW_ONE], source="docs", complete=True, kept=["docs"]).removed == ()


def test_a_source_may_be_emptied_but_not_be_nothing(corpus):
    assert corpus.update([], source="docs", complete=True).removed == ("one", "two")
    with pytest.raises(CorpusError, match="no documents"):
        corpus.update([], source="docs", complete=True)


def test_a_swap_replaces_everything_and_keeps_what_is_the_same(corpus):
    change = corpus.swap([TWO, Document("three", "", "New.")])
    assert change == Change(2, added=("three",), removed=("one",), unchanged=1)
    assert passages(corpus) == {2: "Second.", 3: "# More\n\nThird.", 4: "New."}


def test_a_rollback_brings_back_the_same_passages(corpus):
    before = passages(corpus)
    corpus.update([NEW_ONE])
    corpus.remove(["two"])
    assert corpus.rollback(1) == Change(4, added=("two",), updated=("one",))
    assert passages(corpus) == before
    assert corpus.history()[-1].note == "to generation 1"
    corpus.rollback(3)
    assert corpus.documents() == [NEW_ONE]


def test_an_earlier_generation_is_read_as_it_was(corpus, tmp_path):
    corpus.update([NEW_ONE])
    corpus.remove(["two"])
    with Corpus.open("c@1", home=tmp_path) as earlier:
        assert (earlier.generation, earlier.documents(), earlier.name) == (1, [ONE, TWO], "c")
        with pytest.raises(CorpusError, match='Generation 1 of corpus "c" cannot be changed'):
            earlier.remove(["one"])
        assert earlier.counts == {"documents": 2, "passages": 3}


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("c@9", "has no generation 9; the newest is 1"),
        (f"c@{10**30}", f"has no generation {10**30}; the newest is 1"),
        ("c@x", '"x" is no generation of "c"; write a number'),
        ("c@" + "9" * 5000, 'is no generation of "c"; write a number'),
    ],
)
def test_a_generation_that_never_was_is_refused(corpus, tmp_path, name, reason):
    with pytest.raises(CorpusError, match=reason):
        Corpus.open(name, home=tmp_path)


def test_no_generation_has_a_number_that_sqlite_cannot_hold(corpus):
    for number in (10**30, -(10**30)):
        with pytest.raises(CorpusError, match=f"has no generation {number}; the newest is 1"):
            corpus.rollback(number)


def test_two_generations_are_compared(corpus):
    corpus.update([NEW_ONE, Document("three", "", "New.")])
    corpus.remove(["two"])
    assert corpus.diff(1) == Change(3, ("three",), ("one",), ("two",))
    assert corpus.diff(2, 1) == Change(1, updated=("one",), removed=("three",), unchanged=1)


def bytes_of(corpus):
    return b"".join(path.read_bytes() for path in corpus.folder.rglob("*") if path.is_file())


def test_a_purge_leaves_no_bytes_and_ends_the_generations_that_held_them(corpus):
    corpus.add([Document("secret", "CANARY-TITLE", "CANARY-TEXT " * 2000, {"by": "CANARY-META"})])
    corpus.remove(["secret"])
    corpus.put_vectors("e", {digest: [1.0, 2.0] for digest in corpus.at(2).missing_vectors("e")})
    assert b"CANARY" in bytes_of(corpus)
    assert corpus.purge() == Change(4, purged=("secret",))
    assert b"CANARY" not in bytes_of(corpus)
    assert corpus.documents() == [ONE, TWO]
    assert [generation.purged for generation in corpus.history()] == [None, None, 4, None, None]
    with pytest.raises(GenerationGone, match='Generation 2 of corpus "c" is gone: generation 4 purged'):
        corpus.at(2)
    with pytest.raises(GenerationGone):
        corpus.rollback(2)
    assert corpus.at(1).documents() == [ONE, TWO]


def test_a_purge_by_id_removes_what_is_there_in_every_edition(corpus):
    corpus.update([NEW_ONE])
    assert corpus.purge(["one"]) == Change(3, removed=("one",), purged=("one",))
    assert b"First" not in bytes_of(corpus)
    assert corpus.documents() == [TWO]


def test_a_purge_takes_vectors_that_no_text_has_any_more(corpus):
    corpus.put_vectors("e", {digest: [1.0, 2.0] for digest in corpus.missing_vectors("e")})
    corpus.purge(["one"])
    assert corpus.vectors("e")[0].tolist() == [2, 3]
    corpus.add([ONE])
    assert list(corpus.missing_vectors("e").values()) == ["First."]


def test_a_purge_of_nothing_makes_no_generation_and_leaves_the_index(corpus):
    corpus.publish_index("e", lambda path: path.write_text("i"), kind="flat", passages=3, recall=1.0)
    assert corpus.purge() == Change(1)
    assert corpus.index_file("e") is not None
    with pytest.raises(UnknownName, match='Unknown document "tow".*Did you mean "two"'):
        corpus.purge(["tow"])


def test_a_reader_that_opened_before_a_purge_is_told(corpus):
    earlier = corpus.at(1)
    corpus.purge(["one"])
    with pytest.raises(GenerationGone):
        earlier.documents()


def test_a_purge_that_was_broken_off_is_finished_by_the_next_writer(corpus, monkeypatch):
    corpus.update([NEW_ONE])
    begin = schema.begin_purge

    def stop_after_commit(db):
        begin(db)
        monkeypatch.setattr("hybrid.corpus.schema.finish_purge", lambda *_: 1 / 0)

    monkeypatch.setattr("hybrid.corpus.schema.begin_purge", stop_after_commit)
    with pytest.raises(ZeroDivisionError):
        corpus.purge()
    assert (corpus.generation, corpus.meta("purging")) == (3, "yes")
    monkeypatch.undo()
    corpus.add([Document("new", "", "New.")])
    assert b"First." not in bytes_of(corpus) and corpus.meta("purging") is None


def test_a_purge_that_a_reader_holds_up_says_so_and_can_be_repeated(corpus, monkeypatch):
    corpus.update([NEW_ONE])
    monkeypatch.setattr("hybrid.corpus.schema.BUSY_SECONDS", 0.05)
    with corpus.at(2)._reading(), pytest.raises(CorpusError, match="run again: hybrid corpus purge c"):
        corpus.purge()
    corpus.purge()
    assert b"First." not in bytes_of(corpus)


def test_a_full_disk_is_one_line_and_the_generation_before_serves(corpus, monkeypatch):
    connect = schema.connect_writer

    def small(path):
        db = connect(path)
        db.execute("PRAGMA max_page_count = 30")
        return db

    monkeypatch.setattr("hybrid.corpus.schema.connect_writer", small)
    big = [Document(str(number), "", "Much text. " * 500) for number in range(40)]
    with pytest.raises(
        CorpusError, match="was not changed, because writing failed .database or disk is full."
    ):
        corpus.add(big)
    assert (corpus.generation, corpus.documents()) == (1, [ONE, TWO])
    monkeypatch.undo()
    assert corpus.add(big).generation == 2


ids = st.sampled_from("abcde")
texts = st.text("ab \n.", min_size=1, max_size=20).filter(str.strip)


class Life(RuleBasedStateMachine):
    """A corpus under random changes holds what a dictionary would, in every generation that was not purged.

    An edition is a document as it was once inserted: the same text inserted again is another one.
    """

    def __init__(self):
        super().__init__()
        self.home = tempfile.TemporaryDirectory()
        self.corpus = Corpus.create("c", home=Path(self.home.name), passage_chars=7)
        self.kept = {}
        self.inserted = []
        self.seen = {0: {}}
        self.used = {}

    def insert(self, documents):
        """The editions of documents, with new ones where they are not there as they are."""
        made = {}
        for document in documents:
            there = self.kept.get(document.id)
            if there is None or self.inserted[there] != document:
                self.inserted.append(document)
                there = len(self.inserted) - 1
            made[document.id] = there
        return made

    @rule(id=ids, text=texts)
    def add(self, id, text):
        document = Document(id, "", text)
        if id in self.kept:
            with pytest.raises(CorpusError):
                self.corpus.add([document])
        else:
            self.corpus.add([document])
            self.kept = self.kept | self.insert([document])

    @precondition(lambda self: self.kept)
    @rule(data=st.data())
    def remove(self, data):
        id = data.draw(st.sampled_from(sorted(self.kept)))
        self.corpus.remove([id])
        self.kept = {other: edition for other, edition in self.kept.items() if other != id}

    @rule(changed=st.dictionaries(ids, texts, min_size=1, max_size=4), complete=st.booleans())
    def update(self, changed, complete):
        documents = [Document(id, "", text) for id, text in changed.items()]
        self.corpus.update(documents, complete=complete)
        self.kept = ({} if complete else self.kept) | self.insert(documents)

    @rule(texts=st.dictionaries(ids, texts, min_size=1, max_size=4))
    def swap(self, texts):
        documents = [Document(id, "", text) for id, text in texts.items()]
        self.corpus.swap(documents)
        self.kept = self.insert(documents)

    @rule(data=st.data())
    def rollback(self, data):
        generation = data.draw(st.sampled_from(sorted(self.seen)))
        self.corpus.rollback(generation)
        self.kept = self.seen[generation]

    @rule()
    def purge(self):
        self.corpus.purge()
        kept = set(self.kept.values())
        self.seen = {g: held for g, held in self.seen.items() if set(held.values()) <= kept}

    @rule(id=ids)
    def purge_one(self, id):
        try:
            self.corpus.purge([id])
        except UnknownName:
            assert not any(id in held for held in self.seen.values())
        self.kept = {other: edition for other, edition in self.kept.items() if other != id}
        self.seen = {g: held for g, held in self.seen.items() if id not in held}

    @invariant()
    def holds_what_was_kept(self):
        self.seen[self.corpus.generation] = self.kept
        passages = self.corpus.passages()
        texts = {id: self.inserted[edition] for id, edition in self.kept.items()}
        assert {document.id: document for document in self.corpus.documents()} == texts
        assert {passage.document for passage in passages} == set(texts)
        for passage in passages:
            assert texts[passage.document].text[passage.start : passage.end] == passage.text
            assert self.used.setdefault(passage.id, passage) == passage

    @invariant()
    def generations_are_there_or_gone(self):
        for generation in range(self.corpus.generation):
            if generation in self.seen:
                with self.corpus.at(generation) as then:
                    held = {document.id: document for document in then.documents()}
                assert held == {id: self.inserted[e] for id, e in self.seen[generation].items()}
            else:
                with pytest.raises(GenerationGone):
                    self.corpus.at(generation)

    def teardown(self):
        self.corpus.close()
        self.home.cleanup()


TestLife = Life.TestCase
TestLife.settings = settings(
    max_examples=15, stateful_step_count=12, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)


def test_a_purge_whose_bytes_could_not_be_taken_says_that_it_is_committed(corpus, monkeypatch):
    corpus.update([NEW_ONE])
    finish = schema.finish_purge

    def full(db, index):
        if db.execute("SELECT 1 FROM meta WHERE key = 'purging'").fetchone():
            raise sqlite3.OperationalError("database or disk is full")
        return finish(db, index)

    monkeypatch.setattr("hybrid.corpus.schema.finish_purge", full)
    told = r"^What was purged is out of corpus .* \(database or disk is full\); run again: .* purge c$"
    with pytest.raises(CorpusError, match=told):
        corpus.purge()
    assert corpus.generation == 3
    monkeypatch.undo()
    corpus.purge()
    assert b"First." not in bytes_of(corpus)
