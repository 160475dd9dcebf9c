"""Words in common: BM25 over the passages of a generation, and its fusion with the nearest vectors."""

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from copy import copy

import bm25s
import numpy as np
from numpy.typing import NDArray

from hybrid.cjk import CJK
from hybrid.corpus.schema import searchable
from hybrid.corpus.store import Corpus
from hybrid.errors import GenerationGone
from hybrid.records import Passage
from hybrid.retrieval.index import COMPACT_AT

K1, B = 1.5, 0.75
"""Of BM25: how soon a repeated word counts no more, and how much a passage's length does."""

FUSION = 60
"""The constant of reciprocal rank fusion (Cormack, Clarke and Buettcher, SIGIR 2009)."""

_TERM = re.compile(f"[{CJK}]+|[^\\W{CJK}]+")


def terms(text: str) -> list[str]:
    """The words of a text in lower case; of CJK text, which has no spaces, characters and pairs of them.

    >>> terms("Kestrel K3-S")
    ['kestrel', 'k3', 's']
    >>> terms("保修期")
    ['保', '修', '期', '保修', '修期']
    """
    found: list[str] = []
    for term in _TERM.findall(unicodedata.normalize("NFKC", text).casefold()):
        if re.match(f"[{CJK}]", term):
            found += [*term, *(term[i : i + 2] for i in range(len(term) - 1))]
        else:
            found.append(term)
    return found


class WordIndex:
    """BM25 (Lucene's variant) over the passages of one generation and their titles; ids are passage ids.

    It never changes, so that threads may search it while another one makes that of a newer generation.

    Args:
        passages: all of the generation.
        generation: its number.
    """

    def __init__(self, passages: Sequence[Passage], generation: int = 0) -> None:
        self.generation = generation
        self._ids = np.array([passage.id for passage in passages], np.int64)
        texts = [_terms_of(passage) for passage in passages]
        self._mean_length = max(1, sum(map(len, texts))) / len(texts)
        self._base = bm25s.BM25(method="lucene", k1=K1, b=B)
        # An index of no words at all divides by their mean length.
        self._base.index(texts if any(texts) else [[""] for _ in texts], show_progress=False)
        self._later: dict[int, Counter[str]] = {}
        self._gone: frozenset[int] = frozenset()

    @property
    def drift(self) -> float:
        """What came and went since the base was built, as a share of the base."""
        return (len(self._gone) + len(self._later)) / len(self._ids)

    def moved(self, generation: int, came: Iterable[Passage], went: Iterable[int]) -> "WordIndex":
        """The index of a later generation, in which words weigh what they did in this one.

        Args:
            generation: its number.
            came: passages that this generation has not.
            went: ids of those that the later one has not.
        """
        back = {passage.id: passage for passage in came}
        held = {*self._ids[np.isin(self._ids, list(back))].tolist(), *self._later}
        new = {id: Counter(_terms_of(passage)) for id, passage in back.items() if id not in held}
        other = copy(self)
        other.generation = generation
        other._later = self._later | new
        other._gone = (self._gone | frozenset(went)) - back.keys()
        return other

    def search(self, query: str, k: int, only: Collection[int] | None = None) -> list[int]:
        """The ids of the k best passages that share a word with the query, best first; of all or of some."""
        asked = terms(query)
        known = [term for term in asked if term in self._base.vocab_dict]
        scores = self._base.get_scores(known) if known else np.zeros(len(self._ids), np.float32)
        ids = np.concatenate([self._ids, np.fromiter(self._later, np.int64, len(self._later))])
        scores = np.concatenate([scores, self._scores_of_later(asked)])
        if self._gone:
            scores = np.where(np.isin(ids, list(self._gone)), 0, scores)
        if only is not None:
            scores = np.where(np.isin(ids, list(only)), scores, 0)
        order = np.argsort(-scores, kind="stable")[:k]
        return [int(ids[row]) for row in order if scores[row] > 0]

    def _scores_of_later(self, asked: Sequence[str]) -> NDArray[np.float32]:
        """What the base would say of these passages, by its own mean length and its own weights of words."""
        weights = {term: self._weight(term) for term in asked if self._later}
        return np.array(
            [
                sum(weights[term] * self._share(counts, term) for term in asked)
                for counts in self._later.values()
            ],
            np.float32,
        )

    def _weight(self, term: str) -> float:
        """The inverse document frequency."""
        column = self._base.vocab_dict.get(term)
        bounds = self._base.scores["indptr"]
        holding = 0 if column is None else int(bounds[column + 1] - bounds[column])
        return math.log(1 + (len(self._ids) - holding + 0.5) / (holding + 0.5))

    def _share(self, counts: Mapping[str, int], term: str) -> float:
        times = counts.get(term, 0)
        length = sum(counts.values()) if times else 0
        return times / (times + K1 * (1 - B + B * length / self._mean_length))


def word_index(corpus: Corpus, before: WordIndex | None = None) -> WordIndex:
    """The index of a corpus that is bound to a generation; ``before`` is that of an earlier one of it.

    Only what came and went is read, until it is more than a tenth.
    """
    if before is not None:
        with suppress(GenerationGone):
            came, went = corpus.moved(before.generation)
            moved = before.moved(corpus.generation, corpus.fetch(came).values(), went)
            if moved.drift <= COMPACT_AT:
                return moved
    return WordIndex(corpus.passages(), corpus.generation)


def _terms_of(passage: Passage) -> list[str]:
    return terms(searchable(passage.title, passage.text))


def fused(rankings: Iterable[Sequence[int]], k: int) -> list[tuple[int, float]]:
    """The k best ids of several rankings with their fused scores, Σ 1 / (60 + rank).

    >>> fused([[7, 8], [8, 9]], 2)[0][0]
    8
    """
    scores: dict[int, float] = {}
    for ranking in rankings:
        for rank, id in enumerate(ranking, start=1):
            scores[id] = scores.get(id, 0.0) + 1 / (FUSION + rank)
    return sorted(scores.items(), key=lambda item: -item[1])[:k]
