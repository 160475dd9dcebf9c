import sqlite3

import faiss
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hybrid.corpus.folders import writer_lock
from hybrid.corpus.schema import searchable
from hybrid.corpus.store import Corpus
from hybrid.errors import CorpusError, GenerationGone
from hybrid.records import Document
from hybrid.retrieval import index
from hybrid.retrieval.embed import HashingEmbedder
from hybrid.retrieval.index import VectorIndex, caught_up, embed_missing, open_index, repair


class CountingEmbedder(HashingEmbedder):
    """Remembers the texts that it embedded."""

    def __init__(self, dimension=64):
        super().__init__(dimension)
        self.embedded = []

    def encode(self, texts):
        self.embedded.extend(texts)
        return super().encode(texts)


def search(corpus, text, embedder=None, k=4):
    embedder = embedder or HashingEmbedder(64)
    ids, scores = open_index(corpus, embedder).search(embedder.encode([text]), k)
    return ids[0].tolist(), scores[0].tolist()


def index_files(corpus):
    return list((corpus.folder / "index").iterdir())


def test_the_nearest_passages_come_first(small_corpus):
    [fig, *_], scores = search(small_corpus, "one fig costs cents")
    assert small_corpus.fetch([fig])[fig].text.endswith("One fig costs 15 cents.")
    assert scores == sorted(scores, reverse=True)
    passage = small_corpus.fetch([fig])[fig]
    texts = [searchable(passage.title, passage.text), "one fig costs cents"]
    vector, query = HashingEmbedder(64).encode(texts)
    assert scores[0] == pytest.approx(float(vector @ query))


def test_where_there_are_fewer_passages_ids_are_minus_one(small_corpus):
    small_corpus.remove([document.id for document in small_corpus.documents()[1:]])
    ids, _ = search(small_corpus, "apple")
    assert sorted(ids) == [-1, -1, 1, 2]


def test_the_index_is_read_from_its_file(small_corpus, monkeypatch):
    first = search(small_corpus, "fig")
    monkeypatch.setattr(index, "_build", lambda *_: pytest.fail("built again"))
    assert search(small_corpus, "fig") == first


@pytest.mark.parametrize("position", [0, 40, -1])
def test_a_damaged_index_file_is_built_again(small_corpus, position):
    answers = search(small_corpus, "one fig costs")
    [file] = index_files(small_corpus)
    intact = bytearray(file.read_bytes())
    damaged = bytearray(intact)
    damaged[position] ^= 1
    file.write_bytes(damaged)
    assert search(small_corpus, "one fig costs") == answers
    assert [path.read_bytes() for path in index_files(small_corpus)] == [bytes(intact)]


def test_a_deleted_index_file_is_built_again(small_corpus):
    answers = search(small_corpus, "fig")
    index_files(small_corpus)[0].unlink()
    assert search(small_corpus, "fig") == answers


def test_only_what_is_new_is_embedded(small_corpus):
    embedder = CountingEmbedder()
    assert embed_missing(small_corpus, embedder) == 16
    small_corpus.add([Document("new", "", "Quite new.")])
    embedder.embedded.clear()
    assert embed_missing(small_corpus, embedder) == 1
    assert embedder.embedded == ["Quite new."]
    assert embed_missing(small_corpus, embedder) == 0


def test_a_text_that_comes_back_is_not_embedded_again(small_corpus):
    embedder = CountingEmbedder()
    fig = small_corpus.document("fig.md")
    open_index(small_corpus, embedder)
    small_corpus.remove(["fig.md"])
    open_index(small_corpus, embedder)
    small_corpus.add([fig])
    assert embed_missing(small_corpus, embedder) == 0


def test_two_embedders_have_an_index_each(small_corpus):
    for dimension in (64, 32, 64):
        embedder = HashingEmbedder(dimension)
        opened = open_index(small_corpus, embedder)
        assert opened.size == 16
        assert opened.search(embedder.encode(["fig"]), 1)[0].shape == (1, 1)


def test_an_older_generation_leaves_no_file(small_corpus):
    search(small_corpus, "fig")
    generation = small_corpus.remove(["fig.md"]).generation
    search(small_corpus, "fig")
    assert [path.name.partition("-")[0] for path in index_files(small_corpus)] == [str(generation)]


def test_an_empty_corpus_is_said_in_one_line(small_corpus):
    small_corpus.remove([document.id for document in small_corpus.documents()])
    with pytest.raises(
        CorpusError, match=r'^Corpus "fruit" is empty\. Add documents: hybrid corpus add fruit PATH$'
    ):
        open_index(small_corpus, HashingEmbedder(64))
    assert index_files(small_corpus) == []


def test_an_index_can_be_searched_with_many_queries_at_once(small_corpus):
    embedder = HashingEmbedder(64)
    opened = open_index(small_corpus, embedder)
    queries = embedder.encode(["fig price", "apple colour"])
    together, _ = opened.search(queries, 3)
    assert np.array_equal(together, np.vstack([opened.search(queries[i : i + 1], 3)[0] for i in (0, 1)]))


def unit(rows, seed=0, dimension=8):
    vectors = np.random.default_rng(seed).standard_normal((rows, dimension)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def built(vectors, ids):
    base = faiss.IndexIDMap2(faiss.IndexFlatIP(vectors.shape[1]))
    base.add_with_ids(vectors, ids)
    return base


@settings(max_examples=60, deadline=None)
@given(
    base=st.integers(1, 30),
    later=st.integers(0, 10),
    gone=st.sets(st.integers(0, 39)),
    k=st.integers(1, 45),
)
def test_what_came_and_went_since_is_searched_as_if_built_anew(base, later, gone, k):
    vectors, ids = unit(base + later), np.arange(base + later)
    gone = frozenset(gone & set(ids.tolist()))
    index = VectorIndex(1, built(vectors[:base], ids[:base]), gone, ids[base:], vectors[base:])
    found, scores = index.search(unit(3, seed=1), k)
    alive = [id for id in ids.tolist() if id not in gone]
    exact = unit(3, seed=1) @ vectors[alive].T
    assert index.size == len(alive)
    for row in range(3):
        best = sorted(zip(-exact[row], alive, strict=True))[:k]
        hits = [id for id in found[row].tolist() if id >= 0]
        assert hits == [id for _, id in best]
        assert scores[row][: len(best)] == pytest.approx([-score for score, _ in best], abs=1e-6)


def fill(corpus, number):
    corpus.add([Document(f"{i}", "", f"Text {i} of many.") for i in range(number)])


def test_a_small_change_is_searched_beside_the_file(small_corpus, monkeypatch):
    fill(small_corpus, 50)
    embedder = HashingEmbedder(64)
    first = open_index(small_corpus, embedder)
    small_corpus.update([Document("fig.md", "Fig", "Figs are sold out.")])
    monkeypatch.setattr(index, "_build", lambda *_: pytest.fail("built again"))
    for opened in (open_index(small_corpus, embedder), caught_up(first, small_corpus, embedder)):
        ids = opened.search(embedder.encode(["figs are sold out"]), opened.size)[0][0].tolist()
        assert set(ids) == {passage.id for passage in small_corpus.passages()}
        assert small_corpus.fetch([ids[0]])[ids[0]].text == "Figs are sold out."
    assert [path.name[0] for path in index_files(small_corpus)] == ["2"]


def test_a_rollback_is_caught_up_without_a_new_vector(small_corpus):
    fill(small_corpus, 50)
    embedder = CountingEmbedder()
    opened = open_index(small_corpus, embedder)
    before = opened.search(embedder.encode(["fig"]), 5)[0].tolist()
    small_corpus.remove(["fig.md"])
    opened = caught_up(opened, small_corpus, embedder)
    embedder.embedded.clear()
    small_corpus.rollback(2)
    opened = caught_up(opened, small_corpus, embedder)
    assert (embedder.embedded, opened.gone, opened.generation) == ([], frozenset(), 4)
    assert opened.search(embedder.encode(["fig"]), 5)[0].tolist() == before


def test_a_large_change_is_written_anew(small_corpus):
    opened = open_index(small_corpus, HashingEmbedder(64))
    fill(small_corpus, 50)
    opened = caught_up(opened, small_corpus, HashingEmbedder(64))
    assert (opened.drift, opened.size) == (0, 66)
    assert [path.name[0] for path in index_files(small_corpus)] == ["2"]


def test_after_a_purge_no_earlier_index_is_used(small_corpus):
    opened = open_index(small_corpus, HashingEmbedder(64))
    small_corpus.purge(["fig.md"])
    assert index_files(small_corpus) == []
    opened = caught_up(opened, small_corpus, HashingEmbedder(64))
    assert (opened.generation, opened.drift, opened.size) == (2, 0, 14)


def test_a_reader_waits_for_no_writer(small_corpus):
    with writer_lock(small_corpus.folder):
        answers = search(small_corpus, "fig")
        assert index_files(small_corpus) == []
    assert search(small_corpus, "fig") == answers


@pytest.mark.parametrize(
    "harm",
    [
        lambda folder: [(folder / "LOCK").unlink(), (folder / "LOCK").mkdir()],
        lambda folder: (folder / "index").rmdir(),
    ],
)
def test_a_question_is_answered_where_nothing_can_be_kept(small_corpus, tmp_path, harm):
    other = Corpus.create("other", documents=small_corpus.documents())
    harm(other.folder)
    assert search(other, "fig") == search(small_corpus, "fig")
    assert other.index_files() == []


def test_an_earlier_generation_has_an_index_of_its_own(small_corpus):
    small_corpus.remove(["fig.md"])
    search(small_corpus, "fig")
    with small_corpus.at(1) as earlier:
        assert 11 in search(earlier, "fig", k=16)[0]
    assert 11 not in search(small_corpus, "fig", k=16)[0]
    assert [path.name[0] for path in index_files(small_corpus)] == ["2"]


def test_many_passages_get_a_graph_whose_recall_is_recorded(small_corpus, monkeypatch):
    monkeypatch.setattr(index, "FLAT_LIMIT", 10)
    fill(small_corpus, 500)
    answers = search(small_corpus, "fig")
    file, _ = small_corpus.index_file("hashing-64")
    assert (file.kind, file.passages) == ("hnsw", 516)
    assert 0.95 <= file.recall <= 1
    small_corpus.remove(["fig.md"])
    assert not set(search(small_corpus, "fig")[0]) & set(answers[0][:1])


def test_a_graph_of_too_little_recall_gives_way_to_exact_search(monkeypatch):
    monkeypatch.setattr(index, "FLAT_LIMIT", 10)
    monkeypatch.setattr(index, "NEIGHBOURS", 2)
    monkeypatch.setattr(index, "EF_CONSTRUCTION", 1)
    monkeypatch.setattr(index, "EF_SEARCH", (1,))
    kind, made, recall = index.fitting_index(np.arange(3000), unit(3000, dimension=32))
    assert (kind, made.ntotal, recall) == ("flat", 3000, 1.0)


def test_a_good_index_needs_no_repair(small_corpus):
    open_index(small_corpus, HashingEmbedder(64))
    assert repair(small_corpus) == []


@pytest.mark.parametrize(
    ("harm", "told"),
    [
        (lambda file: file.unlink(), "is missing"),
        (lambda file: file.write_bytes(file.read_bytes()[:-1]), "has other bytes than were recorded"),
    ],
)
def test_a_damaged_index_is_told_and_built_again(small_corpus, harm, told):
    answers = search(small_corpus, "fig")
    [file] = index_files(small_corpus)
    harm(file)
    assert repair(small_corpus) == [f"index/{file.name}: {told}; it will be built again"]
    assert index_files(small_corpus) == []
    assert search(small_corpus, "fig") == answers


def test_an_index_with_other_passages_is_told(small_corpus):
    other = built(unit(3, dimension=64), np.array([1, 2, 99]))
    small_corpus.publish_index(
        "hashing-64", lambda path: faiss.write_index(other, str(path)), kind="flat", passages=3, recall=1.0
    )
    [line] = repair(small_corpus)
    assert line.endswith("lacks 14 passages, has 1 too many; it will be built again")


def test_an_index_file_that_goes_while_it_is_opened_is_built_again(small_corpus, monkeypatch):
    found = search(small_corpus, "fig")

    def gone(path):
        raise RuntimeError(f"could not open {path}")

    monkeypatch.setattr(index.faiss, "read_index", gone)
    assert search(small_corpus, "fig") == found
    assert "cannot be read (could not open" in repair(small_corpus)[0]


def test_a_text_that_is_purged_while_it_is_embedded_leaves_no_vector(small_corpus):
    class Purging(HashingEmbedder):
        def encode(self, texts):
            if not small_corpus.history()[0].purged:
                small_corpus.purge(["fig.md"])
            return super().encode(texts)

    with pytest.raises(GenerationGone):
        open_index(small_corpus, Purging(64))
    with sqlite3.connect(small_corpus.folder / "corpus.db") as db:
        query = "SELECT count(*) FROM vector WHERE text_digest NOT IN (SELECT text_digest FROM passage)"
        assert db.execute(query).fetchone() == (0,)
    assert open_index(small_corpus, HashingEmbedder(64)).size == len(small_corpus.passages())
