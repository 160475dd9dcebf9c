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


def encode_rows(
    rows: Sequence[TrainingRow], encoder: ChatEncoder, *, end_id: int, max_tokens: int, style: Style = "short"
) -> list[EncodedRow]:
    """Encodes rows; one that is too long loses distractors, never its gold or its answer.

    Rows that are too long even so are left out.
    """
    encoded = [_encode(row, encoder, end_id, max_tokens, style) for row in rows]
    return [row for row in encoded if row is not None]


def _encode(
    row: TrainingRow, encoder: ChatEncoder, end_id: int, max_tokens: int, style: Style
) -> EncodedRow | None:
    shorter: TrainingRow | None = row
    while shorter is not None:
        messages = chat(row.question.text, shorter.passages, row.question.history, style=style)
        encoded = encode_chat(messages, shorter.target, encoder, end_id, max_tokens, row.question.id)
        if encoded is not None:
            return encoded
        shorter = shorter.shortened()
    return None


def encode_chat(
    messages: Sequence[Message],
    target: str,
    encoder: ChatEncoder,
    end_id: int,
    max_tokens: int,
    question: str = "",
) -> EncodedRow | None:
    """Encodes messages and the reply to learn; None if they take more than ``max_tokens`` together.

    Args:
        messages: up to where the reply begins.
        target: the reply; it can hold no control token.
        encoder: of the model that learns.
        end_id: the token that ends a reply; it is learned, too.
        max_tokens: of prompt, reply and end.
        question: the row's name.
    """
    prompt = encoder.prompt(messages)
    completion = [*encoder.text(target), end_id]
    if len(prompt) + len(completion) > max_tokens:
        return None
    labels = [IGNORED] * len(prompt) + completion
    return EncodedRow(question, tuple(prompt + completion), tuple(labels))


def rows_digest(rows: Sequence[EncodedRow]) -> str:
    """SHA-256 of everything that the model will see."""
    return hashlib.sha256(json.dumps([[row.ids, row.labels] for row in rows]).encode()).hexdigest()
