"""Evidence cut into windows of whole sentences that a small model can read."""

from collections.abc import Callable, Iterator, Sequence

from hybrid.judging.statements import sentences

#: Word pieces of one window.
LIMIT = 128

Count = Callable[[Sequence[str]], list[int]]
"""How many word pieces each text has."""


def windows(evidence: str, count: Count, limit: int = LIMIT) -> list[str]:
    """Consecutive sentences, together at most ``limit`` pieces; a longer sentence is halved until it fits.

    Inside a line a window begins with the last sentence of the one before, so that a pronoun keeps what it
    stands for. A line's end closes a window that is at least half full: passages stand on lines of their own,
    and the same passage then gives the same windows wherever it stands.
    """
    lines = [
        [part for sentence in sentences(line) for part in _fitting(sentence, count, limit)]
        for line in evidence.split("\n")
    ]
    sizes = iter(count([sentence for line in lines for sentence in line]))
    cut: list[str] = []
    held: list[tuple[str, int]] = []
    for line in lines:
        for sentence in line:
            size = next(sizes)
            if held and _total(held) + size > limit:
                cut.append(_text(held))
                held = held[-1:] if held[-1][1] + size <= limit and len(held) > 1 else []
            held.append((sentence, size))
        if 2 * _total(held) >= limit:
            cut.append(_text(held))
            held = []
    return [*cut, _text(held)] if held else cut


def _fitting(sentence: str, count: Count, limit: int) -> Iterator[str]:
    """The sentence, halved at a blank until each part fits; a single character always does."""
    # A piece is a character at least, so most sentences need no counting.
    if len(sentence) <= max(limit, 1) or count([sentence])[0] <= limit:
        yield sentence
        return
    middle = len(sentence) // 2
    cut = sentence.find(" ", middle, len(sentence) - 1)
    cut = cut if cut > 0 else middle
    for half in (sentence[:cut], sentence[cut:]):
        if half.strip():
            yield from _fitting(half.strip(), count, limit)


def _total(held: Sequence[tuple[str, int]]) -> int:
    return sum(size for _, size in held)


def _text(held: Sequence[tuple[str, int]]) -> str:
    return " ".join(sentence for sentence, _ in held)
