"""Which passage tells the answer to a question, and which one cannot."""

import re

from hybrid.cjk import CJK
from hybrid.corpus.store import Corpus
from hybrid.records import Gold, Passage, Question


def trainable(corpus: Corpus, question: Question) -> bool:
    """Whether a target can be made: the question is unanswerable, or its reference and gold are known."""
    return not question.answerable or bool(question.answers and gold_passages(corpus, question))


def gold_passages(corpus: Corpus, question: Question) -> list[Passage]:
    """For each gold the passage that tells, in their order, each once.

    Of a span it is the passage that holds most of it. Of a whole document it is the first that holds a
    reference, or its only one; otherwise which part tells is not known, and it gives none.
    """
    best: dict[int, Passage] = {}
    for gold in question.gold or ():
        holding = corpus.holding(gold)
        if gold.start is None and len(holding) > 1:
            holding = [passage for passage in holding if holds_answer(question, passage)][:1]
        if holding:
            passage = max(holding, key=lambda passage: overlap(gold, passage))
            best.setdefault(passage.id, passage)
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
    """Whether a reference stands in a text as words, in any case; ``yes`` and ``no`` do not count."""
    words = _words(reference)
    return words not in {"", "yes", "no"} and f" {words} " in f" {_words(text)} "


def _words(text: str) -> str:
    """The words, or of CJK text the characters, with single spaces between."""
    return " ".join(re.findall(rf"[{CJK}]|[^\W{CJK}]+", text.casefold()))
