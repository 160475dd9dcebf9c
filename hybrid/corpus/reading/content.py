"""What a reader gives: the content of a file, or the reason why there is none."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal[
    "bad row",
    "duplicate",
    "empty",
    "encrypted",
    "no text",
    "outside",
    "repeated id",
    "too large",
    "too slow",
    "unknown ending",
    "unreadable",
]

_WORTHLESS = re.compile(
    r"(un(titled|named|benannt)|(powerpoint )?(presentation|präsentation)|(word )?document|dokument) ?\d*"
    r"|microsoft (word|powerpoint|excel) - .*|.*\.(docx?|dvi|html?|indd|pdf|pptx?|rtf|tex|txt|xlsx?)|\W*",
    re.IGNORECASE,
)
"""Titles that programs make up."""

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Content:
    """What a file holds.

    Attributes:
        text: with a form feed between pages, where it has pages.
        title: that the file itself tells; may be empty.
        metadata: JSON values.
    """

    text: str
    title: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)


class Refused(Exception):
    """A file, or a row of it, that becomes no document."""

    def __init__(self, kind: Kind, reason: str, row: int | None = None) -> None:
        super().__init__(reason)
        self.kind: Kind = kind
        self.reason = reason
        self.row = row


def own_title(title: str | None) -> str:
    """A title on one line; an empty one if a program made it up, or it is too long for a title."""
    line = " ".join((title or "").split())
    return "" if len(line) > 300 or _WORTHLESS.fullmatch(line) else line


def clean(text: str) -> str:
    """Text that any store takes: surrogates paired or replaced, line ends alike, no control characters."""
    paired = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return _CONTROL.sub(" ", paired.replace("\r\n", "\n").replace("\r", "\n"))
