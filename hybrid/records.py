"""The nouns that every floor shares, as frozen dataclasses."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, Literal

Part = Literal["train", "dev", "test"]
Split = Literal["seen", "unseen"]


@dataclass(frozen=True, slots=True)
class Document:
    """A text as its owner keeps it.

    Attributes:
        id: unique within a corpus generation.
        title: shown beside its passages; may be empty.
        text: Unicode text; every offset in the project counts code points of it.
        metadata: JSON values; ``group`` names the unit of splitting and of the bootstrap.
    """

    id: str
    title: str
    text: str
    metadata: Mapping[str, Any] = field(default_factory=dict)

    @property
    def group(self) -> str:
        """The unit that is never divided between training and evaluation."""
        return str(self.metadata.get("group", self.id))


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of a document that is searched and shown.

    ``text == document.text[start:end]`` always holds. ``id`` grows and is never used again.
    """

    id: int
    document: str
    title: str
    text: str
    start: int
    end: int
    locator: str = ""


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage found for a query, with the retriever's score (higher is nearer)."""

    passage: Passage
    score: float


@dataclass(frozen=True, slots=True)
class Gold:
    """Where the answer stands: a span of a document, or the whole document if both ends are None."""

    document: str
    start: int | None = None
    end: int | None = None


@dataclass(frozen=True, slots=True)
class Turn:
    """An earlier question and the answer it got."""

    question: str
    answer: str


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, and what is known about its answer.

    Attributes:
        id: the key by which rows of different cells are joined.
        text: the question, or the last turn of a conversation.
        answers: acceptable references; None if the set has none, so that metrics which need them
            are ``not_applicable``. Empty for unanswerable questions.
        answerable: False if the corpus does not hold the answer.
        gold: where the answer stands; None if the set does not say. Of an unanswerable question: the
            place that was searched for an answer in vain, see ``bound``.
        kind: ``fact``, ``number``, ``yes_no``, ``list``, ``two_passages``, ``unanswerable`` …
        history: earlier turns, oldest first.
        group: the cluster of the bootstrap.
        split: ``seen`` if its document was open to training, else ``unseen``.
        part: ``train``, ``dev`` or ``test``.
        tags: words of the suite's author, by which figures are also reported: ``near-miss`` …
    """

    id: str
    text: str
    answers: tuple[str, ...] | None = None
    answerable: bool = True
    gold: tuple[Gold, ...] | None = None
    kind: str = ""
    history: tuple[Turn, ...] = ()
    group: str = ""
    split: Split = "unseen"
    part: Part = "dev"
    tags: tuple[str, ...] = ()

    @property
    def full_text(self) -> str:
        """The question before and this one, as retrieval and judges read them: a second turn tells little."""
        return " ".join([*(turn.question for turn in self.history[-1:]), self.text])

    @property
    def bound(self) -> bool:
        """Whether it is known to be unanswerable from its gold passage only, not from the whole corpus.

        Such a question can only be scored where exactly that passage is shown, as in the oracle probe.
        """
        return not self.answerable and bool(self.gold)


@dataclass(frozen=True, slots=True)
class Citation:
    """A marker of an answer, resolved to the passage it was offered for in this very request."""

    marker: str
    passage: int


@dataclass(frozen=True, slots=True)
class Answer:
    """What a pipeline gives back.

    Attributes:
        text: the answer; markers that were never offered are removed.
        citations: offered markers in order of first use, each once.
        passages: the passages that were shown, strongest first.
        abstained: whether the answer says that it does not know.
        raw: the text as generated; of an ensemble with the numbers that its passages have in ``passages``.
        phantom_markers: how many markers were dropped because they were never offered.
        dropped_passages: how many of the weakest passages did not fit the context.
        prompt_tokens: length of the prompt in tokens.
        output_tokens: length of the generated text in tokens.
    """

    text: str
    citations: tuple[Citation, ...]
    passages: tuple[Passage, ...]
    abstained: bool
    raw: str
    phantom_markers: int = 0
    dropped_passages: int = 0
    prompt_tokens: int = 0
    output_tokens: int = 0

    def to_json(self) -> dict[str, Any]:
        """The fields by name, ready for JSON."""
        return asdict(self)


class Verdict(StrEnum):
    """What a judge says of a statement against its evidence."""

    SUPPORTED = "supported"
    CONTRADICTED = "contradicted"
    UNVERIFIABLE = "unverifiable"


class Status(StrEnum):
    """Why a metric of a row has a value, or has none."""

    OK = "ok"
    NOT_APPLICABLE = "not_applicable"
    ABSTAINED = "abstained"
    JUDGE_ERROR = "judge_error"


@dataclass(frozen=True, slots=True)
class Value:
    """One metric of one row: a number, or the status and reason why there is none.

    ``weight`` is the row's denominator in micro-averaged metrics (statements, citations); a mean over
    rows is always Σ value·weight / Σ weight.
    """

    value: float | None
    status: Status = Status.OK
    reason: str = ""
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Statement:
    """One claim of an answer.

    Attributes:
        text: as it stands in the answer, citation markers removed.
        claim: the text that is judged: it carries its question where ``text`` alone is no claim.
        cited: ids of the passages cited for it.
    """

    text: str
    claim: str
    cited: tuple[int, ...] = ()
