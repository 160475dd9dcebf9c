"""Long evidence read in windows of whole sentences, so that a judge with a short context misses nothing."""

from collections.abc import Callable, Iterator, Sequence

from hybrid.judging.statements import sentences

Size = Callable[[str], int]


def windows(text: str, room: int, size: Size) -> list[str]:
    """The text itself if it fits, else windows of whole sentences that do.

    A window begins in the middle of the one before it, so that neighbours are also read together. A
    sentence longer than a window is divided at a space.

    Args:
        text: the evidence.
        room: the largest size of a window, at least 1.
        size: of a text, in tokens.
    """
    if size(text) <= room:
        return [text]
    parts = [part for sentence in sentences(text) for part in _fitting(sentence, room, size)]
    # One more for what joins a sentence to the next.
    sizes = [size(part) + 1 for part in parts]
    return ["\n".join(parts[start:end]) for start, end in _spans(sizes, room + 1)]


def _fitting(sentence: str, room: int, size: Size) -> Iterator[str]:
    """The sentence, halved until each part fits; a single character always does."""
    if len(sentence) < 2 or size(sentence) <= room:
        yield sentence
        return
    middle = len(sentence) // 2
    cut = sentence.find(" ", middle, len(sentence) - 1)
    cut = cut if cut > 0 else middle
    for half in (sentence[:cut], sentence[cut:]):
        if half.strip():
            yield from _fitting(half.strip(), room, size)


def _spans(sizes: Sequence[int], room: int) -> Iterator[tuple[int, int]]:
    """Start and end of windows over rows of these sizes; a row that is too large stands alone."""
    start = 0
    while True:
        end, taken = start + 1, sizes[start]
        while end < len(sizes) and taken + sizes[end] <= room:
            taken += sizes[end]
            end += 1
        yield start, end
        if end == len(sizes):
            return
        start = max(start + 1, (start + end) // 2)
