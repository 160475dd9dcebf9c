"""Question in, ranked passages out."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hybrid.corpus.store import Corpus
from hybrid.errors import CorpusError
from hybrid.records import Hit
from hybrid.retrieval.embed import Embedder
from hybrid.retrieval.index import VectorIndex, open_index

if TYPE_CHECKING:
    from llama_index.core.retrievers import BaseRetriever


class Retriever:
    """Dense retrieval over one corpus.

    The index is opened at the first question and again whenever the corpus has a newer generation.
    """

    def __init__(self, corpus: Corpus, embedder: Embedder, k: int) -> None:
        self.corpus = corpus
        self.embedder = embedder
        self.k = k
        self._index: VectorIndex | None = None
        self._generation = -1

    def retrieve(self, question: str, k: int | None = None) -> list[Hit]:
        """The passages nearest to one question, nearest first."""
        return self.retrieve_many([question], k)[0]

    def retrieve_many(self, questions: Sequence[str], k: int | None = None) -> list[list[Hit]]:
        """The passages nearest to each question, nearest first; fewer than k if the corpus is small.

        Raises:
            CorpusError: the corpus holds no passages.
        """
        index = self._current_index()
        if not questions:
            return []
        ids, scores = index.search(self.embedder.encode(questions), min(k or self.k, index.size))
        # The index may be older than the store; only passages that are alive come back.
        alive = self.corpus.fetch({int(i) for row in ids for i in row if i >= 0})
        return [
            [
                Hit(alive[int(i)], float(score))
                for i, score in zip(row, row_scores, strict=True)
                if int(i) in alive
            ]
            for row, row_scores in zip(ids, scores, strict=True)
        ]

    def as_llama_index(self) -> "BaseRetriever":
        """This retriever as a LlamaIndex ``BaseRetriever``, for query engines and pipelines."""
        from hybrid.retrieval.llama_index import LlamaIndexRetriever

        return LlamaIndexRetriever(self)

    def _current_index(self) -> VectorIndex:
        generation = self.corpus.generation
        if self._index is None or self._generation != generation:
            self._index, self._generation = open_index(self.corpus, self.embedder), generation
        if self._index.size == 0:
            raise CorpusError(
                f'Corpus "{self.corpus.name}" is empty. '
                f"Add documents: hybrid corpus add {self.corpus.name} PATH"
            )
        return self._index
