"""The mixture that a judge learns from: pairs of people, and pairs made from them."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace

from hybrid.judging.negatives import (
    Change,
    amid,
    elsewhere,
    joined,
    negated,
    reordered,
    swapped_evidence,
    swapped_value,
    without_support,
)
from hybrid.judging.overlap import content_words
from hybrid.judging.pairs import LabelledPair

CHANGES: dict[Change, float] = {
    swapped_value: 0.2,
    swapped_evidence: 0.2,
    negated: 0.08,
    without_support: 0.4,
    reordered: 0.05,
}
"""What is made of a supported pair, and of which share of them."""

NEAR, AMID, JOINED = 0.12, 0.15, 0.15
"""Shares of supported pairs judged by evidence near to theirs, amid it, and joined with another claim."""

DRAWN = 200
"""Pairs among which the nearest is looked for."""

MOST_WORDS = 150
"""Longer evidence is cut around what the claim speaks of, or a few pages would take most of the training."""


def mixture(pairs: Sequence[LabelledPair], seed: int) -> list[LabelledPair]:
    """The pairs with those made from them, shuffled.

    Claims and evidence are combined within a group of the same set, or among pairs given together, so that
    the made ones belong to the same part of the data as what they were made from.
    """
    rng = random.Random(seed)
    short = [shortened(pair) for pair in pairs]
    supported = [pair for pair in short if pair.supported]
    found = [*short, *_changed(supported, rng), *_combined(supported, rng)]
    rng.shuffle(found)
    return found


def shortened(pair: LabelledPair) -> LabelledPair:
    """A pair whose evidence is cut to the stretch that shares most words with the claim."""
    sizes = [len(part.split()) for part in pair.evidence]
    if sum(sizes) <= MOST_WORDS:
        return pair
    words = set(content_words(pair.claim))
    shares = [len(words & set(content_words(part))) for part in pair.evidence]
    first = last = max(range(len(sizes)), key=lambda place: shares[place])
    while True:
        options = [place for place in (first - 1, last + 1) if 0 <= place < len(sizes)]
        near = max(options, key=lambda place: shares[place], default=None)
        if near is None or sum(sizes[min(first, near) : max(last, near) + 1]) > MOST_WORDS:
            return replace(pair, evidence=pair.evidence[first : last + 1])
        first, last = min(first, near), max(last, near)


def _changed(supported: Sequence[LabelledPair], rng: random.Random) -> Iterator[LabelledPair]:
    for change, share in CHANGES.items():
        for pair in supported:
            if rng.random() < share and (made := change(pair, rng)) is not None:
                yield made


def _combined(supported: Sequence[LabelledPair], rng: random.Random) -> Iterator[LabelledPair]:
    held = [frozenset(content_words(pair.text)) for pair in supported]
    for pair in supported:
        if rng.random() < NEAR:
            yield elsewhere(pair, _near(pair, supported, held, rng))
        if rng.random() < AMID:
            yield shortened(amid(pair, _near(pair, supported, held, rng), rng))
        if rng.random() < JOINED and not pair.claim.startswith("Q: "):
            other = _near(pair, supported, held, rng)
            if not other.claim.startswith("Q: "):
                yield joined(pair, other, whole=rng.random() < 0.5, rng=rng)


def _near(
    pair: LabelledPair, others: Sequence[LabelledPair], held: Sequence[frozenset[str]], rng: random.Random
) -> LabelledPair:
    """Of some pairs of other groups, drawn at random, the one whose evidence speaks most of the claim."""
    words = set(content_words(pair.claim))
    drawn = rng.sample(range(len(others)), min(DRAWN, len(others)))
    rows = [row for row in drawn if others[row].group != pair.group]
    return others[max(rows, key=lambda row: len(words & held[row]))] if rows else pair
