"""Question files: what is asked, one JSON object a line, read with its faults named by row."""

import codecs
import gzip
import json
import os
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from hybrid.errors import BadInput, RunError
from hybrid.records import Gold, Part, Question, Split, Turn


def _without_nul(text: str) -> str:
    if "\0" in text:
        raise PydanticCustomError("nul", "holds a NUL character")
    return text


def _not_blank(text: str) -> str:
    if not text.strip():
        raise PydanticCustomError("blank", "is blank")
    return _without_nul(text)


Filled = Annotated[str, AfterValidator(_not_blank)]
Text = Annotated[str, AfterValidator(_without_nul)]
"""May be empty, but NUL ends a text in SQLite and in C."""


class Row(BaseModel):
    """A row of a JSONL file: unknown keys and near types are refused, ids stand once in a file."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    id: Filled


class GoldRow(BaseModel):
    """Where an answer stands: a document, and in it a span, or a quote that is looked up."""

    model_config = Row.model_config

    document: Filled
    start: int | None = Field(None, ge=0)
    end: int | None = None
    quote: Filled | None = None

    @model_validator(mode="after")
    def _one_place(self) -> "GoldRow":
        if (self.start is None) != (self.end is None):
            raise PydanticCustomError("half_span", "start and end stand together or not at all")
        if self.start is not None and self.end is not None and self.end <= self.start:
            raise PydanticCustomError("empty_span", "end must be greater than start")
        if self.quote is not None and self.start is not None:
            raise PydanticCustomError("two_places", "give either start and end, or a quote")
        return self


class TurnRow(BaseModel):
    """An earlier question and its answer."""

    model_config = Row.model_config

    question: str
    answer: str


class EditionRow(BaseModel):
    """What one edition of a corpus answers; both lists are empty if it does not answer."""

    model_config = Row.model_config

    answers: tuple[Filled, ...]
    gold: tuple[GoldRow, ...]

    @model_validator(mode="after")
    def _both_or_none(self) -> "EditionRow":
        if bool(self.answers) != bool(self.gold):
            raise PydanticCustomError("half_edition", "answers and gold stand together or not at all")
        return self


class PlainQuestionRow(Row):
    """A question as its owner writes it, before it belongs to a suite."""

    question: Filled
    answers: tuple[Filled, ...] | None = None
    answerable: bool = True
    gold: tuple[GoldRow, ...] | None = None
    kind: str = ""
    history: tuple[TurnRow, ...] = ()
    tags: tuple[Filled, ...] = ()

    @model_validator(mode="after")
    def _no_answer_to_the_unanswerable(self) -> "PlainQuestionRow":
        if self.answers and not self.answerable:
            raise PydanticCustomError("answers", "answers are given, but answerable is false")
        return self


class QuestionRow(PlainQuestionRow):
    """A question of a suite."""

    group: str = ""
    split: Split = "unseen"
    part: Part = "dev"
    editions: dict[str, EditionRow] | None = None
    accept: bool | None = True
    """Of a proposed question: only one that a reviewer set to true is read."""
    review: dict[str, Any] | None = None
    """What a reviewer needs to see; it is not read."""

    def of_edition(self, edition: str | None) -> "QuestionRow":
        """The row with the answers of one edition of the corpus; a row without editions stays as it is."""
        if self.editions is None:
            return self
        if edition is None:
            raise PydanticCustomError("edition", "editions: the suite does not say which one it asks")
        if edition not in self.editions:
            known = ", ".join(self.editions)
            raise PydanticCustomError("edition", f'editions: there is no "{edition}"; known: {known}')
        of = self.editions[edition]
        changed = {"answers": of.answers, "gold": of.gold, "answerable": bool(of.answers), "editions": None}
        return self.model_copy(update=changed | ({} if of.answers else {"kind": "unanswerable"}))


R = TypeVar("R", bound=Row)
M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class QuestionFile:
    """The questions of a file.

    Attributes:
        questions: in the order of the file.
        skipped: ids of questions whose gold does not stand in the texts.
    """

    questions: tuple[Question, ...]
    skipped: tuple[str, ...] = ()


def read_questions(
    path: Path, texts: Mapping[str, str] | None = None, *, edition: str | None = None
) -> QuestionFile:
    """Reads a question file; a file that ends in ``.gz`` is unpacked.

    Args:
        path: JSONL with the fields of QuestionRow; rows that no reviewer accepted are passed over.
        texts: document id → text, in which gold is looked up; a question whose document, span or quote
            is not there is skipped. None leaves gold unchecked.
        edition: which answers to take of rows that have ``editions``.

    Raises:
        BadInput: the file or a row cannot be read, or no question is left.
    """
    questions: list[Question] = []
    skipped: list[str] = []
    for number, whole in read_rows(path, QuestionRow).items():
        if not whole.accept:
            continue
        try:
            row = whole.of_edition(edition)
        except PydanticCustomError as exc:
            raise BadInput(str(path), exc.message(), number) from exc
        if texts is None and any(gold.quote for gold in row.gold or ()):
            raise BadInput(str(path), "gold: a quote needs the texts of its corpus", number)
        places = locate_golds(row.gold, texts)
        if places is None:
            skipped.append(row.id)
            continue
        group = row.group or (places[0].document if places else row.id)
        questions.append(make_question(row, places, group=group, split=row.split, part=row.part))
    if not questions and not skipped:
        raise BadInput(str(path), "no row is accepted: a reviewer sets accept to true")
    if not questions:
        raise BadInput(str(path), f"the gold of all {len(skipped)} questions is missing in the corpus")
    return QuestionFile(tuple(questions), tuple(skipped))


def write_questions(path: Path, questions: Iterable[Question]) -> None:
    """Writes a question file with offsets; it appears whole or not at all."""
    write_rows(path, (dict(sorted(_fields(question).items())) for question in questions))


def check_new(path: Path, *, replace: bool = False, consent: str = "delete it first") -> None:
    """Asks, before slow work, whether a file can be written.

    Args:
        path: where to.
        replace: whether a file that is there may go.
        consent: what the user can do so that it goes.

    Raises:
        RunError: there is such a file, or no such folder.
    """
    if path.is_dir() or not path.parent.is_dir():
        raise RunError(f"{path} is no place for a file; name one in a folder that is there.")
    if path.exists() and not replace:
        raise RunError(f"{path} exists already; name another file, or {consent}.")


def write_rows(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Writes a JSONL file, gzipped if it ends in ``.gz``; it appears whole or not at all."""
    data = "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows).encode()
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    unfinished.write_bytes(gzip.compress(data, mtime=0) if path.suffix == ".gz" else data)
    os.replace(unfinished, path)


def make_question(
    row: PlainQuestionRow, places: tuple[Gold, ...], *, group: str, split: Split, part: Part
) -> Question:
    """The record of a row whose gold was located.

    An answerable question with an empty list of answers or gold has none that are known, so None.
    """
    unknown = None if row.answerable else ()
    return Question(
        id=row.id,
        text=row.question,
        answers=row.answers or unknown,
        answerable=row.answerable,
        gold=places or unknown,
        kind=row.kind,
        history=tuple(Turn(turn.question, turn.answer) for turn in row.history),
        tags=row.tags,
        group=group,
        split=split,
        part=part,
    )


def locate_golds(golds: Iterable[GoldRow] | None, texts: Mapping[str, str] | None) -> tuple[Gold, ...] | None:
    """The places of gold rows, quotes resolved; None if a document, span or quote is not there."""
    places = []
    for gold in golds or ():
        place = _locate(gold, texts)
        if place is None:
            return None
        places.append(place)
    return tuple(places)


def _locate(gold: GoldRow, texts: Mapping[str, str] | None) -> Gold | None:
    if texts is None:
        return Gold(gold.document, gold.start, gold.end)
    text = texts.get(gold.document)
    if text is None or (gold.end is not None and gold.end > len(text)):
        return None
    if gold.quote is None:
        return Gold(gold.document, gold.start, gold.end)
    span = locate_quote(gold.quote, text)
    return Gold(gold.document, *span) if span else None


def locate_quote(quote: str, text: str) -> tuple[int, int] | None:
    r"""Start and end of a quote's first occurrence; any run of whitespace equals any other.

    >>> locate_quote("five years", "It lasts five\n  years.")
    (9, 21)
    """
    found = re.search(r"\s+".join(map(re.escape, quote.split())), text)
    return found.span() if found else None


def read_rows(path: Path, schema: type[R]) -> dict[int, R]:
    """The rows of a JSONL file by row number, counted from 1; blank lines are passed over.

    Raises:
        BadInput: the file cannot be read or holds no rows, or a row has a fault or the id of another.
    """
    rows: dict[int, R] = {}
    seen: dict[str, int] = {}
    for number, row in parsed_rows(path, schema):
        if row.id in seen:
            raise BadInput(str(path), f'id: "{row.id}" stands in row {seen[row.id]} already', number)
        rows[number], seen[row.id] = row, number
    if not rows:
        raise BadInput(str(path), "holds no rows")
    return rows


def parsed_rows(path: Path, schema: type[M]) -> Iterator[tuple[int, M]]:
    """Row number, counted from 1, and row of each line of a JSONL file that is not blank.

    Raises:
        BadInput: the file cannot be read, or a row has a fault.
    """
    # Not splitlines(): a JSON string may hold U+2028, which is no end of a line here.
    for number, line in enumerate(read_text(path).split("\n"), start=1):
        if line.strip():
            try:
                yield number, schema.model_validate_json(line)
            except ValidationError as exc:
                raise BadInput(str(path), first_fault(exc), number) from exc


def read_text(path: Path) -> str:
    """The text of a UTF-8 file without its byte order mark; a file that ends in ``.gz`` is unpacked.

    Raises:
        BadInput: the file cannot be read, is not UTF-8 or holds NUL bytes.
    """
    try:
        data = path.read_bytes()
        return decode(gzip.decompress(data) if path.suffix == ".gz" else data)
    except (gzip.BadGzipFile, EOFError, zlib.error) as exc:
        raise BadInput(str(path), f"not a whole gzip file ({exc})") from exc
    except OSError as exc:
        raise BadInput(str(path), exc.strerror or str(exc)) from exc
    except ValueError as exc:
        raise BadInput(str(path), str(exc)) from exc


def decode(data: bytes) -> str:
    """The text of UTF-8 bytes without their byte order mark.

    Raises:
        ValueError: they are not UTF-8, or hold NUL; its text is the reason.
    """
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as exc:
        wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        raise ValueError(f"not UTF-8 at byte {exc.start}{' but UTF-16' if wide else ''}") from exc
    if "\0" in text:
        raise ValueError(f"NUL at character {text.index(chr(0))}, so this is not a text file")
    return text.removeprefix("\ufeff")


def first_fault(error: ValidationError) -> str:
    """One line for the first fault that pydantic found: its place, then the reason."""
    first = error.errors(include_url=False, include_input=False)[0]
    place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in first["loc"])
    reason = "unknown key" if first["type"] == "extra_forbidden" else first["msg"]
    return f"{place.removeprefix('.')}: {reason}" if place else reason


def _fields(question: Question) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "id": question.id,
        "question": question.text,
        "answerable": question.answerable,
        "kind": question.kind,
        "group": question.group,
        "split": question.split,
        "part": question.part,
    }
    if question.answers is not None:
        fields["answers"] = question.answers
    if question.gold is not None:
        fields["gold"] = [_place(gold) for gold in question.gold]
    if question.tags:
        fields["tags"] = list(question.tags)
    if question.history:
        fields["history"] = [{"question": turn.question, "answer": turn.answer} for turn in question.history]
    return fields


def _place(gold: Gold) -> dict[str, str | int]:
    if gold.start is None or gold.end is None:
        return {"document": gold.document}
    return {"document": gold.document, "start": gold.start, "end": gold.end}
