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

#: Other wordings of the same rules, with sources and without, for training rows alone.
REWORDED: dict[Style, tuple[tuple[str, str], ...]] = {
    "short": (
        (
            "Use only the numbered sources. Give a short answer, followed by the number of its source in "
            f"square brackets. If no source holds the answer, write: {ABSTENTION}",
            f"Give a short answer. If you are not sure of it, write: {ABSTENTION}",
        ),
        (
            "You are given numbered sources and a question. Reply briefly and name your source as [number]. "
            f"Where the sources are silent, reply: {ABSTENTION}",
            f"Reply to the question briefly. Where you have no answer, reply: {ABSTENTION}",
        ),
        (
            "Read the sources, then answer in a few words with the marker of the source, such as [2]. "
            f'Say "{ABSTENTION}" when they do not hold what is asked.',
            f'Answer in a few words. Say "{ABSTENTION}" when you cannot answer.',
        ),
    ),
    "long": (
        (
            "Use only the numbered sources. Write at most three sentences, each followed by the number of "
            f"its source in square brackets. If no source holds the answer, write: {ABSTENTION}",
            f"Write at most three sentences. If you are not sure of the answer, write: {ABSTENTION}",
        ),
        (
            "You are given numbered sources and a question. Reply in one to three sentences and name the "
            f"source of each as [number]. Where the sources are silent, reply: {ABSTENTION}",
            f"Reply in one to three sentences. Where you have no answer, reply: {ABSTENTION}",
        ),
    ),
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
    *,
    wording: int = 0,
    numbers: Sequence[int] | None = None,
) -> list[Message]:
    """The messages of one request.

    Args:
        question: what is asked.
        passages: what is shown with it.
        history: earlier turns.
        examples: worked ones, before the question.
        style: of the answer.
        wording: of the rules; 0 is the one of serving, others are for training rows.
        numbers: passage i is offered under ``marker(numbers[i])``; default: 1, 2, … in the order given.
    """
    messages = [Message("system", _rules(style, bool(passages), wording))]
    for example in examples:
        messages += _conversation(example.history, example.question, example.passages)
        messages.append(Message("assistant", example.answer))
    messages += _conversation(history, question, passages, numbers)
    return messages


def _rules(style: Style, sources: bool, wording: int) -> str:
    if wording:
        with_sources, without = REWORDED[style][wording - 1]
        return with_sources if sources else without
    return (WITH_SOURCES if sources else WITHOUT_SOURCES)[style]


def _conversation(
    history: Sequence[Turn],
    question: str,
    passages: Sequence[Passage],
    numbers: Sequence[int] | None = None,
) -> list[Message]:
    messages = []
    for turn in history:
        messages.append(Message("user", user_turn(turn.question, ())))
        messages.append(Message("assistant", turn.answer))
    return [*messages, Message("user", user_turn(question, passages, numbers))]


def sample_chats(style: Style) -> list[Message]:
    """One request with sources and one without, as :func:`chat` makes them: their digest names the prompt."""
    passage = Passage(id=1, document="document", title="title", text="text", start=0, end=4)
    return [*chat("question", [passage], style=style), *chat("question", [], style=style)]


def user_turn(question: str, passages: Sequence[Passage], numbers: Sequence[int] | None = None) -> str:
    """What the user says: numbered sources, if there are any, then the question."""
    numbers = numbers or range(1, len(passages) + 1)
    sources = [f"{marker(i)} {_source(passage)}" for i, passage in zip(numbers, passages, strict=True)]
    return "\n\n".join([*sources, f"Question: {question}"])


def _source(passage: Passage) -> str:
    return f"{passage.title}: {passage.text}" if passage.title else passage.text
