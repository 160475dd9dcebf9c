"""A retriever that fuses the nearest vectors with the words in common."""

import numpy as np
import pytest

from hybrid.corpus.store import Corpus
from hybrid.pipeline import load_retriever
from hybrid.records import Document
from hybrid.retrieval.embed import HashingEmbedder
from hybrid.retrieval.retriever import Retriever
from hybrid.specs import PipelineSpec

NEAR = Document("near.md", "", "Boats float!")
FAR = Document("far.md", "", "The K3-S is a lamp that stands on a rock in the sea, far from any other lamp.")
ASKED = "What is K3?"


class LengthEmbedder(HashingEmbedder):
    """Knows no words: the nearer two texts are in length, the nearer are their vectors."""

    def __init__(self):
        super().__init__(2)

    def encode(self, texts):
        angles = np.array([len(text) / 100 for text in texts], dtype=np.float32)
        return np.stack([np.cos(angles), np.sin(angles)], axis=1)


@pytest.fixture
def corpus():
    with Corpus.create("lamps", documents=[NEAR, FAR]) as corpus:
        yield corpus


def documents_of(hits):
    return [hit.passage.document for hit in hits]


def test_without_the_option_words_do_not_count(corpus):
    hits = Retriever(corpus, LengthEmbedder(), 2).retrieve(ASKED)
    assert documents_of(hits) == ["near.md", "far.md"]
    # Lengths 11 and 12: cos 0.01.
    assert hits[0].score == pytest.approx(np.cos(0.01))


def test_words_lift_a_passage_and_scores_are_those_of_the_fusion(corpus):
    hits = Retriever(corpus, LengthEmbedder(), 2, lexical=True).retrieve(ASKED)
    # far: second by vectors, first by words, 1 / 62 + 1 / 61; near: first by vectors only, 1 / 61.
    assert documents_of(hits) == ["far.md", "near.md"]
    assert [hit.score for hit in hits] == pytest.approx([1 / 62 + 1 / 61, 1 / 61])


def test_where_no_word_is_shared_the_vectors_decide(corpus):
    hits = Retriever(corpus, LengthEmbedder(), 2, lexical=True).retrieve("Wo ist Rom?")
    assert documents_of(hits) == ["near.md", "far.md"]


def test_words_count_for_passages_beyond_the_k_nearest(corpus):
    assert documents_of(Retriever(corpus, LengthEmbedder(), 1, lexical=True).retrieve(ASKED)) == ["far.md"]


def test_each_question_has_its_own_words(corpus):
    retriever = Retriever(corpus, LengthEmbedder(), 2, lexical=True)
    asked = [ASKED, "Boats?", ASKED]
    assert [documents_of(hits)[0] for hits in retriever.retrieve_many(asked)] == [
        "far.md",
        "near.md",
        "far.md",
    ]
    assert retriever.retrieve_many(asked) == [retriever.retrieve(question) for question in asked]
    assert retriever.retrieve_many([]) == []


@pytest.mark.parametrize(("k", "found"), [(1, 1), (5, 5), (60, 16)])
def test_k_bounds_the_hits(small_corpus, k, found):
    retriever = Retriever(small_corpus, HashingEmbedder(64), 3, lexical=True)
    assert len(retriever.retrieve("What does one fig cost?", k)) == found


def test_words_of_a_newer_generation_are_found(corpus):
    retriever = Retriever(corpus, LengthEmbedder(), 1, lexical=True)
    assert documents_of(retriever.retrieve("Merlin M1?")) == ["near.md"]
    with Corpus.open("lamps") as other:
        other.add([Document("new.md", "", "The Merlin has gone out of the catalogue a long time ago, alas.")])
        other.remove(["far.md"])
    assert documents_of(retriever.retrieve("Merlin M1?")) == ["new.md"]
    assert sorted(documents_of(retriever.retrieve(ASKED, 9))) == ["near.md", "new.md"]


@pytest.mark.parametrize("lexical", [True, False])
def test_the_pipeline_file_says_whether_words_count(corpus, lexical):
    spec = PipelineSpec.model_validate(
        {"suite": "any", "retrieval": {"embedder": "hashing:8", "k": 4, "lexical": lexical}}
    )
    retriever = load_retriever(spec, corpus)
    assert (retriever.lexical, retriever.k) == (lexical, 4)


def test_words_do_not_count_unless_asked_for():
    assert not PipelineSpec(suite="any").retrieval.lexical
