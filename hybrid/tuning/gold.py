"""Which passage tells the answer to a question, and which one cannot."""

from functools import lru_cache

from hybrid.corpus.store import Corpus
from hybrid.generation.correctness import POLAR, values
from hybrid.records import Gold, Passage, Question


def trainable(corpus: Corpus, question: Question) -> bool:
    """Whether a target can be made: the question is unanswerable, or its reference and gold are known."""
    return not question.answerable or bool(question.answers and gold_passages(corpus, question))


def gold_passages(corpus: Corpus, question: Question) -> list[Passage]:
    """For each gold the passage that tells, in their order, each text once.

    Of a span it is the passage that holds most of it. Of a whole document it is the first that holds a
    reference, or its only one; otherwise which part tells is not known, and it gives none.
    """
    best: dict[str, Passage] = {}
    for gold in question.gold or ():
        holding = corpus.holding(gold)
        if gold.start is None and len(holding) > 1:
            holding = [passage for passage in holding if holds_answer(question, passage)][:1]
        if holding:
            passage = max(holding, key=lambda passage: overlap(gold, passage))
            best.setdefault(passage.text, passage)
    return list(best.values())


def overlap(gold: Gold, passage: Passage) -> int:
    """How many characters of a gold span a passage holds."""
    if gold.document != passage.document or gold.start is None or gold.end is None:
        return 0
    return max(0, min(gold.end, passage.end) - max(gold.start, passage.start))


def overlaps_gold(question: Question, passage: Passage) -> bool:
    """Whether a passage holds any part of the gold, or belongs to a document that is gold as a whole."""
    return any(
        gold.document == passage.document and (gold.start is None or overlap(gold, passage) > 0)
        for gold in question.gold or ()
    )


def holds_answer(question: Question, passage: Passage) -> bool:
    """Whether a reference stands in the passage as words; ``yes`` and ``no`` do not count."""
    return any(holds_words(passage.text, answer) for answer in question.answers or ())


def holds_words(text: str, reference: str) -> bool:
    """Whether a reference stands in a text, by the tokens of ``correct``.

    ``yes`` and ``no`` do not count, nor do signs alone.
    """
    tokens = values(reference)
    telling = not POLAR.issuperset(tokens) and any(sign.isalnum() for sign in reference)
    return telling and f" {' '.join(tokens)} " in _spaced(text)


@lru_cache(maxsize=20_000)
def _spaced(text: str) -> str:
    return f" {' '.join(values(text))} "
