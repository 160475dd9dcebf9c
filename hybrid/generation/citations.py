"""Citation markers: ``[1]``, ``[2]`` … are offered per request, and only offered ones survive."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from hybrid.records import Citation, Passage

# A range is a marker only with small numbers, so that the years in "[1770-1827]" stay text.
_NUMBER = r"(?:[0-9]{1,2}[ \t]*[-–][ \t]*[0-9]{1,2}|[0-9]+)"
_BRACKET = rf"\[[ \t]*{_NUMBER}(?:[ \t]*[,;][ \t]*{_NUMBER})*[ \t]*\]"
_GROUP = re.compile(rf"((?<![ \t])[ \t]*)({_BRACKET}(?:[ \t]*{_BRACKET})*)")
_NUMBERS = re.compile(r"([0-9]+)(?:[ \t]*[-–][ \t]*([0-9]+))?")


@dataclass(frozen=True, slots=True)
class Resolved:
    """Generated text after its markers were held against what was offered.

    Attributes:
        text: the text; offered markers as ``[1][2]``, all others removed.
        citations: offered markers in order of first use, each once.
        phantom_markers: how many markers were removed because they were never offered.
    """

    text: str
    citations: tuple[Citation, ...]
    phantom_markers: int


def marker(index: int) -> str:
    """The marker of the passage at a place among the offered ones, counted from 1."""
    return f"[{index}]"


def find_markers(text: str) -> tuple[str, ...]:
    """The markers of a text in normal form, in order of first use, each once."""
    groups = (group[2] for group in _GROUP.finditer(text))
    return tuple(dict.fromkeys(found for group in groups for found in _expand(group)))


def resolve(raw: str, offered: Sequence[Passage]) -> Resolved:
    """Keeps the markers that were offered in this request, and drops and counts the others.

    Any digits in square brackets are a marker, also when glued to a word (``years[1]``), because models
    write it so; ``[1, 2]``, ``[1-3]`` and ``[ 1 ]`` are understood.

    Args:
        raw: the text as generated.
        offered: the passages of the prompt; the first is ``[1]``.
    """
    known = {marker(index): passage.id for index, passage in enumerate(offered, start=1)}
    text, phantoms = raw, 0
    # Again after every removal: without its inner marker "[[9]1]" reads "[1]".
    while True:
        unknown = [
            found for group in _GROUP.finditer(text) for found in _expand(group[2]) if found not in known
        ]
        text = _GROUP.sub(lambda group: _rewrite(group, known), text)
        phantoms += len(unknown)
        if not unknown:
            break
    citations = tuple(Citation(found, known[found]) for found in find_markers(text))
    return Resolved(text.strip(), citations, phantoms)


def renumbered(raw: str, number: int, offered: int) -> str:
    """A text to which one passage was offered, as if it had been offered as one of several.

    Args:
        raw: the text as generated.
        number: of the passage among the several; its marker becomes that.
        offered: how many there are; any other marker becomes the one beyond them, so that it stays a phantom.
    """
    beyond = marker(offered + 1)
    numbers = {marker(1): marker(number)}
    return _GROUP.sub(
        lambda group: group[1] + "".join(numbers.get(found, beyond) for found in _expand(group[2])), raw
    )


def strip_markers(text: str) -> str:
    """The text without any marker and without the spaces before one."""
    return resolve(text, ()).text


def _rewrite(group: re.Match[str], known: dict[str, int]) -> str:
    kept = dict.fromkeys(found for found in _expand(group[2]) if found in known)
    return group[1] + "".join(kept) if kept else ""


def _expand(group: str) -> Iterator[str]:
    for first, last in _NUMBERS.findall(group):
        if last and int(first) < int(last):
            yield from (marker(index) for index in range(int(first), int(last) + 1))
        else:
            yield from (f"[{number.lstrip('0') or '0'}]" for number in (first, last) if number)
