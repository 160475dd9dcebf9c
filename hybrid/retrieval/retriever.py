"""Question in, ranked passages out."""

import threading
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hybrid.corpus.store import Corpus
from hybrid.errors import GenerationGone
from hybrid.records import Hit
from hybrid.retrieval.embed import Embedder
from hybrid.retrieval.index import VectorIndex, caught_up, open_index
from hybrid.retrieval.lexical import WordIndex, fused, word_index

if TYPE_CHECKING:
    from llama_index.core.retrievers import BaseRetriever

CANDIDATES = 50
"""How many passages each of the two rankings brings to their fusion."""

Ranking = list[tuple[int, float]]
Where = Mapping[str, Any]


@dataclass(frozen=True)
class _Searched:
    """One generation, and the indexes of it."""

    corpus: Corpus
    embedder: Embedder
    view: Corpus
    index: VectorIndex
    words: WordIndex | None


class Retriever:
    """The passages nearest to a question by their vectors, and if asked for also by their words.

    Every question is answered from one generation: the newest when it is asked. Another corpus is searched
    from the next question on when ``corpus`` is set to it; ``embedder``, ``k`` and ``lexical`` likewise.

    Args:
        corpus: what is searched.
        embedder: makes the vectors.
        k: how many passages a question gets.
        lexical: whether the vectors' ranking is fused with that of BM25; scores are then those of the fusion.
    """

    def __init__(self, corpus: Corpus, embedder: Embedder, k: int, *, lexical: bool = False) -> None:
        self.corpus = corpus
        self.embedder = embedder
        self.k = k
        self.lexical = lexical
        self._mutex = threading.Lock()
        self._searched: _Searched | None = None

    def retrieve(self, question: str, k: int | None = None, *, where: Where | None = None) -> list[Hit]:
        """The passages nearest to one question, nearest first; see :meth:`retrieve_many`."""
        return self.retrieve_many([question], k, where=where)[0]

    def retrieve_many(
        self, questions: Sequence[str], k: int | None = None, *, where: Where | None = None
    ) -> list[list[Hit]]:
        """The passages nearest to each question, nearest first; fewer than k if there are no more.

        Args:
            questions: what is asked.
            k: how many passages each gets; by default as the retriever was made.
            where: metadata that the documents have to have: key → value, or a list of values.

        Raises:
            CorpusError: the corpus holds no passages.
        """
        if not questions:
            return []
        vectors = self.embedder.encode(questions)
        while True:
            try:
                searched = self._current()
                only = None if where is None else searched.view.matching(where)
                rankings = self._rankings(searched, questions, vectors, k or self.k, only)
                passages = searched.view.fetch({id for ranking in rankings for id, _ in ranking})
            except GenerationGone:  # purged while it was searched
                if self.corpus.is_bound:
                    raise
                continue
            return [[Hit(passages[id], score) for id, score in ranking] for ranking in rankings]

    def as_llama_index(self) -> "BaseRetriever":
        """This retriever as a LlamaIndex ``BaseRetriever``, for query engines and pipelines."""
        from hybrid.retrieval.llama_index import LlamaIndexRetriever

        return LlamaIndexRetriever(self)

    def _rankings(
        self,
        searched: _Searched,
        questions: Sequence[str],
        vectors: NDArray[np.float32],
        k: int,
        only: Collection[int] | None,
    ) -> list[Ranking]:
        wide = max(k, CANDIDATES) if searched.words else k
        ids, scores = searched.index.search(vectors, min(wide, searched.index.size), only)
        near = [
            [(int(id), float(score)) for id, score in zip(row, row_scores, strict=True) if id >= 0]
            for row, row_scores in zip(ids, scores, strict=True)
        ]
        if searched.words is None:
            return near
        return [
            fused([[id for id, _ in ranking], searched.words.search(question, wide, only)], k)
            for question, ranking in zip(questions, near, strict=True)
        ]

    def _current(self) -> _Searched:
        """The newest generation and its indexes; threads wait while one of them makes these."""
        with self._mutex:
            before, corpus = self._searched, self.corpus
            generation = corpus.generation
            # What was set on the retriever meanwhile holds from the next question on.
            if before and not (before.corpus is corpus and before.embedder is self.embedder):
                before = None
            has_words = before is not None and before.words is not None
            if before and before.index.generation == generation and has_words == self.lexical:
                return before
            view = corpus.at(generation)
            if before:
                index, words = caught_up(before.index, view, self.embedder), before.words
            else:
                index, words = open_index(view, self.embedder), None
            words = word_index(view, words) if self.lexical else None
            self._searched = _Searched(corpus, self.embedder, view, index, words)
            return self._searched
