"""A vector store is a dict of nodes, and what it finds are the nearest of them, whatever happens to it."""

import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from llama_index.core.schema import NodeRelationship, RelatedNodeInfo, TextNode
from llama_index.core.vector_stores.types import (
    FilterOperator,
    MetadataFilter,
    MetadataFilters,
    VectorStoreQuery,
)

from hybrid.retrieval.vector_store import CorpusVectorStore

IDS, SOURCES = st.sampled_from("abcdefgh"), st.sampled_from(["s", "t", None])
VECTORS = st.tuples(*[st.integers(-3, 3)] * 3).filter(any)
NODES = st.lists(st.tuples(IDS, SOURCES, st.sampled_from(["same", "other"]), VECTORS), max_size=6)


def node(id, source, text, vector):
    relationships = {NodeRelationship.SOURCE: RelatedNodeInfo(node_id=source)} if source else {}
    metadata = {"first": vector[0]}
    return TextNode(id_=id, text=text, embedding=vector, metadata=metadata, relationships=relationships)


class Life(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.home = tempfile.TemporaryDirectory()
        self.store = self.opened()
        self.nodes = {}

    def opened(self):
        return CorpusVectorStore.open("nodes", home=Path(self.home.name))

    def teardown(self):
        self.store.client.close()
        self.home.cleanup()

    @rule(given=NODES)
    def add(self, given):
        self.store.add([node(*each) for each in given])
        self.nodes |= {id: (source, text, vector) for id, source, text, vector in given}

    @rule(source=st.sampled_from(["s", "t", "a", "None"]))
    def delete(self, source):
        self.store.delete(source)
        self.nodes = {id: kept for id, kept in self.nodes.items() if (kept[0] or id) != source}

    @rule(ids=st.lists(IDS, max_size=3))
    def delete_nodes(self, ids):
        self.store.delete_nodes(ids)
        self.nodes = {id: kept for id, kept in self.nodes.items() if id not in ids}

    @rule()
    def clear(self):
        self.store.clear()
        self.nodes = {}

    @rule()
    def open_again(self):
        self.store.client.close()
        self.store = self.opened()

    @rule(vector=VECTORS, k=st.integers(1, 10))
    def ask(self, vector, k):
        self.compare(vector, k, self.nodes)

    @rule(vector=VECTORS, k=st.integers(1, 4), least=st.integers(-3, 3))
    def ask_with_a_filter(self, vector, k, least):
        fitting = {id: kept for id, kept in self.nodes.items() if kept[2][0] >= least}
        one = MetadataFilter(key="first", value=least, operator=FilterOperator.GTE)
        self.compare(vector, k, fitting, filters=MetadataFilters(filters=[one]))

    @rule(vector=VECTORS, k=st.integers(1, 4), source=st.sampled_from("st"))
    def ask_of_a_source(self, vector, k, source):
        fitting = {id: kept for id, kept in self.nodes.items() if kept[0] == source}
        self.compare(vector, k, fitting, doc_ids=[source])

    def compare(self, vector, k, fitting, **query):
        query = VectorStoreQuery(
            query_embedding=[float(number) for number in vector], similarity_top_k=k, **query
        )
        found = self.store.query(query)
        cosines = {
            id: np.dot(vector, kept[2]) / np.linalg.norm(vector) / np.linalg.norm(kept[2])
            for id, kept in fitting.items()
        }
        assert found.similarities == pytest.approx(sorted(cosines.values(), reverse=True)[:k], abs=1e-6)
        assert [cosines[id] for id in found.ids] == pytest.approx(found.similarities, abs=1e-6)
        assert len(set(found.ids)) == len(found.ids)
        assert [each.text for each in found.nodes] == [fitting[id][1] for id in found.ids]

    @invariant()
    def it_holds_these_nodes(self):
        held = {each.node_id: (each.ref_doc_id, each.text) for each in self.store.get_nodes()}
        assert held == {id: kept[:2] for id, kept in self.nodes.items()}

    @invariant()
    def its_file_is_sound(self):
        assert self.store.client.check() == []


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=25, stateful_step_count=15, deadline=None)
