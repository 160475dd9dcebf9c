import numpy as np
import pytest

from hybrid.corpus.schema import searchable
from hybrid.errors import CorpusError
from hybrid.records import Document
from hybrid.retrieval import index
from hybrid.retrieval.embed import HashingEmbedder
from hybrid.retrieval.index import embed_missing, open_index


class CountingEmbedder(HashingEmbedder):
    """Remembers the texts that it embedded."""

    def __init__(self, dimension=64):
        super().__init__(dimension)
        self.embedded = []

    def encode(self, texts):
        self.embedded.extend(texts)
        return super().encode(texts)


def search(corpus, text, embedder=None):
    embedder = embedder or HashingEmbedder(64)
    ids, scores = open_index(corpus, embedder).search(embedder.encode([text]), 4)
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
    generation = small_corpus.remove(["fig.md"])
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
