"""Another name of the same kind: one that answers another question which asks for the same."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from hybrid.records import Question

_LINKS = frozenset("the a an of and de du van von & at in on by".split())
_ASKED = re.compile(
    r"\b(?:(?P<person>whom?|whose)|(?P<place>where)|(?:what|which)\s+"
    r"(?:(?:is|are|was|were)\s+(?:the\s+)?(?:name\s+of\s+(?:the\s+)?)?)?(?P<noun>[a-z]+))\b",
    re.IGNORECASE,
)
_VAGUE = frozenset(
    "is are was were do does did has have had can could may must should will would to the a an i we you it "
    "only one first last main following same other".split()
)


@dataclass(frozen=True, slots=True)
class Kind:
    """What a name answers: two names of one kind can stand for each other.

    Attributes:
        asked: ``person``, ``place``, or the noun after "which"; empty if the question does not say.
        proper: whether its words are capitalised.
    """

    asked: str
    proper: bool


class Names:
    """The answers of a suite by their kind."""

    def __init__(self, questions: Iterable[Question]) -> None:
        self._references: dict[Kind, dict[tuple[str, ...], None]] = {}
        for question in questions:
            if question.answers and question.answerable:
                self._references.setdefault(kind_of(question), {})[question.answers] = None

    def like(self, question: Question) -> list[tuple[str, ...]]:
        """The references of other answers of the same kind; none where the kind is not known."""
        kind = kind_of(question)
        if not kind.asked:
            return []
        return [each for each in self._references.get(kind, {}) if each != question.answers]


def kind_of(question: Question) -> Kind:
    """The kind of a question's first reference."""
    return Kind(_asked_for(question.text), is_proper((question.answers or ("",))[0]))


def is_proper(reference: str) -> bool:
    """Whether a reference is a proper name: every word that weighs is capitalised."""
    words = [word for word in re.findall(r"\w+", reference) if word.lower() not in _LINKS]
    return bool(words) and all(word[0].isupper() for word in words)


def _asked_for(text: str) -> str:
    for found in _ASKED.finditer(text):
        if found["person"]:
            return "person"
        if found["place"]:
            return "place"
        if found["noun"].lower() not in _VAGUE:
            return str(found["noun"]).lower().removesuffix("s")
    return ""
