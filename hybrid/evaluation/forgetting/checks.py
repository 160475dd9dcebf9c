"""Mechanical checks of a reply: what can be seen without a judge."""

import json
import re
from collections.abc import Callable, Sequence
from typing import Any, Literal

from pydantic import BaseModel, model_validator
from pydantic_core import PydanticCustomError

from hybrid.generation.correctness import correct
from hybrid.questions import Row
from hybrid.records import Question

ITEM_WORDS = 3
QUOTES = "\"'“”‘’`"


class Check(BaseModel):
    """What a reply has to be; all that is named has to hold.

    Attributes:
        equals: the whole reply, but for quotes around it and a full stop at its end.
        exact_words: how many words it has.
        most_words: how many words it has at most.
        lines: how many lines it has that are not blank.
        items: how many items of at most three words a comma or "and" divides it into, on one line.
        case: the case of all its letters.
        starts_with: its beginning, as written.
        ends_with: its end, as written.
        contains_all: what stands in it, in any case.
        contains_none: what does not stand in it, in any case.
        regex: a pattern that fits the whole reply.
        json_keys: it is a JSON object, fenced or not, with exactly these keys.
        answers: one of these references makes it correct, as in every evaluation.
    """

    model_config = Row.model_config

    equals: str | None = None
    exact_words: int | None = None
    most_words: int | None = None
    lines: int | None = None
    items: int | None = None
    case: Literal["upper", "lower"] | None = None
    starts_with: str | None = None
    ends_with: str | None = None
    contains_all: tuple[str, ...] | None = None
    contains_none: tuple[str, ...] | None = None
    regex: str | None = None
    json_keys: tuple[str, ...] | None = None
    answers: tuple[str, ...] | None = None

    @model_validator(mode="after")
    def _says_something(self) -> "Check":
        if not self.wanted:
            raise PydanticCustomError("check", "names nothing to check")
        return self

    @property
    def wanted(self) -> dict[str, Any]:
        """Name of a check → what it asks for."""
        return self.model_dump(exclude_none=True)


def passes(reply: str, check: Check) -> bool:
    """Whether a reply is what was asked for; an empty one never is."""
    text = reply.strip()
    return bool(text) and all(_CHECKS[name](text, wanted) for name, wanted in check.wanted.items())


def unfenced(text: str) -> str:
    """What stands between the fences, if the whole text is one block of code in Markdown."""
    fenced = re.fullmatch(r"```\w*\s*(.*?)\s*```", text.strip(), flags=re.DOTALL)
    return fenced[1] if fenced else text


def _words(text: str) -> list[str]:
    return [word for word in text.split() if any(character.isalnum() for character in word)]


def _lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.strip()]


def _equals(text: str, wanted: str) -> bool:
    return _bare(text) == _bare(wanted)


def _bare(text: str) -> str:
    return text.strip().strip(QUOTES).removesuffix(".").strip().strip(QUOTES)


def _items(text: str, wanted: int) -> bool:
    parts = re.split(r",\s*(?:and\s+)?|\s+and\s+", text.rstrip("."))
    short = all(1 <= len(_words(part)) <= ITEM_WORDS for part in parts)
    return short and len(parts) == wanted and len(_lines(text)) == 1


def _contains_all(text: str, wanted: Sequence[str]) -> bool:
    return all(piece.casefold() in text.casefold() for piece in wanted)


def _contains_none(text: str, banned: Sequence[str]) -> bool:
    return not any(piece.casefold() in text.casefold() for piece in banned)


def _json_keys(text: str, wanted: Sequence[str]) -> bool:
    try:
        value = json.loads(unfenced(text))
    except json.JSONDecodeError:
        return False
    return isinstance(value, dict) and set(value) == set(wanted)


_CHECKS: dict[str, Callable[[str, Any], bool]] = {
    "equals": _equals,
    "exact_words": lambda text, wanted: len(_words(text)) == wanted,
    "most_words": lambda text, wanted: len(_words(text)) <= wanted,
    "lines": lambda text, wanted: len(_lines(text)) == wanted,
    "items": _items,
    "case": lambda text, wanted: text.isupper() if wanted == "upper" else text.islower(),
    "starts_with": str.startswith,
    "ends_with": str.endswith,
    "contains_all": _contains_all,
    "contains_none": _contains_none,
    "regex": lambda text, wanted: re.fullmatch(wanted, text, flags=re.DOTALL) is not None,
    "json_keys": _json_keys,
    "answers": lambda text, wanted: correct(text, Question("", "", wanted)),
}
