"""Which words of a text are names, as far as capitals tell."""

import re

from hybrid.generation.correctness import POLAR

_ARTICLES = frozenset({"an", "the"})
_WORD = re.compile(r"(?P<start>(?:^|[.?!:]\s)\W*)?(?P<word>[^\W\d_][\w'’-]+)", re.MULTILINE)


def names(text: str) -> list[str]:
    """The capitalised words of a text, of two letters or more, that do not begin a sentence.

    >>> names("The warranty of Kestrel lamps. It lasts until May.")
    ['Kestrel', 'May']
    """
    return [found["word"] for found in _WORD.finditer(text) if found["start"] is None and _capital(found)]


def names_of_answer(text: str) -> list[str]:
    """Those of an answer: where every word is capitalised, its first word is a name as well.

    >>> names_of_answer("Idony Farrant"), names_of_answer("Under the cowl"), names_of_answer("Yes")
    (['Idony', 'Farrant'], [], [])
    """
    words = list(_WORD.finditer(text))
    if words and all(map(_capital, words)) and words[0]["word"].casefold() not in POLAR:
        return [found["word"] for found in words]
    return names(text)


def _capital(found: re.Match[str]) -> bool:
    return found["word"][0].isupper() and found["word"].casefold() not in _ARTICLES
