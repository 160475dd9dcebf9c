"""Which sentence of the evidence a statement leans on: the target of its link."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hybrid.generation.correctness import values
from hybrid.judging.statements import sentences

Place = tuple[int, int]
"""Positions of a passage in its pool and of a sentence in the passage."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """A piece of a passage; ``sentence`` is its position if something links to it, else None."""

    text: str
    sentence: int | None


class Evidence:
    """The passages of one question, cut into sentences in which statements can be looked up."""

    def __init__(self, passages: Sequence[Mapping[str, Any]]) -> None:
        """Cuts the passages; each has a ``text``."""
        self._texts = [passage["text"] for passage in passages]
        self._spans = [list(sentence_spans(text)) for text in self._texts]
        self._words = {
            (passage, position): set(values(self._texts[passage][start:end]))
            for passage, spans in enumerate(self._spans)
            for position, (start, end) in enumerate(spans)
        }
        self._common = Counter(word for words in self._words.values() for word in words)
        self._targets: set[Place] = set()

    def best(self, text: str, claim: str, among: Iterable[int]) -> Place | None:
        """The sentence of these passages that shares most with a statement; None if none shares a word.

        A word counts the less, the more sentences hold it, and twice if it stands in the statement itself and
        not only in the question that its claim carries.
        """
        own, wanted = set(values(text)), set(values(claim)) | set(values(text))
        chosen = set(among)
        scores = {
            place: sum((1 + (word in own)) / self._common[word] for word in words & wanted)
            for place, words in self._words.items()
            if place[0] in chosen
        }
        place = max(scores, key=lambda each: scores[each], default=None)
        if place is None or not scores[place]:
            return None
        self._targets.add(place)
        return place

    def stretches(self, passage: int) -> Iterator[Stretch]:
        """A passage cut at those of its sentences that something links to."""
        text, done = self._texts[passage], 0
        for position, (start, end) in enumerate(self._spans[passage]):
            if (passage, position) in self._targets:
                if start > done:
                    yield Stretch(text[done:start], None)
                yield Stretch(text[start:end], position)
                done = end
        if done < len(text):
            yield Stretch(text[done:], None)


def sentence_spans(text: str) -> Iterator[tuple[int, int]]:
    """Where each sentence of a text begins and ends."""
    done = 0
    for sentence in sentences(text):
        start = text.index(sentence, done)
        done = start + len(sentence)
        yield start, done
