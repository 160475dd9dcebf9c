"""A row to be checked, wherever it comes from."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from hybrid.generation.abstention import abstains
from hybrid.generation.citations import find_markers, strip_markers
from hybrid.generation.reason import without_quote
from hybrid.tuning.encoding import IGNORED, Lesson
from hybrid.tuning.rows import TrainingRow


@dataclass(frozen=True, slots=True)
class LintRow:
    """A row as the rules see it.

    Attributes:
        number: its place among the rows, or the line of its file; counted from 1.
        question: what is asked; where a prompt cannot be taken apart, all that the user says.
        target: the answer to learn.
        before: what stands in the prompt besides question and passages: rules, earlier turns.
        passages: what is shown, in its order; None if the prompt does not tell.
        kind: of the row, as its builder calls it; ``replay`` is general data. Empty if not known.
        label_tokens: how many tokens of the target are learned; None if not known.
        id: of its question; empty if it has none.
        gold: documents that hold the answer, if they are known.
        shown: documents of the passages, if they are known.
        numbers: under which the passages are offered; empty: 1, 2, …
    """

    number: int
    question: str
    target: str
    before: str = ""
    passages: tuple[str, ...] | None = None
    kind: str = ""
    label_tokens: int | None = None
    id: str = ""
    gold: frozenset[str] = frozenset()
    shown: frozenset[str] = frozenset()
    numbers: tuple[int, ...] = ()

    @property
    def name(self) -> str:
        """How findings call it."""
        return f"{self.number} ({self.id})" if self.id else str(self.number)

    @property
    def answer(self) -> str:
        """The target without markers; where no passages are known, ``[1]`` may be anything, and stays."""
        return self.target.strip() if self.passages is None else _answer(self.target)

    @property
    def cited(self) -> frozenset[int]:
        """Numbers that the target cites; what stands in brackets within a quote is none."""
        return frozenset(int(marker.strip("[]")) for marker in find_markers(without_quote(self.target)))

    @property
    def offered(self) -> tuple[int, ...]:
        """The numbers of the passages shown, in their order."""
        return self.numbers or tuple(range(1, len(self.passages or ()) + 1))

    @property
    def refuses(self) -> bool:
        """Whether the answer to learn is that the model does not know."""
        return _refuses(self.target)


@lru_cache(maxsize=50_000)
def _answer(target: str) -> str:
    return strip_markers(target)


@lru_cache(maxsize=50_000)
def _refuses(target: str) -> bool:
    return abstains(target, cited=bool(find_markers(target)))


def rows_of_training(
    lessons: Sequence[Lesson], left_out: Sequence[TrainingRow] = (), suite: str = "", corpus: str = ""
) -> list[LintRow]:
    """The rows of a pipeline, without general data; those that were left out as too long come last.

    Args:
        lessons: that are learned.
        left_out: that are too long.
        suite: stands before ids of questions, to tell them apart from others.
        corpus: likewise before those of documents.
    """
    learned = [
        (lesson.row, lesson.target, sum(label != IGNORED for label in lesson.encoded.labels))
        for lesson in lessons
        if lesson.row
    ]
    lost = [(row, row.target, 0) for row in left_out]
    return [
        LintRow(
            number=number,
            question=row.question.full_text,
            target=target,
            before="\n".join(f"{turn.question}\n{turn.answer}" for turn in row.question.history),
            passages=tuple(f"{passage.title}: {passage.text}" for passage in row.passages),
            kind=row.kind,
            label_tokens=labels,
            id=suite + row.question.id,
            gold=frozenset(corpus + gold.document for gold in row.question.gold or ()),
            shown=frozenset(corpus + passage.document for passage in row.passages),
            numbers=row.numbers,
        )
        for number, (row, target, labels) in enumerate([*learned, *lost], start=1)
    ]
