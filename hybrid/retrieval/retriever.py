"""Question in, ranked passages out."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hybrid.corpus.store import Corpus
from hybrid.errors import CorpusError
from hybrid.records import Hit
from hybrid.retrieval.embed import Embedder
from hybrid.retrieval.index import VectorIndex, open_index
from hybrid.retrieval.lexical import WordIndex, fused

if TYPE_CHECKING:
    from llama_index.core.retrievers import BaseRetriever

CANDIDATES = 50
"""How many passages each of the two rankings brings to their fusion."""

Ranking = list[tuple[int, float]]


class Retriever:
    """The passages nearest to a question by their vectors, and if asked for also by their words.

    The indexes are opened at the first question and again whenever the corpus has a newer generation.

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
        self._index: VectorIndex | None = None
        self._words: WordIndex | None = None
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
        rankings = self._rankings(index, questions, k or self.k)
        # The index may be older than the store; only passages that are alive come back.
        alive = self.corpus.fetch({id for ranking in rankings for id, _ in ranking})
        return [[Hit(alive[id], score) for id, score in ranking if id in alive] for ranking in rankings]

    def as_llama_index(self) -> "BaseRetriever":
        """This retriever as a LlamaIndex ``BaseRetriever``, for query engines and pipelines."""
        from hybrid.retrieval.llama_index import LlamaIndexRetriever

        return LlamaIndexRetriever(self)

    def _rankings(self, index: VectorIndex, questions: Sequence[str], k: int) -> list[Ranking]:
        wide = max(k, CANDIDATES) if self._words else k
        ids, scores = index.search(self.embedder.encode(questions), min(wide, index.size))
        near = [
            [(int(id), float(score)) for id, score in zip(row, row_scores, strict=True) if id >= 0]
            for row, row_scores in zip(ids, scores, strict=True)
        ]
        if self._words is None:
            return near
        return [
            fused([[id for id, _ in ranking], self._words.search(question, wide)], k)
            for question, ranking in zip(questions, near, strict=True)
        ]

    def _current_index(self) -> VectorIndex:
        generation = self.corpus.generation
        if self._index is None or self._generation != generation:
            self._index, self._generation = open_index(self.corpus, self.embedder), generation
            passages = self.corpus.passages() if self.lexical else []
            self._words = WordIndex(passages) if passages else None
        if self._index.size == 0:
            raise CorpusError(
                f'Corpus "{self.corpus.name}" is empty. '
                f"Add documents: hybrid corpus add {self.corpus.name} PATH"
            )
        return self._index
