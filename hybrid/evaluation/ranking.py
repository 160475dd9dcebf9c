"""Did the retriever find the gold? Recall at k and reciprocal rank of one ranking."""

from collections.abc import Sequence

from hybrid.records import Gold, Passage


def holds(passage: Passage, gold: Gold) -> bool:
    """Whether a passage holds at least half of a gold span (any of it, if the whole document is gold)."""
    if passage.document != gold.document:
        return False
    if gold.start is None or gold.end is None:
        return True
    shared = min(passage.end, gold.end) - max(passage.start, gold.start)
    return shared > 0 and 2 * shared >= gold.end - gold.start


def recall(ranked: Sequence[Passage], gold: Sequence[Gold]) -> float:
    """Share of the gold spans that some passage holds; ``gold`` is not empty."""
    return sum(any(holds(passage, each) for passage in ranked) for each in gold) / len(gold)


def reciprocal_rank(ranked: Sequence[Passage], gold: Sequence[Gold]) -> float:
    """1 ÷ the rank of the first passage that holds a gold span, 0 if none does."""
    ranks = (rank for rank, passage in enumerate(ranked, 1) if any(holds(passage, each) for each in gold))
    first = next(ranks, None)
    return 1 / first if first else 0.0
