"""Pairs made from pairs: near to what is supported, and not supported; or longer, and still supported.

People's negatives contradict the evidence or are far from it. What a judge meets is nearer: the right value
of the wrong thing, a page that speaks of the matter and does not tell, a claim of which half stands there.
"""

import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from hybrid.judging.overlap import content_words
from hybrid.judging.pairs import LabelledPair, Span

Change = Callable[[LabelledPair, random.Random], LabelledPair | None]

_NUMBER = re.compile(r"(?<![\w.,])\d+(?:,\d+)*(?:\.\d+)?(?![\w]|[.,]\d)")
_NAME = re.compile(r"(?<![\w])(?:[A-Z][\w'’.-]*\w)(?:(?: (?:of|the|de|von|van|and))* [A-Z][\w'’-]*\w)*")
_AUXILIARY = re.compile(r"\b(is|are|was|were|has|have|had|can|could|will|would|does|did)\b(?! not\b)(?!n't)")
_OPPOSITES = (
    "first last|before after|more less|most least|largest smallest|highest lowest|older younger|"
    "increased decreased|increase decrease|higher lower|north south|east west|northern southern|"
    "eastern western|always never|all none|above below|best worst|early late|won lost|male female|"
    "husband wife|father mother|brother sister|son daughter|up down|inside outside|public private|"
    "began ended|born died|same different|only also|some all|maximum minimum|require forbid|"
    "allowed forbidden|active inactive|major minor|rise fall|left right|upper lower|open closed"
)
_OPPOSITE = {
    word: other for pair in _OPPOSITES.split("|") for word, other in (pair.split(), reversed(pair.split()))
}
_WORD = re.compile(r"[a-z]+")
_NO_NAMES = frozenset(
    """
    The A An In On At It He She They This That These Those There Its His Her Their Q January February March
    April May June July August September October November December Monday Tuesday Wednesday Thursday Friday
    Saturday Sunday After Before When While As For From During Since Although However Also Both Many Most Some
    All By With
    """.split()
)


def swapped_value(pair: LabelledPair, rng: random.Random) -> LabelledPair | None:
    """The claim with one of its numbers or names replaced by another that the evidence holds, too."""
    found = _replaceable(pair, rng)
    if found is None:
        return None
    (start, end), other = found
    claim = pair.claim[:start] + other + pair.claim[end:]
    return replace(pair, claim=claim, supported=False, wrong=((start, start + len(other)),))


def swapped_evidence(pair: LabelledPair, rng: random.Random) -> LabelledPair | None:
    """The evidence with a value of the claim replaced wherever it stands; the claim stays as it is."""
    found = _replaceable(pair, rng)
    if found is None:
        return None
    (start, end), other = found
    value = re.compile(rf"(?<!\w){re.escape(pair.claim[start:end])}(?!\w)")
    evidence = tuple(value.sub(lambda _: other, part) for part in pair.evidence)
    return replace(pair, evidence=evidence, supported=False, wrong=((start, end),))


def negated(pair: LabelledPair, rng: random.Random) -> LabelledPair | None:
    """The claim with a word turned into its opposite, or with "not" put in."""
    turns = [(word.span(), _OPPOSITE[word[0]]) for word in _WORD.finditer(pair.claim) if word[0] in _OPPOSITE]
    turns += [(word.span(), f"{word[0]} not") for word in _AUXILIARY.finditer(pair.claim)][:1]
    if not turns:
        return None
    (start, end), other = rng.choice(turns)
    claim = pair.claim[:start] + other + pair.claim[end:]
    return replace(pair, claim=claim, supported=False, wrong=((start, start + len(other)),))


def without_support(pair: LabelledPair, rng: random.Random) -> LabelledPair | None:
    """The evidence without the parts that hold most of the claim: the same page, which does not tell."""
    if len(pair.evidence) < 3:
        return None
    words = set(content_words(pair.claim))
    shares = [len(words & set(content_words(part))) for part in pair.evidence]
    most = max(shares)
    kept = tuple(
        part for part, share in zip(pair.evidence, shares, strict=True) if share < max(2, 0.6 * most)
    )
    if not kept or most < 0.4 * len(words):
        return None
    return replace(pair, evidence=kept, supported=False, wrong=())


def reordered(pair: LabelledPair, rng: random.Random) -> LabelledPair | None:
    """The same evidence in another order: supported or not as before."""
    if len(pair.evidence) < 2:
        return None
    return replace(pair, evidence=tuple(rng.sample(pair.evidence, len(pair.evidence))))


def amid(pair: LabelledPair, other: LabelledPair, rng: random.Random) -> LabelledPair:
    """The evidence among another's: the label stays."""
    parts = [pair.evidence, other.evidence]
    rng.shuffle(parts)
    return replace(pair, evidence=(*parts[0], *parts[1]))


def elsewhere(pair: LabelledPair, other: LabelledPair) -> LabelledPair:
    """The claim by another pair's evidence."""
    return replace(pair, evidence=other.evidence, supported=False, wrong=())


def joined(pair: LabelledPair, other: LabelledPair, *, whole: bool, rng: random.Random) -> LabelledPair:
    """Two claims in one sentence, by the evidence of both or of the first alone."""
    first = pair.claim.rstrip(" .")
    link = rng.choice([", and ", " and ", "; "])
    claim = first + link + other.claim
    if whole:
        return replace(amid(pair, other, rng), claim=claim, wrong=())
    return replace(pair, claim=claim, supported=False, wrong=((len(first) + len(link), len(claim)),))


def _replaceable(pair: LabelledPair, rng: random.Random) -> tuple[Span, str] | None:
    """A value of the claim that the evidence holds, and another of its kind."""
    options = [
        (span, others)
        for pattern in (_NUMBER, _NAME)
        for span in _spans(pattern, pair.claim)
        if pair.claim[slice(*span)] in pair.text
        and (others := _others(pattern, pair.claim, pair.claim[slice(*span)], pair.text))
    ]
    if not options:
        return None
    span, others = rng.choice(options)
    return span, rng.choice(others)


def _spans(pattern: re.Pattern[str], text: str) -> Iterator[Span]:
    """Where numbers or names stand; a name without the article before it, and no first word by itself."""
    for found in pattern.finditer(text):
        start, end = found.span()
        first, blank, _ = found[0].partition(" ")
        if first in _NO_NAMES and blank:
            start += len(first) + 1
        if text[start:end] not in _NO_NAMES and not (pattern is _NAME and start == 0 and " " not in found[0]):
            yield start, end


def _others(pattern: re.Pattern[str], claim: str, value: str, text: str) -> list[str]:
    """Values of the same kind in the text that the claim does not hold; for a number also one near to it."""
    shape = re.sub(r"\d", "0", value)
    found = {text[slice(*span)] for span in _spans(pattern, text)}
    same = [
        each
        for each in sorted(found)
        if each not in claim
        and value not in each
        and each not in value
        and (pattern is _NAME or re.sub(r"\d", "0", each) == shape)
    ]
    return same or (_near(value) if pattern is _NUMBER else [])


def _near(number: str) -> list[str]:
    """Numbers of the same form with another last digit, never 0."""
    digits = {str((int(number[-1]) + step) % 9 + 1) for step in (1, 3, 6)}
    return [number[:-1] + digit for digit in sorted(digits - {number[-1]})]


def changed(
    pairs: Sequence[LabelledPair], change: Change, share: float, rng: random.Random
) -> Iterator[LabelledPair]:
    """A share of the supported pairs, changed where that is possible."""
    for pair in pairs:
        if pair.supported and rng.random() < share and (made := change(pair, rng)) is not None:
            yield made
