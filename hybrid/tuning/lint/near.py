"""Texts that say the same in almost the same words, found among tens of thousands in seconds."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from hybrid.generation.correctness import values
from hybrid.tuning.lint.names import names

LEAST = 0.85
"""Least Jaccard similarity of the pairs of neighbouring words of two texts that are near-equal."""

_LIGHT = frozenset(
    "is are was were be been being am do does did has have had can could may might shall should will would "
    "of in on at for to from by with as and please tell me i you we my your our it its that this there "
    "what which".split()
)
_NEGATIONS = frozenset("not no never without nor neither isnt arent wasnt werent doesnt dont didnt".split())
_CJK_NEGATIONS = frozenset("不没未无非")


@dataclass(frozen=True, slots=True)
class Marks:
    """What of a text is compared.

    Attributes:
        telling: numbers, single letters and negations: near-equal texts have the same.
        names: words with a capital: near-equal texts have the same, however they write them.
        pairs: neighbouring words; such as ``is``, ``the`` and ``please`` do not count.
    """

    telling: frozenset[str]
    names: frozenset[str]
    pairs: frozenset[tuple[str, str]]

    def like(self, other: "Marks") -> bool:
        """Whether two texts are near-equal."""
        if self.telling != other.telling:
            return False
        if len(self.pairs & other.pairs) < LEAST * len(self.pairs | other.pairs):
            return False
        return not (self.names | other.names) & (self._words ^ other._words)

    @property
    def _words(self) -> set[str]:
        return {word for pair in self.pairs for word in pair}


@lru_cache(maxsize=20_000)
def marks(text: str) -> Marks:
    """The marks of a text."""
    words = values(text)
    heavy = [word for word in words if word not in _LIGHT] or list(words)
    return Marks(
        telling=frozenset(filter(_tells, heavy)),
        names=frozenset(word for name in names(text) for word in values(name)),
        pairs=frozenset(zip(["", *heavy], [*heavy, ""], strict=True)),
    )


class NearTexts:
    """Finds the near-equal among texts.

    Two texts that are near-equal share at least one of their rarest pairs of words, so that only texts which
    share one are compared (prefix filtering: Bayardo et al., Scaling Up All Pairs Similarity Search, 2007).

    Args:
        texts: those to find.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        self._marks = [marks(text) for text in texts]
        self._counts = Counter(pair for each in self._marks for pair in each.pairs)
        self._places: dict[tuple[frozenset[str], tuple[str, str]], list[int]] = defaultdict(list)
        for place, each in enumerate(self._marks):
            for pair in self._rarest(each):
                self._places[each.telling, pair].append(place)

    def find(self, text: str) -> int | None:
        """The place of a text that is near-equal to this one; None if there is none."""
        return self._near(marks(text), len(self._marks))

    def leaders(self) -> list[int]:
        """For each text the place of the first of its group; its own if nothing before it is near-equal."""
        leaders: list[int] = []
        for place, each in enumerate(self._marks):
            earlier = self._near(each, place)
            leaders.append(place if earlier is None else leaders[earlier])
        return leaders

    def _near(self, wanted: Marks, end: int) -> int | None:
        seen: set[int] = set()
        for pair in self._rarest(wanted):
            for place in self._places.get((wanted.telling, pair), ()):
                if place >= end:
                    break
                if place not in seen and wanted.like(self._marks[place]):
                    return place
                seen.add(place)
        return None

    def _rarest(self, each: Marks) -> Iterator[tuple[str, str]]:
        length = len(each.pairs) - math.ceil(LEAST * len(each.pairs)) + 1
        yield from sorted(each.pairs, key=lambda pair: (self._counts[pair], pair))[:length]


def _tells(word: str) -> bool:
    return (
        word[-1].isdecimal()
        or (len(word) == 1 and word.isascii() and word.isalpha())
        or word in _NEGATIONS
        or word in _CJK_NEGATIONS
    )
