"""Rows of one's own, as other trainers read them: JSONL in one of three forms."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, model_validator
from pydantic_core import PydanticCustomError

from hybrid.errors import BadInput
from hybrid.generation.encode import ChatEncoder
from hybrid.generation.prompt import Message
from hybrid.questions import parsed_rows
from hybrid.tuning.lint.row import LintRow

FORMS = "messages; prompt and completion; instruction, input and output"

_SOURCE = re.compile(r"(?:^|\n)\[(\d+)\] ")
_QUESTION = re.compile(r"(?:^|\n)\s*(?:question|q):[ \t]*", re.IGNORECASE)


class _Said(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True)

    role: Literal["system", "user", "assistant"]
    content: str


class FileRow(BaseModel):
    """A line of a file; keys that are of no use here are passed over.

    Either ``messages``, of which the last is the assistant's target; or ``prompt`` and ``completion``, each a
    text or messages; or ``instruction``, perhaps ``input``, and ``output``. ``kind: replay`` is general data.
    """

    model_config = ConfigDict(frozen=True, strict=True)

    messages: tuple[_Said, ...] | None = None
    prompt: str | tuple[_Said, ...] | None = None
    completion: str | tuple[_Said, ...] | None = None
    instruction: str | None = None
    input: str = ""
    output: str | None = None
    kind: str = ""

    @model_validator(mode="after")
    def _one_form(self) -> "FileRow":
        said = self.said
        if not said:
            raise PydanticCustomError("form", f"none of the known forms: {FORMS}")
        if len(said) < 2 or said[-1].role != "assistant" or said[-2].role != "user":
            raise PydanticCustomError("roles", "the last two messages have to be of user and assistant")
        return self

    @property
    def said(self) -> tuple[_Said, ...]:
        """The row as messages; empty if it is of none of the forms."""
        if self.messages is not None:
            return self.messages
        if self.prompt is not None and self.completion is not None:
            return _messages(self.prompt, "user") + _messages(self.completion, "assistant")
        if self.instruction is not None and self.output is not None:
            asked = f"{self.instruction}\n{self.input}".strip()
            return _messages(asked, "user") + _messages(self.output, "assistant")
        return ()


def read_file(path: Path, encoder: ChatEncoder, max_tokens: int) -> list[LintRow]:
    """Reads rows of one's own; a file that ends in ``.gz`` is unpacked.

    Where the last user turn is numbered passages and a question, as this project renders them, the row has
    passages; otherwise what is shown is not known.

    Args:
        path: JSONL in the forms of FileRow.
        encoder: of the model that would learn them.
        max_tokens: a longer row is cut at its end.

    Raises:
        BadInput: the file or a row cannot be read, or it holds no rows.
    """
    rows = [_row(number, row, encoder, max_tokens) for number, row in parsed_rows(path, FileRow)]
    if not rows:
        raise BadInput(str(path), "holds no rows")
    return rows


def split_prompt(text: str) -> tuple[dict[int, str] | None, str, str]:
    r"""Passages by their numbers, what stands before them or the question, and the question of a user's turn.

    >>> split_prompt("[1] Figs are blue.\n\n[2] Plums are red.\n\nQuestion: And figs?")
    ({1: 'Figs are blue.', 2: 'Plums are red.'}, '', 'And figs?')
    >>> split_prompt("Name a fruit.")
    (None, '', 'Name a fruit.')
    """
    asked = list(_QUESTION.finditer(text))
    if not asked:
        return None, "", text.strip()
    before, question = text[: asked[-1].start()], text[asked[-1].end() :].strip()
    preamble, *found = _SOURCE.split(before)
    passages: dict[int, str] = {}
    last = 0
    for number, text in zip(map(int, found[::2]), found[1::2], strict=True):
        # A number that was there before stands within a passage.
        last = last if number in passages else number
        passages[last] = f"{passages[last]}\n[{number}] {text}" if last in passages else text
    stripped = {number: passage.strip() for number, passage in passages.items()}
    return stripped or None, preamble.strip(), question


def _row(number: int, row: FileRow, encoder: ChatEncoder, max_tokens: int) -> LintRow:
    *prompt, target = row.said
    passages, rest, question = split_prompt(prompt[-1].content)
    return LintRow(
        number=number,
        question=question,
        target=target.content,
        before="\n".join([*(message.content for message in prompt[:-1]), rest]).strip(),
        passages=None if passages is None else tuple(passages.values()),
        kind=row.kind,
        label_tokens=_label_tokens(prompt, target, encoder, max_tokens),
        numbers=tuple(passages or ()),
    )


def _label_tokens(prompt: Sequence[_Said], target: _Said, encoder: ChatEncoder, max_tokens: int) -> int:
    """How many tokens of the target, its end among them, stand before the cut."""
    shown = len(encoder.prompt([Message(said.role, said.content) for said in prompt]))
    learned = len(encoder.text(target.content)) + 1
    return max(0, min(learned, max_tokens - shown))


def _messages(said: str | tuple[_Said, ...], role: Literal["user", "assistant"]) -> tuple[_Said, ...]:
    return (_Said(role=role, content=said),) if isinstance(said, str) else said
