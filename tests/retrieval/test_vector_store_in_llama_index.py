"""The vector store where LlamaIndex uses it: a plain index, and an ingestion pipeline that upserts."""

import re

import pytest
from llama_index.core import Document, StorageContext, VectorStoreIndex
from llama_index.core.embeddings import BaseEmbedding
from llama_index.core.ingestion import DocstoreStrategy, IngestionPipeline
from llama_index.core.llms import MockLLM
from llama_index.core.node_parser import SentenceSplitter
from llama_index.core.storage.docstore import SimpleDocumentStore
from llama_index.core.vector_stores.types import ExactMatchFilter, MetadataFilters

from hybrid.retrieval.embed import HashingEmbedder
from hybrid.retrieval.vector_store import CorpusVectorStore


class HashedWords(BaseEmbedding):
    """Counts of hashed words, as LlamaIndex asks for them."""

    def _get_text_embedding(self, text):
        return HashingEmbedder(1024).encode([text])[0].tolist()

    def _get_query_embedding(self, query):
        return self._get_text_embedding(query)

    async def _aget_query_embedding(self, query):
        return self._get_text_embedding(query)


FRUIT = ("apple", "banana", "cherry", "damson")
# With a tokenizer of its own it does not load tiktoken and NLTK.
SPLITTER = SentenceSplitter(
    chunk_size=12,
    chunk_overlap=0,
    tokenizer=str.split,
    chunking_tokenizer_fn=lambda text: re.findall(r"[^.]+\.\s*", text),
)


def document(fruit, price):
    return Document(
        id_=fruit,
        text=f"The {fruit} is a fruit of many colours. One {fruit} costs {price} cents at the market.",
        metadata={"fruit": fruit},
    )


def texts(store):
    return sorted(node.text for node in store.get_nodes())


def sources(store):
    return sorted({node.ref_doc_id for node in store.get_nodes()})


@pytest.fixture
def store(state_folder):
    return CorpusVectorStore.open("fruit")


def index_on(store):
    return VectorStoreIndex.from_vector_store(store, embed_model=HashedWords(), transformations=[SPLITTER])


@pytest.fixture
def index(store):
    return VectorStoreIndex.from_documents(
        [document(fruit, 10) for fruit in FRUIT],
        storage_context=StorageContext.from_defaults(vector_store=store),
        embed_model=HashedWords(),
        transformations=[SPLITTER],
    )


def price_of(fruit):
    return f"One {fruit} costs how many cents?"


def first(index, question="One cherry costs how many cents?", **asked):
    return index.as_retriever(similarity_top_k=1, **asked).retrieve(question)[0]


def test_an_index_finds_what_its_store_holds(index, store):
    assert (len(store.get_nodes()), sources(store)) == (8, list(FRUIT))
    assert "One cherry costs 10 cents" in first(index).text
    again = index_on(CorpusVectorStore.open("fruit"))
    assert first(again).node == first(index).node
    assert first(again).score == pytest.approx(first(index).score)


def test_deleted_inserted_saved_loaded_and_inserted(index, store, tmp_path):
    index.delete_ref_doc("banana")
    index.insert(document("elderberry", 50))
    index.storage_context.persist(tmp_path / "storage")
    again = index_on(CorpusVectorStore.open("fruit"))
    again.insert(document("fig", 60))
    assert sources(store) == ["apple", "cherry", "damson", "elderberry", "fig"]
    for fruit, price in (("elderberry", 50), ("fig", 60), ("cherry", 10)):
        assert f"One {fruit} costs {price} cents" in first(again, price_of(fruit)).text


def test_a_source_can_be_deleted_twice_and_come_back(index, store):
    index.delete_ref_doc("cherry", delete_from_docstore=True)
    index.delete_ref_doc("cherry", delete_from_docstore=True)
    assert "cherry" not in first(index).text
    index.insert(document("cherry", 99))
    assert "One cherry costs 99 cents" in first(index).text
    assert len(store.get_nodes()) == 8


def test_updating_a_source_leaves_nothing_of_it_behind(index, store):
    index.update_ref_doc(document("cherry", 99))
    assert len(store.get_nodes()) == 8
    assert [text for text in texts(store) if "One cherry" in text] == [
        "One cherry costs 99 cents at the market."
    ]


def test_refreshing_brings_what_is_new_or_other(index, store):
    fresh = [document("apple", 10), document("banana", 77), document("fig", 60)]
    assert index.refresh_ref_docs(fresh) == [False, True, True]
    assert sources(store) == [*FRUIT, "fig"]
    assert "One banana costs 77 cents" in first(index, price_of("banana")).text
    assert len(store.get_nodes()) == 10


def test_nodes_can_be_deleted_by_the_index(index, store):
    cheapest = first(index).node
    index.delete_nodes([cheapest.node_id])
    assert first(index).node_id != cheapest.node_id
    assert len(store.get_nodes()) == 7


def test_a_retriever_filters(index):
    apples = MetadataFilters(filters=[ExactMatchFilter(key="fruit", value="apple")])
    found = index.as_retriever(similarity_top_k=8, filters=apples).retrieve("cherry")
    assert [each.metadata["fruit"] for each in found] == ["apple", "apple"]
    assert first(index, doc_ids=["damson"]).node.ref_doc_id == "damson"


def test_a_query_engine_answers_from_the_store(index):
    response = index.as_query_engine(llm=MockLLM(), similarity_top_k=1).query(price_of("cherry"))
    assert "One cherry costs 10 cents at the market." in str(response)
    assert [each.node.ref_doc_id for each in response.source_nodes] == ["cherry"]


def pipeline(store, docstore, strategy):
    return IngestionPipeline(
        transformations=[SPLITTER, HashedWords()],
        docstore=docstore,
        vector_store=store,
        docstore_strategy=strategy,
    )


@pytest.mark.parametrize(
    ("strategy", "left"),
    [
        (DocstoreStrategy.UPSERTS, ["apple", "banana", "cherry", "damson", "fig"]),
        (DocstoreStrategy.UPSERTS_AND_DELETE, ["banana", "cherry", "fig"]),
    ],
)
def test_an_ingestion_pipeline_upserts(store, strategy, left):
    docstore = SimpleDocumentStore()
    pipeline(store, docstore, strategy).run(documents=[document(fruit, 10) for fruit in FRUIT])
    fresh = [document("banana", 77), document("cherry", 10), document("fig", 60)]
    again = CorpusVectorStore.open("fruit")
    ran = pipeline(again, docstore, strategy).run(documents=fresh)
    assert {node.ref_doc_id for node in ran} == {"banana", "fig"}
    assert sources(store) == left
    assert len(store.get_nodes()) == 2 * len(left)
    bananas = [text for text in texts(store) if "One banana" in text]
    assert bananas == ["One banana costs 77 cents at the market."]
    assert "One banana costs 77 cents" in first(index_on(store), price_of("banana")).text


@pytest.mark.parametrize("strategy", [DocstoreStrategy.UPSERTS, DocstoreStrategy.UPSERTS_AND_DELETE])
def test_whole_documents_are_upserted_as_well(store, strategy):
    docstore = SimpleDocumentStore()
    for fruit, price in (("apple", 10), ("apple", 11), ("banana", 12)):
        run = pipeline(store, docstore, strategy)
        run.transformations = [HashedWords()]
        run.run(documents=[document(fruit, price)])
    kept = ["apple", "banana"] if strategy == DocstoreStrategy.UPSERTS else ["banana"]
    assert [node.node_id for node in store.get_nodes()] == kept
