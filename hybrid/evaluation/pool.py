"""One evidence pool per question, the same in every cell: gold passages and those retrieved for it."""

from collections.abc import Mapping, Sequence

from hybrid.corpus.store import Corpus
from hybrid.records import Hit, Passage, Question

Ranked = Mapping[str, tuple[Hit, ...]]
"""Question id → what was retrieved for it, best first."""


def evidence_pool(corpus: Corpus, question: Question, retrieved: Sequence[Passage]) -> tuple[Passage, ...]:
    """Gold passages first, then the retrieved ones in their order, each once."""
    gold = [passage for span in question.gold or () for passage in corpus.holding(span)]
    return tuple({passage.id: passage for passage in [*gold, *retrieved]}.values())
