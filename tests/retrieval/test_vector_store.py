"""What LlamaIndex' own FAISS stores get wrong, and the rest of what a vector store has to do."""

import asyncio
import threading

import numpy as np
import pytest
from llama_index.core.schema import ImageNode, IndexNode, NodeRelationship, RelatedNodeInfo, TextNode
from llama_index.core.vector_stores.types import (
    FilterCondition,
    FilterOperator,
    MetadataFilter,
    MetadataFilters,
    VectorStoreQuery,
    VectorStoreQueryMode,
)

from hybrid.corpus.store import Corpus
from hybrid.errors import BadInput, CorpusError, UnknownName
from hybrid.records import Document
from hybrid.retrieval import index
from hybrid.retrieval.vector_store import CorpusVectorStore

OTHER_EMBEDDER = 'holds texts without a vector of "llama-index-{0}".* Make a new corpus, or clear this one'


def node(id, embedding, source=None, text=None, **metadata):
    relationships = {NodeRelationship.SOURCE: RelatedNodeInfo(node_id=source)} if source else {}
    text = f"Text of {id}." if text is None else text
    return TextNode(
        id_=id, text=text, embedding=list(embedding), metadata=metadata, relationships=relationships
    )


def at_angle(degrees):
    return [float(np.cos(np.radians(degrees))), float(np.sin(np.radians(degrees)))]


def ask(store, embedding=(1.0, 0.0), k=10, **query):
    return store.query(VectorStoreQuery(query_embedding=list(embedding), similarity_top_k=k, **query))


def ids(store, **query):
    return ask(store, **query).ids


@pytest.fixture
def store(state_folder):
    return CorpusVectorStore.open("nodes")


@pytest.fixture
def fan(store):
    """Ten nodes, n0 to n9, each nine degrees further from (1, 0); two of each source s0 to s4."""
    store.add([node(f"n{i}", at_angle(9 * i), f"s{i // 2}", rank=i, odd=bool(i % 2)) for i in range(10)])
    return store


def test_the_nearest_come_first_with_their_cosines(store):
    store.add([node("far", [0, 3]), node("near", [7, 0]), node("between", [3, 4])])
    found = ask(store, (2, 0))
    # (3, 4)·(1, 0) / 5 = 0.6
    assert found.ids == ["near", "between", "far"]
    assert found.similarities == pytest.approx([1, 0.6, 0])
    assert [each.text for each in found.nodes] == ["Text of near.", "Text of between.", "Text of far."]


@pytest.mark.parametrize(("k", "found"), [(0, 0), (1, 1), (4, 4), (99, 10)])
def test_k_bounds_what_is_found(fan, k, found):
    assert ids(fan, k=k) == [f"n{i}" for i in range(found)]


def test_a_store_without_nodes_finds_nothing(store):
    assert (ids(store), store.get_nodes(), store.add([])) == ([], [], [])
    store.clear()
    assert store.client.generation == 0


def test_what_is_added_after_a_delete_is_found_under_its_own_text(fan):
    fan.delete("s1")
    fan.add([node("new", at_angle(20), "s9", text="Quite new.")])
    found = ask(fan, at_angle(20), k=1)
    assert (found.ids, found.nodes[0].text) == (["new"], "Quite new.")
    assert ids(fan) == ["n0", "n1", "new", *(f"n{i}" for i in range(4, 10))]


def test_there_is_nothing_to_save(fan):
    fan.delete("s0")
    fan.persist("nowhere/at/all")
    again = CorpusVectorStore.open("nodes")
    again.add([node("new", at_angle(1))])
    assert ids(again, k=3) == ["new", "n2", "n3"] == ids(fan, k=3)


def test_a_node_with_the_id_of_another_takes_its_place(fan):
    fan.add([node("n9", at_angle(1), "s4", text="Another text.")])
    found = ask(fan)
    assert found.ids == ["n0", "n9", *(f"n{i}" for i in range(1, 9))]
    assert found.nodes[1].text == "Another text."


def test_the_last_of_two_nodes_with_one_id_counts(store):
    assert store.add([node("a", [1, 0], text="First."), node("a", [0, 1], text="Last.")]) == ["a", "a"]
    assert [each.text for each in store.get_nodes()] == ["Last."]


def test_what_is_added_again_as_it_was_changes_nothing(fan):
    generation = fan.client.generation
    fan.add([node("n9", at_angle(81), "s4", rank=9, odd=True)])
    assert fan.client.generation == generation


def test_equal_texts_keep_embeddings_of_their_own(store):
    store.add([node("a", [1, 0], text="Same."), node("b", [0, 1], text="Same.")])
    assert ids(store, embedding=(1, 0.1)) == ["a", "b"]
    assert ids(store, embedding=(0.1, 1)) == ["b", "a"]


def test_a_new_embedding_of_the_same_text_is_searched_and_the_old_one_comes_back_by_rollback(store):
    store.add([node("a", [1, 0]), node("b", at_angle(30))])
    before = store.client.generation
    assert ids(store) == ["a", "b"]
    store.add([node("a", [0, 1])])
    assert ids(store) == ["b", "a"]
    store.client.rollback(before)
    assert ids(store) == ["a", "b"]


def test_deleting_a_source_deletes_its_nodes_alone(fan):
    fan.delete("s1")
    fan.delete("never was")
    assert ids(fan) == ["n0", "n1", "n4", "n5", "n6", "n7", "n8", "n9"]


def test_a_node_without_a_source_is_its_own(store):
    store.add([node("a", [1, 0]), node("b", [0, 1])])
    store.delete("None")
    store.delete("a")
    assert ids(store) == ["b"]


def test_nodes_are_deleted_by_id_by_filter_and_by_both(fan):
    odd = MetadataFilters(filters=[MetadataFilter(key="rank", value=7, operator=FilterOperator.GTE)])
    fan.delete_nodes(["n0", "never was"])
    fan.delete_nodes(["n1", "n8"], odd)
    assert ids(fan) == ["n1", "n2", "n3", "n4", "n5", "n6", "n7", "n9"]
    fan.delete_nodes(filters=odd)
    fan.delete_nodes()
    fan.delete_nodes([])
    assert ids(fan) == ["n1", "n2", "n3", "n4", "n5", "n6"]


def test_after_a_clear_embeddings_may_have_another_dimension(fan):
    fan.clear()
    assert (ids(fan), fan.get_nodes()) == ([], [])
    fan.add([node("a", [0, 0, 1])])
    assert ids(fan, embedding=(0, 0, 1)) == ["a"]
    assert fan.client.check() == []


def test_a_node_comes_back_as_it_was(store):
    given = [
        node("text", [3, 4], "source", text=" Ünïcode \n\n# Heading\n\nmore ", deep={"a": [1, None]}),
        IndexNode(id_="index", text="See there.", index_id="there", embedding=[0, 2]),
        ImageNode(id_="image", text="A picture.", image="aGk=", embedding=[-1, 0]),
        node("no text", [0.5, 0], text="", title="All there is"),
    ]
    given[0].excluded_embed_metadata_keys = ["deep"]
    store.add(given)
    back = store.get_nodes()
    assert [each.embedding for each in back] == [pytest.approx(each.embedding) for each in given]
    for each in [*given, *back]:
        each.embedding = None
    assert back == given
    assert [type(each) for each in back] == [type(each) for each in given]
    found = ask(store, (3, 4)).nodes
    assert {each.node_id: each for each in found} == {each.node_id: each for each in given}


def test_a_document_is_one_passage_however_long(store):
    text = "One sentence of many. " * 500 + "\n\n# Heading\n\nMore.\n"
    store.add([node("long", [1, 0], text=text)])
    [passage], [document] = store.client.passages(), store.client.documents()
    assert passage.text == document.text[passage.start : passage.end] == text
    assert store.client.check() == []


def test_nodes_are_got_by_id_and_by_filter(fan):
    odd = MetadataFilters(filters=[MetadataFilter(key="odd", value="x", operator=FilterOperator.NE)])
    assert [each.node_id for each in fan.get_nodes()] == [f"n{i}" for i in range(10)]
    assert [each.node_id for each in fan.get_nodes(["n7", "never was", "n2"], odd)] == ["n2", "n7"]


@pytest.mark.parametrize(
    ("operator", "value", "found"),
    [
        (FilterOperator.EQ, 3, [3]),
        (FilterOperator.NE, 3, [0, 1, 2, 4, 5, 6, 7, 8, 9]),
        (FilterOperator.GT, 7, [8, 9]),
        (FilterOperator.GTE, 7, [7, 8, 9]),
        (FilterOperator.LT, 2, [0, 1]),
        (FilterOperator.LTE, 2, [0, 1, 2]),
        (FilterOperator.IN, [9, 1, 99], [1, 9]),
        (FilterOperator.NIN, [0, 1, 2, 3, 4], [5, 6, 7, 8, 9]),
        (FilterOperator.IS_EMPTY, None, []),
    ],
)
def test_filters_compare_metadata(fan, operator, value, found):
    filters = MetadataFilters(filters=[MetadataFilter(key="rank", value=value, operator=operator)])
    assert ids(fan, filters=filters) == [f"n{i}" for i in found]


def test_what_a_node_lacks_is_not_equal_to_anything(fan):
    filters = MetadataFilters(filters=[MetadataFilter(key="no", value=1, operator=FilterOperator.NE)])
    assert len(ids(fan, filters=filters)) == 10
    filters = MetadataFilters(filters=[MetadataFilter(key="no", value=1)])
    assert ids(fan, filters=filters) == []


def test_filters_know_the_source(fan):
    filters = MetadataFilters(filters=[MetadataFilter(key="ref_doc_id", value="s3")])
    assert ids(fan, filters=filters) == ["n6", "n7"]


LOW = MetadataFilter(key="rank", value=3, operator=FilterOperator.LT)
HIGH = MetadataFilter(key="rank", value=1, operator=FilterOperator.GT)


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        (FilterCondition.AND, [2]),
        (FilterCondition.OR, list(range(10))),
        (FilterCondition.NOT, []),
        (None, [2]),
    ],
)
def test_filters_are_joined(fan, condition, found):
    filters = MetadataFilters(filters=[LOW, HIGH], condition=condition)
    assert ids(fan, filters=filters) == [f"n{i}" for i in found]


def test_filters_stand_within_filters(fan):
    both = MetadataFilters(filters=[LOW, HIGH])
    last = MetadataFilter(key="rank", value=9)
    either = MetadataFilters(filters=[both, last], condition=FilterCondition.OR)
    assert ids(fan, filters=either) == ["n2", "n9"]
    nothing = MetadataFilters(filters=[], condition=FilterCondition.OR)
    assert ids(fan, filters=MetadataFilters(filters=[nothing, last])) == ["n9"]


def test_a_query_is_bound_to_ids_and_sources(fan):
    assert ids(fan, node_ids=["n8", "n3", "never was"]) == ["n3", "n8"]
    assert ids(fan, doc_ids=["s4", "s1"]) == ["n2", "n3", "n8", "n9"]
    assert ids(fan, doc_ids=["s4", "s1"], node_ids=["n3", "n4"]) == ["n3"]
    assert ids(fan, doc_ids=["s4", "s1"], filters=MetadataFilters(filters=[LOW])) == ["n2"]
    assert ids(fan, doc_ids=["s4", "s1"], k=1) == ["n2"]


def test_no_source_is_none_but_no_id_is_any_because_the_retriever_of_an_index_sends_that(fan):
    assert ids(fan, doc_ids=[]) == []
    assert ids(fan, node_ids=[], k=2) == ["n0", "n1"]


@pytest.mark.parametrize("flat_limit", [10_000, 10])
def test_a_filter_starves_no_query(store, monkeypatch, flat_limit):
    monkeypatch.setattr(index, "FLAT_LIMIT", flat_limit)
    store.add([node(f"n{i}", at_angle(i / 10), rank=i) for i in range(900)])
    filters = MetadataFilters(
        filters=[MetadataFilter(key="rank", value=[889, 895, 3, 898], operator=FilterOperator.IN)]
    )
    assert ids(store, k=3, filters=filters) == ["n3", "n889", "n895"]
    assert ids(store, k=9, filters=filters) == ["n3", "n889", "n895", "n898"]


def test_what_a_graph_does_not_reach_is_compared_one_by_one(store, monkeypatch):
    class Short(index.VectorIndex):
        def search(self, queries, k):
            found, scores = super().search(queries, k)
            found[:, -1] = -1
            return found, scores

    monkeypatch.setattr(index, "VectorIndex", Short)
    store.add([node(f"n{i}", at_angle(i / 10), rank=i) for i in range(300)])
    filters = MetadataFilters(filters=[MetadataFilter(key="rank", value=299)])
    assert ids(store, k=1, filters=filters) == ["n299"]


def test_embeddings_of_another_dimension_are_refused_and_nothing_changes(fan):
    generation = fan.client.generation
    with pytest.raises(CorpusError, match=OTHER_EMBEDDER.format(3)):
        fan.add([node("a", [1, 0, 0])])
    with pytest.raises(CorpusError, match=OTHER_EMBEDDER.format(3)):
        ask(fan, (1, 0, 0))
    with pytest.raises(CorpusError, match=r"one dimension, not \[1, 2\]"):
        fan.add([node("a", [1]), node("b", [1, 0])])
    assert (fan.client.generation, len(ids(fan))) == (generation, 10)


def test_embeddings_of_another_embedder_are_refused(fan):
    other = CorpusVectorStore.open("nodes", embedder="other")
    with pytest.raises(CorpusError, match='"other-2"'):
        other.add([node("a", [1, 0])])
    with pytest.raises(CorpusError, match='"other-2"'):
        ask(other)


def test_all_nodes_may_be_embedded_anew_at_once(fan):
    fan.add([node(f"n{i}", [1, 0, i], f"s{i // 2}", rank=i) for i in range(10)])
    assert ids(fan, embedding=(0, 0, 1), k=2) == ["n9", "n8"]
    with pytest.raises(CorpusError, match=OTHER_EMBEDDER.format(2)):
        ask(fan)


def test_nodes_beside_the_index_may_be_embedded_anew_with_all_others(store):
    store.add([node(f"n{i}", at_angle(i)) for i in range(30)])
    assert ids(store, k=1) == ["n0"]
    store.add([node("n30", at_angle(30))])
    assert (ids(store, k=1), len(store._searched.index.later_ids)) == (["n0"], 1)
    store.add([node(f"n{i}", [1, 0, i]) for i in range(31)])
    assert ids(store, embedding=(0, 0, 1), k=2) == ["n30", "n29"]


@pytest.mark.parametrize(
    ("bad", "told"),
    [
        (TextNode(id_="a", text="No embedding."), 'Node "a" has no embedding'),
        (node("a", [float("nan"), 1]), 'embedding of node "a" holds what is no number'),
        (node("a", [1, 0], text=" "), 'Document "a" has no id or no text'),
    ],
)
def test_a_node_that_cannot_be_kept_is_refused_with_all_others(fan, bad, told):
    with pytest.raises(CorpusError, match=told):
        fan.add([node("good", [1, 0]), bad])
    assert "good" not in ids(fan)


def test_a_zero_embedding_is_like_nothing(store):
    store.add([node("zero", [0, 0]), node("one", [1, 0])])
    assert ask(store).similarities == pytest.approx([1, 0])


def test_another_mode_or_no_embedding_is_said(fan):
    with pytest.raises(UnknownName, match='Unknown query mode "sparse". Available: default'):
        ask(fan, mode=VectorStoreQueryMode.SPARSE)
    with pytest.raises(BadInput, match="it has no embedding"):
        fan.query(VectorStoreQuery())
    with pytest.raises(BadInput, match="holds what is no number"):
        fan.query(VectorStoreQuery(query_embedding=[float("nan"), 1.0]))


def test_a_corpus_that_is_cut_into_passages_is_refused(small_corpus):
    with pytest.raises(CorpusError, match='Corpus "fruit" is cut into passages'):
        CorpusVectorStore.open("fruit")
    with pytest.raises(CorpusError, match="passages of 60 characters"):
        small_corpus.update([Document("a", "", "A.")], vectors={"a": np.ones(2)}, embedder="x")


def test_a_document_that_is_no_node_is_told(fan):
    fan.client.add([Document("stray", "", "Added by other means.")])
    with pytest.raises(CorpusError, match="they came without one"):
        ask(fan)
    with pytest.raises(CorpusError, match='"stray" was not added as a node of LlamaIndex; remove it'):
        fan.get_nodes(["stray"])
    fan.delete_nodes(["stray"])
    assert len(ids(fan)) == 10


def test_check_finds_a_vector_that_is_not_the_one_given(fan):
    [digest] = {
        row["text_digest"] for row in fan.client._alive("SELECT text_digest FROM passage WHERE id = 4")
    }
    fan.client.put_vectors("llama-index-2", {digest: np.array([0, 1], np.float32)})
    assert fan.client.check() == ['passage 4 of document "n3": its digest is that of another text']


def test_purging_takes_what_was_deleted_out_and_leaves_the_rest(fan):
    assert len(ids(fan)) == 10
    fan.delete("s0")
    fan.client.purge()
    assert ids(fan) == [f"n{i}" for i in range(2, 10)]
    data = (fan.client.folder / "corpus.db").read_bytes()
    assert (b"Text of n1." in data, b"Text of n2." in data) == (False, True)


def test_the_corpus_serves_hybrids_own_retriever_as_well(fan):
    from hybrid.retrieval.embed import HashingEmbedder
    from hybrid.retrieval.retriever import Retriever

    [hit, *_] = Retriever(Corpus.open("nodes"), HashingEmbedder(64), 3).retrieve("text of n4")
    assert hit.passage.document == "n4"
    assert ids(fan, k=1) == ["n0"]


def test_async_calls_do_the_same(store):
    async def life():
        await store.async_add([node("a", [1, 0], "s"), node("b", [0, 1])])
        found = await store.aquery(VectorStoreQuery(query_embedding=[1.0, 0.0], similarity_top_k=2))
        await store.adelete("s")
        left = [each.node_id for each in await store.aget_nodes()]
        await store.aclear()
        return found.ids, left, store.get_nodes()

    assert asyncio.run(life()) == (["a", "b"], ["b"], [])


def test_threads_share_a_store(fan):
    faults, done = [], threading.Event()

    def watch():
        try:
            while not done.is_set():
                found = ask(fan, k=99)
                assert found.similarities == sorted(found.similarities, reverse=True)
                assert {f"n{i}" for i in range(10)} <= set(found.ids)
                # Both nodes of a step are there, or none.
                assert len(found.ids) % 2 == 0
        except BaseException as exc:
            faults.append(exc)

    def change(name):
        try:
            for step in range(8):
                fan.add([node(f"{name}{step}{half}", at_angle(step), name) for half in "ab"])
            fan.delete(name)
        except BaseException as exc:
            faults.append(exc)

    readers = [threading.Thread(target=watch) for _ in range(2)]
    writers = [threading.Thread(target=change, args=(name,)) for name in "xy"]
    for thread in [*readers, *writers]:
        thread.start()
    for thread in writers:
        thread.join()
    done.set()
    for thread in readers:
        thread.join()
    assert faults == []
    assert ids(fan) == [f"n{i}" for i in range(10)]
