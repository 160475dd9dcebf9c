"""General tasks and general text, to which the model is held before and after tuning."""

from pathlib import Path
from typing import Literal

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from hybrid import library
from hybrid.evaluation.forgetting.checks import Check
from hybrid.questions import Filled, Row, read_rows

FOLDER = "general"


class Task(Row):
    """Something that any chat model should do, and how to see whether it did.

    Attributes:
        kind: an instruction is followed or not; a question should at least be tried.
        prompt: what the user says.
        passage: stands before it, and tells the answer.
        check: of the reply.
        example: a reply that passes.
    """

    kind: Literal["instruction", "question"]
    prompt: Filled
    passage: str = ""
    check: Check
    example: Filled

    @model_validator(mode="after")
    def _questions_have_answers(self) -> "Task":
        if (self.kind == "question") != bool(self.check.answers):
            raise PydanticCustomError("answers", "check.answers belongs to every question, and to no other")
        return self

    @property
    def text(self) -> str:
        """What the model reads."""
        return f"{self.passage}\n\n{self.prompt}" if self.passage else self.prompt


class Paragraph(Row):
    """A paragraph of general English.

    Attributes:
        genre: letter, recipe, news …
        text: the paragraph.
    """

    genre: Filled
    text: Filled

    @property
    def size(self) -> int:
        """Bytes in UTF-8."""
        return len(self.text.encode())


def read_tasks(path: Path | None = None) -> list[Task]:
    """The tasks that ship, or those of a file."""
    return list(read_rows(path or _shipped("prompts.jsonl"), Task).values())


def read_paragraphs(path: Path | None = None) -> list[Paragraph]:
    """The paragraphs that ship, or those of a file."""
    return list(read_rows(path or _shipped("text.jsonl"), Paragraph).values())


def _shipped(name: str) -> Path:
    return library.builtin_folder("eval") / FOLDER / name
