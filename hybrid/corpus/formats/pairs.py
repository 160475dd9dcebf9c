"""Plain pairs of question and answer: where an answer stands in the documents is proposed, and marked so."""

import csv
import io
import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError
from pydantic_core import from_json

from hybrid.cjk import CJK
from hybrid.corpus.formats.question_set import Foreign, QuestionSet
from hybrid.corpus.reading import read_documents
from hybrid.errors import BadInput
from hybrid.questions import Filled, first_fault, read_text
from hybrid.records import Document, Gold, Question

PROPOSED = "proposed-gold"
"""The tag of a question whose gold was found by matching its answer, not given by a person."""

AROUND = 250
"""Characters on either side of an answer in which the words of its question are looked for."""

_POLAR = frozenset({"yes", "no"})
_EVERYWHERE = _POLAR | {"true", "false", "是", "否", "对", "错"}
"""Answers that stand in any text by chance."""


class _Pair(Foreign):
    id: str = ""
    question: Filled
    answers: tuple[Filled, ...] = Field(min_length=1)


def read_pairs(path: Path, documents: Path) -> QuestionSet:
    """Reads a CSV file with the columns ``question`` and ``answer``, or JSONL with these keys.

    JSONL may have ``answers``, a list, instead; both may have ``id``. What else a row has is passed over.

    Args:
        path: the pairs; also gzipped.
        documents: a file or folder of the texts that they are about.

    Raises:
        BadInput: a file or a row does not fit, or an id stands twice.
    """
    found = QuestionSet()
    for document in read_documents([documents]):
        if document.id in found.documents:
            raise BadInput(str(documents), f'id: "{document.id}" is that of two documents')
        found.documents[document.id] = document
    proposer = _Proposer(found.documents.values())
    asked: set[str] = set()
    for number, pair in _rows(path):
        id = pair.id.strip() or f"row-{number}"
        if id in asked:
            raise BadInput(str(path), f'id: "{id}" stands in the file already', number)
        asked.add(id)
        gold = proposer.propose(pair.question, pair.answers)
        found.questions.append(
            Question(
                id=id,
                text=pair.question,
                answers=pair.answers,
                gold=(gold,) if gold else None,
                kind="yes_no" if _POLAR.issuperset(a.casefold() for a in pair.answers) else "",
                group=found.documents[gold.document].group if gold else id,
                tags=(PROPOSED,) if gold else (),
            )
        )
    return found


def _rows(path: Path) -> Iterator[tuple[int, _Pair]]:
    text = read_text(path)
    suffixes = [suffix.lower() for suffix in path.suffixes if suffix != ".gz"]
    for number, fields in _csv(text, path) if suffixes[-1:] == [".csv"] else _jsonl(text, path):
        if isinstance(fields, dict) and "answers" not in fields and "answer" in fields:
            fields = fields | {"answers": [fields["answer"]]}
        try:
            # Lists of JSON and CSV become tuples, so not strict here.
            yield number, _Pair.model_validate(fields, strict=False)
        except ValidationError as exc:
            raise BadInput(str(path), first_fault(exc), number) from exc


def _csv(text: str, path: Path) -> Iterator[tuple[int, Any]]:
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    try:
        for fields in reader:
            if None in fields:
                raise BadInput(
                    str(path),
                    "more cells than the header has; a text with commas needs quotes",
                    reader.line_num,
                )
            yield reader.line_num, {key: value for key, value in fields.items() if value is not None}
    except csv.Error as exc:
        raise BadInput(str(path), f"not CSV ({exc})", reader.line_num + 1) from exc


def _jsonl(text: str, path: Path) -> Iterator[tuple[int, Any]]:
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            try:
                yield number, from_json(line)
            except ValueError as exc:
                raise BadInput(str(path), f"not JSON ({exc})", number) from exc


@dataclass(frozen=True, slots=True)
class _Place:
    score: float
    gold: Gold


class _Proposer:
    """Finds the place of an answer that shares most with its question; rare words weigh more."""

    def __init__(self, documents: Iterable[Document]) -> None:
        self._documents = list(documents)
        held = Counter(
            word for document in self._documents for word in _words(f"{document.title} {document.text}")
        )
        self._weights = {word: math.log(1 + len(self._documents) / count) for word, count in held.items()}

    def propose(self, question: str, answers: Iterable[str]) -> Gold | None:
        """The best place of any of the answers; None if none stands near a word of the question."""
        wanted = _words(question)
        sought = [
            (re.compile(_pattern(answer), re.IGNORECASE), wanted - _words(answer))
            for answer in answers
            if answer.casefold() not in _EVERYWHERE
        ]
        places = (
            place
            for pattern, beside in sought
            for document in self._documents
            for place in self._places(pattern, document, beside)
        )
        best = max(places, key=lambda place: place.score, default=None)
        return best.gold if best and best.score > 0 else None

    def _places(self, pattern: re.Pattern[str], document: Document, wanted: set[str]) -> Iterator[_Place]:
        for found in pattern.finditer(document.text):
            start, end = found.span()
            shared = wanted & _words(
                f"{document.title} {document.text[max(0, start - AROUND) : end + AROUND]}"
            )
            yield _Place(sum(self._weights.get(word, 0.0) for word in shared), Gold(document.id, start, end))


def _pattern(answer: str) -> str:
    """The answer with any white space, not as a part of a longer word or number."""
    body = r"\s+".join(map(re.escape, answer.split()))
    letter = rf"[^\W_{CJK}]"
    return rf"(?<!{letter})(?<!\d[.,]){body}(?!{letter})(?![.,]\d)"


def _words(text: str) -> set[str]:
    """Words of at least three letters, numbers, and single CJK characters."""
    return set(re.findall(rf"[{CJK}]|[^\W{CJK}]{{3,}}|\d+", text.casefold()))
