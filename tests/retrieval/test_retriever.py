import pytest
from llama_index.core.llms import MockLLM
from llama_index.core.query_engine import RetrieverQueryEngine
from llama_index.core.retrievers import BaseRetriever

from hybrid.corpus.store import Corpus
from hybrid.errors import CorpusError, GenerationGone
from hybrid.records import Document
from hybrid.retrieval.embed import HashingEmbedder
from hybrid.retrieval.retriever import Retriever

PRICE = "What does one fig cost in cents?"


def documents_of(hits):
    return [hit.passage.document for hit in hits]


class RemovingEmbedder(HashingEmbedder):
    """Removes the document of figs while a question is embedded, when the index is open already."""

    corpus = None

    def encode(self, texts):
        if list(texts) == [PRICE] and self.corpus:
            self.corpus.remove(["fig.md"])
        return super().encode(texts)


def test_hits_are_passages_of_the_corpus_nearest_first(small_retriever):
    hits = small_retriever.retrieve(PRICE)
    assert documents_of(hits)[0] == "fig.md"
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    assert small_retriever.corpus.fetch([hit.passage.id for hit in hits]) == {
        hit.passage.id: hit.passage for hit in hits
    }


def test_many_questions_have_the_hits_of_each(small_retriever):
    questions = [PRICE, "Of what colour is the apple?", PRICE]
    assert small_retriever.retrieve_many(questions) == [small_retriever.retrieve(q) for q in questions]
    assert small_retriever.retrieve_many([]) == []


@pytest.mark.parametrize(("k", "found"), [(None, 3), (1, 1), (5, 5), (99, 16)])
def test_k_bounds_the_hits(small_retriever, k, found):
    assert len(small_retriever.retrieve(PRICE, k)) == found


def test_what_was_added_is_found_and_what_was_removed_is_not(small_retriever):
    assert "fig.md" in documents_of(small_retriever.retrieve(PRICE, 16))
    with Corpus.open("fruit") as other:
        other.remove(["fig.md"])
        other.add([Document("quince.md", "Quince", "One quince costs 20 cents.")])
    found = documents_of(small_retriever.retrieve("one quince", 16))
    assert (found[0], "fig.md" in found, len(found)) == ("quince.md", False, 15)


def test_a_document_removed_after_the_index_was_opened_is_not_returned(small_corpus):
    embedder = RemovingEmbedder(64)
    retriever = Retriever(small_corpus, embedder, 16)
    assert "fig.md" in documents_of(retriever.retrieve("fig"))
    embedder.corpus = small_corpus
    hits = retriever.retrieve(PRICE)
    assert ("fig.md" in documents_of(hits), len(hits)) == (False, 14)


def test_an_empty_corpus_is_said_in_one_line(small_retriever):
    small_retriever.retrieve("fig")
    small_retriever.corpus.remove([document.id for document in small_retriever.corpus.documents()])
    with pytest.raises(CorpusError, match=r'^Corpus "fruit" is empty\. .*PATH$'):
        small_retriever.retrieve("fig")


def test_llama_index_sees_nodes_with_ids_scores_and_places(small_retriever):
    llama = small_retriever.as_llama_index()
    hit, [node, *_] = small_retriever.retrieve(PRICE)[0], llama.retrieve(PRICE)
    assert isinstance(llama, BaseRetriever)
    assert (node.node_id, node.score, node.text) == (str(hit.passage.id), hit.score, hit.passage.text)
    assert node.metadata == {
        "passage": hit.passage.id,
        "document": "fig.md",
        "title": "Fig",
        "locator": hit.passage.locator,
        "start": hit.passage.start,
        "end": hit.passage.end,
    }


def test_a_query_engine_of_llama_index_uses_it(small_retriever):
    engine = RetrieverQueryEngine.from_args(small_retriever.as_llama_index(), llm=MockLLM())
    response = engine.query(PRICE)
    assert [node.node_id for node in response.source_nodes] == [
        str(hit.passage.id) for hit in small_retriever.retrieve(PRICE)
    ]
    assert "One fig costs 15 cents." in str(response)


@pytest.fixture
def tagged(state_folder):
    documents = [
        Document(
            f"{number}",
            "",
            f"Fig number {number}.",
            {"lang": "en" if number % 10 else "de", "year": number, 'q"ü\\.': number % 2},
        )
        for number in range(60)
    ]
    with Corpus.create(
        "tagged", documents=[*documents, Document("bare", "", "A fig without metadata.")]
    ) as made:
        yield made


@pytest.mark.parametrize("lexical", [False, True])
@pytest.mark.parametrize(
    ("where", "found"),
    [
        ({"lang": "de"}, {"0", "10", "20", "30", "40", "50"}),
        ({"lang": "de", "year": [10, 11, 20]}, {"10", "20"}),
        ({"lang": "fr"}, set()),
        ({'la.n"g': "de"}, set()),
        ({'q"ü\\.': 1, "year": [10, 11]}, {"11"}),
        ({"year": True}, set()),
        ({}, None),
    ],
)
def test_only_documents_with_the_wanted_metadata_are_found(tagged, where, found, lexical):
    retriever = Retriever(tagged, HashingEmbedder(64), 8, lexical=lexical)
    hits = set(documents_of(retriever.retrieve("a fig", where=where)))
    assert hits == found if found is not None else len(hits) == 8


def test_a_value_that_no_metadata_can_have_is_refused(tagged):
    with pytest.raises(CorpusError, match='No document can have this value of "year"'):
        tagged.matching({"year": float("nan")})


def test_a_filter_looks_at_what_came_later_too(tagged):
    retriever = Retriever(tagged, HashingEmbedder(64), 9)
    retriever.retrieve("a fig")
    tagged.add([Document("new", "", "A fig.", {"lang": "de"})])
    tagged.remove(["0"])
    assert set(documents_of(retriever.retrieve("a fig", where={"lang": "de"}))) == {
        "new", "10", "20", "30", "40", "50",
    }  # fmt: skip


def test_a_question_during_a_purge_is_answered_from_what_is_left(small_corpus):
    class Purging(HashingEmbedder):
        """Purges a document between the look at the newest generation and reading it."""

        purged = False

        def encode(self, texts):
            if PRICE not in texts and not self.purged:
                self.purged = True
                small_corpus.purge(["fig.md"])
            return super().encode(texts)

    hits = Retriever(small_corpus, Purging(64), 9).retrieve(PRICE)
    assert hits and "fig.md" not in documents_of(hits)
    with small_corpus.at(small_corpus.generation) as bound:
        retriever = Retriever(bound, HashingEmbedder(64), 9)
        assert documents_of(retriever.retrieve(PRICE)) == documents_of(hits)
        small_corpus.purge([hits[0].passage.document])
        with pytest.raises(GenerationGone):
            retriever.retrieve(PRICE)


def test_what_is_set_on_a_retriever_holds_from_the_next_question_on(small_corpus):
    retriever = Retriever(small_corpus, HashingEmbedder(64), 3)
    plain = retriever.retrieve(PRICE)
    retriever.lexical = True
    fused = retriever.retrieve(PRICE)
    assert [hit.score for hit in fused] != [hit.score for hit in plain]
    retriever.lexical, retriever.embedder = False, HashingEmbedder(32)
    assert len(retriever.retrieve(PRICE)) == 3
    retriever.embedder = HashingEmbedder(64)
    assert retriever.retrieve(PRICE) == plain
