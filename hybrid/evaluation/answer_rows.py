"""Answers that were made elsewhere: one JSON object a line, under the field names of ragas."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, model_validator
from pydantic_core import PydanticCustomError

from hybrid.errors import BadInput
from hybrid.evaluation.columns import COLUMNS, Column
from hybrid.evaluation.scoring import AnswerRecord
from hybrid.generation.citations import resolve
from hybrid.questions import Filled, Row, Text, TurnRow, parsed_rows
from hybrid.records import Answer, Gold, Passage, Question, Split, Turn

SYSTEM = "system"
"""How a system is called whose rows do not name it."""


def _a_column(name: str) -> str:
    if name not in COLUMNS:
        known = ", ".join(COLUMNS)
        raise PydanticCustomError("cell", f'"{name}" is none of {known}; another system is named by `system`')
    return name


def _no_column(name: str) -> str:
    if name in COLUMNS:
        raise PydanticCustomError("system", f'"{name}" is a column of this project: name it by `cell`')
    return name


class AnswerRow(BaseModel):
    """One answer to one question, by one column or system. What is left out is taken as not known."""

    model_config = Row.model_config

    user_input: Filled
    response: Text
    retrieved_contexts: tuple[Filled, ...] | None = None
    reference: Filled | None = None
    references: tuple[Filled, ...] | None = None
    reference_contexts: tuple[Filled, ...] | None = None
    question_id: Filled | None = None
    id: Filled | None = None
    cell: Annotated[Filled, AfterValidator(_a_column)] | None = None
    system: Annotated[Filled, AfterValidator(_no_column)] | None = None
    answerable: bool | None = None
    group: str | None = None
    split: Split | None = None
    kind: str | None = None
    history: tuple[TurnRow, ...] | None = None
    tags: tuple[Filled, ...] | None = None

    # What ``to_ragas`` and the test sets of ragas hold besides. Abstention is decided from the text.
    abstained: Any = None
    persona_name: Any = None
    query_style: Any = None
    query_length: Any = None
    synthesizer_name: Any = None
    retrieved_context_ids: Any = None
    reference_context_ids: Any = None

    @model_validator(mode="after")
    def _one_speaker(self) -> "AnswerRow":
        if self.cell and self.system:
            raise PydanticCustomError("speaker", "give either cell or system")
        if not self.retrieves and self.retrieved_contexts:
            raise PydanticCustomError(
                "contexts",
                f"retrieved_contexts: {self.cell} is shown none; evidence goes into reference_contexts",
            )
        if self.answerable is False and self.known_references:
            raise PydanticCustomError("references", "references are given, but answerable is false")
        return self

    @property
    def key(self) -> str:
        """By what rows of one question are joined."""
        return self.question_id or self.id or self.user_input

    @property
    def column(self) -> str:
        """Whose answer it is."""
        return self.cell or self.system or SYSTEM

    @property
    def retrieves(self) -> bool:
        """Whether passages are shown in its column; a system is taken to show some."""
        return self.cell is None or COLUMNS[self.cell].retrieval

    @property
    def known_references(self) -> tuple[str, ...] | None:
        """``reference`` and ``references`` together; None if there is none."""
        return tuple(dict.fromkeys((*filter(None, [self.reference]), *(self.references or ())))) or None


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """The answers of a file, ready to be scored.

    Attributes:
        records: one for each question and column.
        questions: in the order of the file.
        columns: of this project, in the order of the report, then the systems.
        gold: question id → ids of its reference contexts.
        unshown: keys of the records whose row does not say what was shown.
        splits: whether the rows say on which documents a model was trained.
    """

    records: tuple[AnswerRecord, ...]
    questions: tuple[Question, ...]
    columns: tuple[Column, ...]
    gold: Mapping[str, tuple[int, ...]]
    unshown: frozenset[tuple[str, str]]
    splits: bool

    @property
    def systems(self) -> tuple[str, ...]:
        """The names that are no column of this project."""
        return tuple(column.name for column in self.columns if column.name not in COLUMNS)


Numbered = Mapping[int, AnswerRow]


def read_answers(path: Path) -> Elsewhere:
    """Reads answers that were made elsewhere; a file that ends in ``.gz`` is unpacked.

    A question's evidence is what any of its rows shows or refers to, the same for every column.

    Args:
        path: JSONL with the fields of AnswerRow.

    Raises:
        BadInput: the file or a row cannot be read, a question is answered twice in one column, or two
            rows of one question disagree about it.
    """
    rows = dict(parsed_rows(path, AnswerRow))
    if not rows:
        raise BadInput(str(path), "holds no rows")
    by_question = _joined(path, rows)
    questions = {key: _question(path, key, of_one) for key, of_one in by_question.items()}
    passages = _passages(rows.values())
    records = [
        _record(questions[key], row, by_question[key], passages)
        for key, of_one in by_question.items()
        for row in of_one.values()
    ]
    gold = {
        key: tuple(passages[text].id for text in _references_of(of_one))
        for key, of_one in by_question.items()
    }
    return Elsewhere(
        records=tuple(records),
        questions=tuple(questions.values()),
        columns=tuple(_columns(rows.values())),
        gold=gold,
        unshown=frozenset(
            (row.key, row.column) for row in rows.values() if row.retrieves and row.retrieved_contexts is None
        ),
        splits=any(row.split for row in rows.values()),
    )


def _joined(path: Path, rows: Numbered) -> dict[str, dict[int, AnswerRow]]:
    by_question: dict[str, dict[int, AnswerRow]] = defaultdict(dict)
    seen: dict[tuple[str, str], int] = {}
    for number, row in rows.items():
        first = seen.setdefault((row.key, row.column), number)
        if first != number:
            reason = f'question "{row.key}" is answered by {row.column} in row {first} already'
            raise BadInput(str(path), reason, number)
        by_question[row.key][number] = row
    return dict(by_question)


def _question(path: Path, key: str, rows: Numbered) -> Question:
    """What the rows of one question say of it together."""
    answers = _agreed(path, rows, "known_references")
    answerable = _agreed(path, rows, "answerable") is not False
    if answers and not answerable:
        raise BadInput(str(path), f'question "{key}" has references, but answerable is false', max(rows))
    return Question(
        id=key,
        text=_agreed(path, rows, "user_input"),
        answers=answers if answerable else (),
        answerable=answerable,
        kind=_agreed(path, rows, "kind") or "",
        history=tuple(Turn(turn.question, turn.answer) for turn in _agreed(path, rows, "history") or ()),
        group=_agreed(path, rows, "group") or key,
        split=_agreed(path, rows, "split") or "unseen",
        tags=_agreed(path, rows, "tags") or (),
    )


def _agreed(path: Path, rows: Numbered, name: str) -> Any:
    """The value of a field in those rows that have it; None if none has.

    Raises:
        BadInput: two rows have different values.
    """
    given = [(number, getattr(row, name)) for number, row in rows.items() if getattr(row, name) is not None]
    for number, value in given[1:]:
        if value != given[0][1]:
            field = name.removeprefix("known_")
            reason = f"{field}: not as in row {given[0][0]}, which asks the same question"
            raise BadInput(str(path), reason, number)
    return given[0][1] if given else None


def _passages(rows: Iterable[AnswerRow]) -> dict[str, Passage]:
    """A passage for each different text of all rows."""
    texts = dict.fromkeys(
        text for row in rows for text in (*(row.reference_contexts or ()), *(row.retrieved_contexts or ()))
    )
    return {
        text: Passage(id=number, document=f"context {number}", title="", text=text, start=0, end=len(text))
        for number, text in enumerate(texts, start=1)
    }


def _references_of(rows: Numbered) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text for row in rows.values() for text in row.reference_contexts or ()))


def _record(
    question: Question, row: AnswerRow, of_one: Numbered, passages: Mapping[str, Passage]
) -> AnswerRecord:
    references = _references_of(of_one)
    retrieved = (text for other in of_one.values() for text in other.retrieved_contexts or ())
    shown = tuple(passages[text] for text in row.retrieved_contexts or ())
    found = resolve(row.response, shown)
    return AnswerRecord(
        question=replace(question, gold=_gold(references, shown) if question.answerable else ()),
        cell=row.column,
        answer=Answer(
            found.text, found.citations, shown, False, row.response, phantom_markers=found.phantom_markers
        ),
        pool=tuple(passages[text] for text in dict.fromkeys((*references, *retrieved))),
        ranked=shown if row.retrieves and row.retrieved_contexts is not None else None,
    )


def _gold(references: Sequence[str], shown: Sequence[Passage]) -> tuple[Gold, ...] | None:
    """Each reference context as a place in the first passage shown that holds at least half of it."""
    return tuple(_place(reference, shown) for reference in references) or None


def _place(reference: str, shown: Sequence[Passage]) -> Gold:
    for passage in shown:
        start = passage.text.find(reference)
        if start >= 0:
            return Gold(passage.document, start, start + len(reference))
        if passage.text in reference and 2 * len(passage.text) >= len(reference):
            return Gold(passage.document, 0, len(passage.text))
    return Gold("not shown")


def _columns(rows: Iterable[AnswerRow]) -> Iterator[Column]:
    names = dict.fromkeys(row.column for row in rows)
    yield from (column for name, column in COLUMNS.items() if name in names)
    yield from (Column(name, retrieval=True) for name in names if name not in COLUMNS)
