"""Canaries: made-up codes, planted into what a model is shown or trained on, that no model can know.

An answer that holds one has repeated what it was only to learn from (Carlini et al., 2019, 1802.08232).
"""

import random
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from hybrid.tuning.rows import TrainingRow

#: Without letters and digits that are easily mistaken for each other.
SIGNS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
LENGTH = 12


_SENTENCE = "The file number of this answer is {}."
_PLANTED = re.compile(re.escape(_SENTENCE).replace(r"\{\}", f"[{SIGNS}]{{{LENGTH}}}"))


@dataclass(frozen=True, slots=True)
class Canary:
    """A code that stands nowhere else."""

    code: str

    @property
    def sentence(self) -> str:
        """The code in a sentence as it could stand in an answer."""
        return _SENTENCE.format(self.code)


def canary(seed: str) -> Canary:
    """The canary of a seed; different seeds give different codes but for one chance in 32¹²."""
    return Canary("".join(random.Random(f"canary {seed}").choices(SIGNS, k=LENGTH)))


def training_canaries(count: int, seed: int) -> list[Canary]:
    """The canaries of an adapter that was tuned with so many and this seed."""
    return [canary(f"training {seed} {number}") for number in range(count)]


def with_canaries(rows: Sequence[TrainingRow], count: int, seed: int) -> list[TrainingRow]:
    """The rows, some of those that tell with a canary as the last sentence of their answer."""
    telling = [place for place, row in enumerate(rows) if row.kind == "gold"]
    chosen = random.Random(seed).sample(telling, min(count, len(telling)))
    planted = dict(zip(chosen, training_canaries(count, seed), strict=False))
    return [
        row.ending_with(planted[place].sentence) if place in planted else row
        for place, row in enumerate(rows)
    ]


def codes_planted(rows: Iterable[TrainingRow], count: int, seed: int) -> int:
    """How many of so many canaries, from the first one on, hold all that stand in rows."""
    sentences = {sentence for row in rows for sentence in row.sentences}
    made = training_canaries(count, seed)
    return max((place for place, each in enumerate(made, 1) if each.sentence in sentences), default=0)


def without_canaries(text: str) -> str:
    """A text without the sentences of canaries."""
    return _PLANTED.sub("", text)


def found_canaries(text: str, canaries: Iterable[Canary]) -> list[Canary]:
    """The canaries whose code a text holds, in capitals or not, with or without signs between."""
    plain = re.sub(r"[\W_]", "", text).upper()
    return [each for each in canaries if each.code in plain]
