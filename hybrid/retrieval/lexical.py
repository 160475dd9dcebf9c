"""Words in common: BM25 over the passages of a generation, and its fusion with the nearest vectors."""

import re
import unicodedata
from collections.abc import Collection, Iterable, Sequence

import bm25s
import numpy as np

from hybrid.cjk import CJK
from hybrid.corpus.schema import searchable
from hybrid.records import Passage

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
    """BM25 (Lucene's variant, k1 1.5, b 0.75) over passages and their titles; ids are passage ids."""

    def __init__(self, passages: Sequence[Passage]) -> None:
        self._ids = [passage.id for passage in passages]
        self._index = bm25s.BM25(method="lucene", k1=1.5, b=0.75)
        texts = [terms(searchable(passage.title, passage.text)) for passage in passages]
        # An index of no words at all divides by their mean length.
        self._index.index(texts if any(texts) else [[""] for _ in texts], show_progress=False)

    def search(self, query: str, k: int, only: Collection[int] | None = None) -> list[int]:
        """The ids of the k best passages that share a word with the query, best first; of all or of some."""
        known = [term for term in terms(query) if term in self._index.vocab_dict]
        if not known:
            return []
        scores = self._index.get_scores(known)
        if only is not None:
            scores = np.where(np.isin(self._ids, list(only)), scores, 0)
        order = np.argsort(-scores, kind="stable")[:k]
        return [self._ids[row] for row in order if scores[row] > 0]


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
