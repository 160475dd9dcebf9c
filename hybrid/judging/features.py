"""What is seen of a claim and its evidence without a model: words and numbers that stand in both."""

import re
from collections.abc import Sequence

from hybrid.judging.overlap import OverlapJudge, content_words
from hybrid.judging.statements import sentences

NAMES = ("overlap", "best_sentences")
"""The features, in their order."""

_QUESTION_MARKS = re.compile(r"^Q: | A: ")
NUMBER_WEIGHT, MOST_LETTERS = 4.0, 9


def features(claim: str, evidence: str) -> tuple[float, float]:
    """One number from 0 to 1 for each of ``NAMES``.

    ``overlap`` is the score of :class:`OverlapJudge`. ``best_sentences`` is the share of the claim's words
    that stand in two sentences in a row, the best two; long words, which are rare ones, and numbers weigh
    more.
    """
    words = list(content_words(_QUESTION_MARKS.sub(" ", claim)))
    best = max((_share(words, set(content_words(part))) for part in _neighbours(evidence)), default=0.0)
    return OverlapJudge().verdicts([(claim, evidence)])[0].score or 0.0, best


def _neighbours(evidence: str) -> list[str]:
    found = list(sentences(evidence))
    return [" ".join(found[place : place + 2]) for place in range(max(1, len(found) - 1))]


def _share(words: Sequence[str], known: set[str]) -> float:
    total = sum(map(_weight, words))
    return sum(_weight(word) for word in words if word in known) / total if total else 0.0


def _weight(word: str) -> float:
    return NUMBER_WEIGHT if word[-1].isdecimal() else max(0.5, min(len(word), MOST_LETTERS) - 1.0)
