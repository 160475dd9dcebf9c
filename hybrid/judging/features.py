"""What is seen of a claim and its evidence without a model: words, numbers and names that stand in both."""

import math
import re
from collections.abc import Sequence

from hybrid.judging.overlap import OverlapJudge, content_words
from hybrid.judging.statements import sentences

NAMES = ("overlap", "rare_overlap", "pair_overlap", "best_sentence", "numbers", "names", "length")
"""The features, in their order."""

_NAME = re.compile(r"(?<!^)(?<![.!?:] )\b[A-Z]\w+")
_QUESTION_MARKS = re.compile(r"^Q: | A: ")


def features(claim: str, evidence: str) -> tuple[float, ...]:
    """One number for each of ``NAMES``, 0 to 1 but for the length (logarithm of the claim's content words).

    ``rare_overlap`` weighs words by their length, which goes with rarity and needs no counts;
    ``pair_overlap`` asks for two words in a row; numbers and names are 1 where the claim has none.
    """
    plain = _QUESTION_MARKS.sub(" ", claim)
    words, held = list(content_words(plain)), list(content_words(evidence))
    known = set(held)
    together = set(zip(held, held[1:], strict=False))
    pairs = list(zip(words, words[1:], strict=False))
    return (
        OverlapJudge().verdicts([(claim, evidence)])[0].score or 0.0,
        _weighed(words, known),
        _share([pair in together for pair in pairs]),
        max((_weighed(words, set(content_words(part))) for part in _spans(evidence)), default=0.0),
        _share([word in known for word in words if word[-1].isdecimal()], empty=1.0),
        _share([name.lower() in evidence.lower() for name in _NAME.findall(plain)], empty=1.0),
        math.log1p(len(words)),
    )


def _spans(evidence: str) -> list[str]:
    """Two sentences in a row at a time."""
    found = list(sentences(evidence))
    return [" ".join(found[place : place + 2]) for place in range(max(1, len(found) - 1))]


def _weighed(words: Sequence[str], known: set[str]) -> float:
    total = sum(map(_weight, words))
    return sum(_weight(word) for word in words if word in known) / total if total else 0.0


def _weight(word: str) -> float:
    return 4.0 if word[-1].isdecimal() else min(len(word), 9) - 1.0 or 0.5


def _share(found: Sequence[bool], empty: float = 0.0) -> float:
    return sum(found) / len(found) if found else empty
