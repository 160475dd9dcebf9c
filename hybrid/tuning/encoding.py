"""Training rows as token ids: the same renderer and the same encoder as serving, loss on the answer only."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

from hybrid.generation.encode import ChatEncoder
from hybrid.generation.prompt import Message, chat
from hybrid.specs import Style
from hybrid.tuning.rows import TrainingRow

IGNORED = -100


@dataclass(frozen=True, slots=True)
class EncodedRow:
    """A row ready to train on; ``labels`` is −100 wherever no loss is taken."""

    question: str
    ids: tuple[int, ...]
    labels: tuple[int, ...]

    @property
    def prompt_tokens(self) -> int:
        """How many tokens come before the first label."""
        return next((i for i, label in enumerate(self.labels) if label != IGNORED), len(self.labels))


@dataclass(frozen=True, slots=True)
class Lesson:
    """A row as text and as token ids.

    Attributes:
        encoded: what is trained on.
        messages: everything before the answer.
        target: the answer wanted.
        row: with the passages that fitted; None of replay, which shows none.
        ends: whether the end of the answer is learned, too; False where it was cut off.
    """

    encoded: EncodedRow
    messages: tuple[Message, ...]
    target: str
    row: TrainingRow | None = None
    ends: bool = True


def encode_rows(
    rows: Sequence[TrainingRow], encoder: ChatEncoder, *, end_id: int, max_tokens: int, style: Style = "short"
) -> list[EncodedRow]:
    """The token ids of :func:`fit_rows`."""
    fitting = fit_rows(rows, encoder, end_id=end_id, max_tokens=max_tokens, style=style)
    return [lesson.encoded for lesson in fitting]


def fit_rows(
    rows: Sequence[TrainingRow], encoder: ChatEncoder, *, end_id: int, max_tokens: int, style: Style = "short"
) -> list[Lesson]:
    """Encodes rows; one that is too long loses distractors, never its gold or its answer.

    Rows that are too long even so are left out.
    """
    lessons = [_fit(row, encoder, end_id, max_tokens, style) for row in rows]
    return [lesson for lesson in lessons if lesson is not None]


def encode_chat(
    name: str,
    messages: Sequence[Message],
    target: str,
    encoder: ChatEncoder,
    *,
    end_id: int | None,
    max_tokens: int,
) -> EncodedRow | None:
    """One chat with the answer wanted, as a row; None if it is too long.

    Args:
        name: of the question or the prompt, by which messages refer to the row.
        messages: everything before the answer.
        target: the answer; loss is taken on it and on its end alone.
        encoder: of the model.
        end_id: the token that ends an answer; None where the answer was cut off, so that no end is learned.
        max_tokens: of prompt and answer together.
    """
    prompt = encoder.prompt(messages)
    completion = [*encoder.text(target), *([] if end_id is None else [end_id])]
    if len(prompt) + len(completion) > max_tokens:
        return None
    labels = [IGNORED] * len(prompt) + completion
    return EncodedRow(name, tuple(prompt + completion), tuple(labels))


def _fit(row: TrainingRow, encoder: ChatEncoder, end_id: int, max_tokens: int, style: Style) -> Lesson | None:
    shorter: TrainingRow | None = row
    while shorter is not None:
        messages = chat(
            row.question.text,
            shorter.passages,
            row.question.history,
            style=style,
            wording=row.wording,
            numbers=shorter.numbers or None,
        )
        encoded = encode_chat(
            row.question.id, messages, shorter.target, encoder, end_id=end_id, max_tokens=max_tokens
        )
        if encoded is not None:
            return Lesson(encoded, tuple(messages), shorter.target, shorter)
        shorter = shorter.shortened()
    return None


def rows_digest(rows: Sequence[EncodedRow]) -> str:
    """SHA-256 of everything that the model will see."""
    return hashlib.sha256(json.dumps([[row.ids, row.labels] for row in rows]).encode()).hexdigest()
