"""A request is made to fit the model's context: examples go first, then the weakest passages."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from hybrid.errors import PromptTooLong
from hybrid.generation.prompt import Example, Message, chat
from hybrid.records import Passage, Turn
from hybrid.specs import Style

BYTES_A_TOKEN = 3
TOKENS_A_MESSAGE = 8


@dataclass(frozen=True, slots=True)
class Row:
    """What the model reads as one row of a batch.

    Attributes:
        ids: token ids.
        weight: of its next tokens among the rows of one prompt, where the weights sum to 1.
    """

    ids: tuple[int, ...]
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Prompt:
    """An encoded request.

    Attributes:
        ids: token ids; empty where only a server has the tokenizer, and in an ensemble.
        shown: the passages that fitted, in the order in which they are numbered.
        dropped: how many passages did not fit the context: the last (weakest) ones, or in an ensemble those
            that are too long by themselves.
        messages: that were encoded.
        alone: in an ensemble the request beside each passage shown; else empty.
    """

    ids: tuple[int, ...]
    shown: tuple[Passage, ...]
    dropped: int = 0
    messages: tuple[Message, ...] = field(default=(), compare=False)
    alone: tuple[Row, ...] = ()

    @property
    def rows(self) -> tuple[Row, ...]:
        """What the model reads: one row, or in an ensemble several that share one answer."""
        return self.alone or (Row(self.ids),)

    @property
    def tokens(self) -> int:
        """How many tokens are read; without a tokenizer about as many, rather too many than too few."""
        return sum(len(row.ids) for row in self.rows) or sum(
            len(message.content.encode()) // BYTES_A_TOKEN + TOKENS_A_MESSAGE for message in self.messages
        )

    @property
    def content(self) -> list[Any]:
        """What decides the answer, ready for JSON: token ids, or those of each row with its weight."""
        return [[list(row.ids), row.weight] for row in self.alone] or list(self.ids)


@dataclass(frozen=True, slots=True)
class Rendering:
    """What a prompt is rendered from; see :func:`hybrid.generation.prompt.chat`."""

    question: str
    passages: Sequence[Passage]
    history: Sequence[Turn]
    examples: Sequence[Example]
    style: Style

    def trials(self) -> Iterator[tuple[int, list[Message]]]:
        """Numbers of passages with messages: first fewer examples, then fewer passages, down to none."""
        every = len(self.passages)
        fewer = [(self.examples[start:], every) for start in range(len(self.examples) + 1)]
        fewer += [((), shown) for shown in range(every - 1, -1, -1)]
        for kept, shown in fewer:
            yield shown, chat(self.question, self.passages[:shown], self.history, kept, self.style)


Encode = Callable[[Sequence[Message]], Sequence[int]]


def fitted(rendering: Rendering, encode: Encode, room: int, model: str) -> Prompt:
    """The first prompt of a rendering that fits.

    Args:
        rendering: what is asked.
        encode: messages to token ids; no ids where only the server can tell.
        room: tokens beside the answer.
        model: its name, for the error.

    Raises:
        PromptTooLong: the question does not fit even alone.
    """
    passages = rendering.passages
    for shown, messages in rendering.trials():
        ids = tuple(encode(messages))
        prompt = Prompt(ids, tuple(passages[:shown]), len(passages) - shown, tuple(messages))
        if prompt.tokens <= room:
            return prompt
    raise too_long(rendering.question, prompt.tokens, room, model)


def too_long(question: str, taken: int, room: int, model: str) -> PromptTooLong:
    """The error for a question that does not fit a model's context."""
    return PromptTooLong(
        f"The question takes {taken} tokens without any passage; the context of {model} has room for "
        f"{room} beside the answer. Shorten it: {question[:60]!r} …"
    )
