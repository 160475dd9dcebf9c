"""A corpus as a vector store of LlamaIndex: what it was told is on the disk when it returns."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from llama_index.core.schema import BaseNode
from llama_index.core.vector_stores.types import (
    BasePydanticVectorStore,
    MetadataFilters,
    VectorStoreQuery,
    VectorStoreQueryMode,
    VectorStoreQueryResult,
)
from pydantic import PrivateAttr

from hybrid.corpus.store import Corpus
from hybrid.errors import BadInput, CorpusError, GenerationGone, UnknownName
from hybrid.records import Document
from hybrid.retrieval.embed import Vectors
from hybrid.retrieval.index import VectorIndex, caught_up, open_index
from hybrid.retrieval.nodes import Vector, document_of, embedder_of, node_of, predicate, unit, vector_of

FILTERED_AT_FIRST = 100
"""How many of the nearest nodes a filter looks at first; four times as many while too few pass."""

Ranking = list[tuple[Document, float]]


class CorpusVectorStore(BasePydanticVectorStore):
    """Keeps LlamaIndex' nodes, texts and embeddings in a corpus, each change as one transaction.

    There is nothing to persist: what ``add`` or ``delete`` was told is on the disk when it returns, or not
    there at all, and whoever opens the corpus by its name finds it. A node with the id of another one takes
    its place. Similarities are cosines. Earlier generations keep what was deleted until
    ``store.client.purge()``.

    Threads may share a store. One process writes, any number reads.
    """

    stores_text: bool = True
    flat_metadata: bool = False
    embedder: str

    _corpus: Corpus = PrivateAttr()
    _mutex: threading.Lock = PrivateAttr(default_factory=threading.Lock)
    _searched: "_Searched | None" = PrivateAttr(default=None)

    def __init__(self, corpus: Corpus, *, embedder: str = "llama-index") -> None:
        """Takes a corpus whose documents are one passage each; ``open`` finds or makes one by name.

        Args:
            corpus: where nodes are
            embedder: name of what makes the embeddings. The store refuses vectors under another name, or
                of another dimension, than those that it holds.

        Raises:
            CorpusError: the corpus is cut into passages.
        """
        if corpus.passage_chars is not None:
            raise CorpusError(
                f'Corpus "{corpus.name}" is cut into passages and cannot keep nodes; '
                "give the vector store a name of its own."
            )
        super().__init__(embedder=embedder)
        self._corpus = corpus

    @classmethod
    def open(cls, name: str, *, home: Path | None = None, embedder: str = "llama-index") -> Self:
        """Opens the store of that name, or makes an empty one.

        Args:
            name: of its corpus.
            home: the state folder; by default ``hybrid.library.home()``.
            embedder: name of what makes the embeddings.

        Raises:
            CorpusError: the corpus of that name is cut into passages, or is damaged.
        """
        if Corpus.exists(name, home=home):
            return cls(Corpus.open(name, home=home), embedder=embedder)
        return cls(Corpus.create(name, home=home, passage_chars=None), embedder=embedder)

    @classmethod
    def class_name(cls) -> str:
        """Its name in LlamaIndex."""
        return "CorpusVectorStore"

    @property
    def client(self) -> Corpus:
        """The corpus."""
        return self._corpus

    def add(self, nodes: Sequence[BaseNode], **_: Any) -> list[str]:
        """Adds nodes, or puts them in the place of those with their ids; all or none.

        Returns:
            Their ids.

        Raises:
            CorpusError: a node has no embedding or nothing to read, or the embeddings are of another
                dimension or another embedder than those in the store.
        """
        given = {node.node_id: node for node in nodes}
        if not given:
            return []
        vectors = {id: vector_of(node) for id, node in given.items()}
        if len(dimensions := sorted({len(vector) for vector in vectors.values()})) > 1:
            raise CorpusError(f"Embeddings of one embedder have one dimension, not {dimensions}.")
        digest = self._digest(dimensions[0])
        documents = [document_of(node, digest) for node in given.values()]
        with self._mutex:
            self._corpus.update(documents, source="llama-index", vectors=vectors, embedder=digest)
        return [node.node_id for node in nodes]

    def delete(self, ref_doc_id: str, **_: Any) -> None:
        """Deletes the nodes of a source document; a node that has none counts as its own."""
        with self._mutex:
            self._remove(self._corpus.documents(groups=[ref_doc_id]))

    def delete_nodes(
        self, node_ids: list[str] | None = None, filters: MetadataFilters | None = None, **_: Any
    ) -> None:
        """Deletes those of these ids that pass the filters; without either, none."""
        if node_ids is None and filters is None:
            return
        with self._mutex:
            fits = predicate(filters)
            self._remove([document for document in self._corpus.documents(node_ids) if fits(document)])

    def clear(self) -> None:
        """Deletes all nodes; then embeddings of any dimension may be added."""
        with self._mutex:
            self._remove(self._corpus.documents())

    def get_nodes(
        self, node_ids: list[str] | None = None, filters: MetadataFilters | None = None
    ) -> list[BaseNode]:
        """Nodes with their embeddings, in the order in which they were added; by default all.

        Args:
            node_ids: only those of these ids; ids that the store does not hold are left out.
            filters: only those that pass.
        """
        with self._corpus.at(self._corpus.generation) as view:
            fits = predicate(filters)
            found = [document for document in view.documents(node_ids) if fits(document)]
            vectors = _vectors(view, found)
        return [node_of(document, vectors[document.id]) for document in found]

    def query(self, query: VectorStoreQuery, **_: Any) -> VectorStoreQueryResult:
        """The nearest nodes that pass the query's filters, nearest first, with their cosines.

        A filter never makes them fewer than there are: the search widens until enough pass.

        Raises:
            UnknownName: the query wants another mode than the default one.
            BadInput: it has no embedding, or one that holds what is no number.
            CorpusError: its embedding is of another dimension or embedder than those in the store.
        """
        if query.mode != VectorStoreQueryMode.DEFAULT:
            raise UnknownName("query mode", str(query.mode.value), [VectorStoreQueryMode.DEFAULT.value])
        if query.query_embedding is None:
            raise BadInput("query", "it has no embedding; give the index an embedding model")
        numbers = np.asarray(query.query_embedding, dtype=np.float64)
        if not np.isfinite(numbers).all():
            raise BadInput("query", "its embedding holds what is no number; embed it again")
        vector = unit(numbers)
        while True:
            try:
                ranking = self._ranking(query, vector)
            except GenerationGone:  # purged while it was searched
                continue
            found = [node_of(document) for document, _ in ranking]
            scores = [score for _, score in ranking]
            return VectorStoreQueryResult(found, scores, [node.node_id for node in found])

    def _ranking(self, query: VectorStoreQuery, vector: Vector) -> Ranking:
        searched, k = self._current(len(vector)), query.similarity_top_k
        if searched is None or k < 1:
            return []
        fits = predicate(query.filters)
        # The retriever of a VectorStoreIndex whose store keeps the texts always sends an empty list of ids.
        node_ids = query.node_ids or None
        if node_ids is not None or query.doc_ids is not None:
            named = searched.view.documents(node_ids, groups=query.doc_ids)
            return searched.compared([document for document in named if fits(document)], vector, k)
        size = searched.index.size
        asked = min(size, max(4 * k, FILTERED_AT_FIRST) if query.filters else k)
        while True:
            near = searched.near(vector, asked)
            passing = [(document, score) for document, score in near if fits(document)]
            if len(passing) >= k or asked == len(near) == size:
                return passing[:k]
            if asked == size:  # a graph does not reach all
                every = searched.view.documents()
                return searched.compared([document for document in every if fits(document)], vector, k)
            asked = min(4 * asked, size)

    def _digest(self, dimension: int) -> str:
        """Names the vectors: those of another dimension are another embedder's."""
        return f"{self.embedder}-{dimension}"

    def _remove(self, documents: Sequence[Document]) -> None:
        if documents:
            self._corpus.remove([document.id for document in documents])

    def _current(self, dimension: int) -> "_Searched | None":
        """The newest generation and its index; None if it is empty.

        The lock that changes take is held while an index is made, because its file is written like one.
        """
        embedder = _Given(self._corpus, self._digest(dimension), dimension)
        if (before := self._searched) and before.serves(self._corpus, embedder):
            return before
        with self._mutex:
            if (before := self._searched) and before.serves(self._corpus, embedder):
                return before
            view = self._corpus.at(self._corpus.generation)
            if not view.counts["passages"]:
                return None
            if before and before.digest == embedder.digest:
                index = caught_up(before.index, view, embedder)
            else:
                index = open_index(view, embedder)
            self._searched = _Searched(view, embedder.digest, index)
            return self._searched


@dataclass(frozen=True)
class _Searched:
    """One generation, and the index of the vectors of an embedder in it."""

    view: Corpus
    digest: str
    index: VectorIndex

    def serves(self, corpus: Corpus, embedder: "_Given") -> bool:
        """Whether this is the newest generation, searched by that embedder's vectors."""
        return self.digest == embedder.digest and self.index.generation == corpus.generation

    def near(self, vector: Vector, k: int) -> Ranking:
        """The k nearest documents, nearest first, as the index finds them."""
        ids, scores = self.index.search(vector[None], k)
        passages = self.view.fetch([id for id in ids[0].tolist() if id >= 0])
        documents = _by_id(self.view.documents([passage.document for passage in passages.values()]))
        pairs = zip(ids[0].tolist(), scores[0].tolist(), strict=True)
        return [(documents[passages[id].document], score) for id, score in pairs if id >= 0]

    def compared(self, documents: Sequence[Document], vector: Vector, k: int) -> Ranking:
        """The k nearest of these documents, nearest first, each compared."""
        vectors = _vectors(self.view, documents)
        scored = [(document, float(vectors[document.id] @ vector)) for document in documents]
        return sorted(scored, key=lambda pair: -pair[1])[:k]


@dataclass
class _Given:
    """Stands where an embedder is asked for, because all vectors were given; it can make none."""

    corpus: Corpus
    digest: str
    dimension: int

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Tells of texts without a vector."""
        raise self.corpus.other_embedder(self.digest)


def _vectors(view: Corpus, documents: Sequence[Document]) -> dict[str, Vector]:
    """The vectors of nodes in a generation, by node id."""
    if not documents:
        return {}
    passages = {passage.id: passage.document for passage in view.passages(list(_by_id(documents)))}
    ids, vectors = view.vectors(embedder_of(documents[0]), ids=passages)
    return {passages[id]: vector for id, vector in zip(ids.tolist(), vectors, strict=True)}


def _by_id(documents: Sequence[Document]) -> dict[str, Document]:
    return {document.id: document for document in documents}
