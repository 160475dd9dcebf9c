"""The one renderer of every prompt: serving, all cells of an evaluation, and training rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from hybrid.generation.abstention import ABSTENTION
from hybrid.generation.citations import marker
from hybrid.records import Passage, Turn
from hybrid.specs import Style

WITH_SOURCES: dict[Style, str] = {
    "short": (
        "Answer the question from the sources, in as few words as it needs. "
        "After the answer, cite the number of the source that tells it, like [1]. "
        f"If the sources do not tell, say: {ABSTENTION}"
    ),
    "long": (
        "Answer the question from the sources, in one to three sentences. "
        "After each sentence, cite the number of the source that tells it, like [1]. "
        f"If the sources do not tell, say: {ABSTENTION}"
    ),
}
WITHOUT_SOURCES: dict[Style, str] = {
    "short": f"Answer the question in as few words as it needs. If you do not know, say: {ABSTENTION}",
    "long": f"Answer the question in one to three sentences. If you do not know, say: {ABSTENTION}",
}


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a chat."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class Example:
    """A question with its passages and the answer wanted, shown before the question that is asked."""

    question: str
    passages: tuple[Passage, ...]
    answer: str
    history: tuple[Turn, ...] = ()


def chat(
    question: str,
    passages: Sequence[Passage],
    history: Sequence[Turn] = (),
    examples: Sequence[Example] = (),
    style: Style = "short",
) -> list[Message]:
    """The messages of one request.

    Passage i is offered under ``marker(i)``, counted from 1 in the order given.
    """
    rules = WITH_SOURCES if passages else WITHOUT_SOURCES
    messages = [Message("system", rules[style])]
    for example in examples:
        messages += _conversation(example.history, example.question, example.passages)
        messages.append(Message("assistant", example.answer))
    messages += _conversation(history, question, passages)
    return messages


def _conversation(history: Sequence[Turn], question: str, passages: Sequence[Passage]) -> list[Message]:
    messages = []
    for turn in history:
        messages.append(Message("user", user_turn(turn.question, ())))
        messages.append(Message("assistant", turn.answer))
    return [*messages, Message("user", user_turn(question, passages))]


def sample_chats(style: Style) -> list[Message]:
    """One request with sources and one without, as :func:`chat` makes them: their digest names the prompt."""
    passage = Passage(id=1, document="document", title="title", text="text", start=0, end=4)
    return [*chat("question", [passage], style=style), *chat("question", [], style=style)]


def user_turn(question: str, passages: Sequence[Passage]) -> str:
    """What the user says: numbered sources, if there are any, then the question."""
    sources = [f"{marker(i)} {_source(passage)}" for i, passage in enumerate(passages, start=1)]
    return "\n\n".join([*sources, f"Question: {question}"])


def _source(passage: Passage) -> str:
    return f"{passage.title}: {passage.text}" if passage.title else passage.text
