"""Every change of files is stopped at every step, as a crash would; what is left has to be whole."""

import json
import shutil

import pytest

from hybrid import disk, library
from hybrid.corpus.importing import import_set
from hybrid.corpus.store import Corpus
from hybrid.errors import UnknownName
from hybrid.records import Document
from hybrid.retrieval.embed import HashingEmbedder
from hybrid.retrieval.index import open_index, repair

EMBEDDER = HashingEmbedder(16)
OLD = [Document(f"{number}", "", f"Old text {number}.") for number in range(3)]
NEW = [Document("new", "", "Quite new.")]
STEPS = ("make_folder", "rename", "remove", "remove_tree", "sync")


class Crash(BaseException):
    """The machine stopped."""


class Dying:
    """Files on a machine that stops before a step; later steps do nothing any more.

    With ``torn``, what was not synced is lost: half of a file's content, the new name of a file, a removal.
    """

    def __init__(self, monkeypatch, at=None, torn=False):
        self.at, self.torn, self.steps, self.undo = at, torn, 0, []
        for name in STEPS:
            monkeypatch.setattr(disk, name, self.step(name, getattr(disk, name)))

    def step(self, name, act):
        def stepped(*paths):
            if self.steps == self.at:
                self.crash(name, *paths)
            self.steps += 1
            lose = self.losing(name, *paths)
            act(*paths)
            if name == "sync":
                self.undo = [entry for entry in self.undo if entry[0] != paths[0]]
            elif lose:
                self.undo.append((paths[0].parent, lose))

        return stepped

    def crash(self, name, *paths):
        if self.torn and name == "sync" and paths[0].is_file() and paths[0].suffix != ".db":
            content = paths[0].read_bytes()
            paths[0].write_bytes(content[: len(content) // 2])
        self.at = self.steps
        while self.torn and self.undo:
            self.undo.pop()[1]()
        raise Crash(f"{name} {paths}")

    def losing(self, name, *paths):
        """How the effect of a step is lost, if it was not synced."""
        if name == "rename" and not paths[1].exists():
            return lambda: paths[1].rename(paths[0])
        if name == "remove" and paths[0].is_file():
            content = paths[0].read_bytes()
            return lambda: paths[0].write_bytes(content)
        return None


def create(home):
    Corpus.create("c", home=home, documents=NEW).close()


def index(home):
    with Corpus.open("c", home=home) as corpus:
        corpus.update(NEW)
        open_index(corpus, EMBEDDER)


def purge(home):
    with Corpus.open("c", home=home) as corpus:
        corpus.purge(["1"])


def delete(home):
    Corpus.delete("c", home=home)


def replace(home):
    (home / "set").mkdir(exist_ok=True)
    (home / "set" / "documents.jsonl").write_text(json.dumps({"id": "new", "text": "Quite new."}))
    (home / "set" / "questions.jsonl").write_text(json.dumps({"id": "q", "question": "Is it new?"}))
    import_set("c", format="jsonl", path=home / "set", home=home, split_off=0, replace=True)


def prepared(home, empty):
    """A corpus with an index file, or nothing; a suite of the same name, as an import leaves it."""
    home.mkdir()
    if not empty:
        with Corpus.create("c", home=home, documents=OLD) as corpus:
            open_index(corpus, EMBEDDER)
        (home / "suites" / "c").mkdir(parents=True)
        (home / "suites" / "c" / "suite.yaml").write_text("old")


def state(home):
    """The documents of the corpus, and whether its suite is the old one; None where there is none."""
    suite = library.suite_folder("c", home) / "suite.yaml"
    try:
        corpus = Corpus.open("c", home=home)
    except UnknownName:
        documents = None
    else:
        with corpus:
            documents = {document.id for document in corpus.documents()}
            assert corpus.check() == []
            repair(corpus)
            found = open_index(corpus, EMBEDDER)
            ids = found.search(EMBEDDER.encode(["text"]), found.size)[0][0]
            assert set(ids.tolist()) == {passage.id for passage in corpus.passages()}
    # Texts that were replaced or deleted are not left in some hidden folder.
    assert list(home.rglob(".*.old-*")) == []
    return documents, suite.read_text() == "old" if suite.is_file() else None


@pytest.mark.parametrize("torn", [False, True])
@pytest.mark.parametrize("change", [create, index, purge, delete, replace])
def test_after_a_crash_at_any_step_all_or_nothing_is_there(tmp_path, change, torn, monkeypatch):
    def begin(number):
        home = tmp_path / str(number)
        prepared(home, empty=change is create)
        monkeypatch.setenv("HYBRID_HOME", str(home))
        return home

    home = begin("whole")
    before = state(home)
    with monkeypatch.context() as patch:
        steps = Dying(patch)
        change(home)
    after = state(home)
    assert (steps.steps > 0, before != after) == (True, True)
    for number in range(steps.steps):
        home = begin(number)
        with monkeypatch.context() as patch, pytest.raises(Crash):
            Dying(patch, at=number, torn=torn)
            change(home)
        assert state(home) in (before, after), f"step {number}"
        if state(home) == before:
            change(home)
            assert state(home) == after
        shutil.rmtree(home)
