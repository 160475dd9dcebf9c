"""Question sets as others publish them, parsed and checked: documents, and questions with their groups."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from hybrid.corpus.read import DocumentRow
from hybrid.errors import BadInput
from hybrid.questions import (
    Filled,
    GoldRow,
    PlainQuestionRow,
    first_fault,
    locate_golds,
    make_question,
    read_rows,
    read_text,
)
from hybrid.records import Document, Gold, Question

_NUMBER = re.compile(r"[\d.,]*\d[\d.,]*")


@dataclass(slots=True)
class QuestionSet:
    """Documents by id, and the questions about them; a question's group is that of its first gold."""

    documents: dict[str, Document] = field(default_factory=dict)
    questions: list[Question] = field(default_factory=list)

    def gold_groups(self, question: Question) -> set[str]:
        """The groups of the documents in which a question's answer stands."""
        return {self.documents[gold.document].group for gold in question.gold or ()}


class _Foreign(BaseModel):
    """A part of another project's format: keys that are not needed here are passed over."""

    model_config = ConfigDict(extra="ignore", frozen=True, strict=True)


class _SquadAnswer(_Foreign):
    text: Filled
    answer_start: int


class _SquadQuestion(_Foreign):
    id: Filled
    question: Filled
    answers: tuple[_SquadAnswer, ...] = ()
    is_impossible: bool = False


class _SquadParagraph(_Foreign):
    context: Filled
    qas: tuple[_SquadQuestion, ...]


class _SquadArticle(_Foreign):
    title: Filled
    paragraphs: tuple[_SquadParagraph, ...]


class _Squad(_Foreign):
    data: tuple[_SquadArticle, ...]


def read_squad(path: Path) -> QuestionSet:
    """Reads a file in the format of SQuAD 1.1 or 2.0: a document is a paragraph, a group is an article.

    Raises:
        BadInput: the file does not fit, or an answer does not stand where it is said to, with its place.
    """
    try:
        squad = _Squad.model_validate_json(read_text(path))
    except ValidationError as exc:
        raise BadInput(str(path), first_fault(exc)) from exc
    found = QuestionSet()
    asked: set[str] = set()
    for place, document, row in _squad_questions(squad, found):
        if row.id in asked:
            raise BadInput(str(path), f'{place}.id: "{row.id}" stands in the file already')
        asked.add(row.id)
        found.questions.append(_squad_question(f"{path}: {place}", document, row))
    return found


def read_jsonl(folder: Path) -> QuestionSet:
    """Reads a folder with ``documents.jsonl`` and ``questions.jsonl``, each also with ``.gz``.

    Raises:
        BadInput: a file or a row does not fit, or gold names a place that does not exist.
    """
    documents = read_rows(_present(folder, "documents.jsonl"), DocumentRow)
    found = QuestionSet({row.id: row.document() for row in documents.values()})
    texts = {id: document.text for id, document in found.documents.items()}
    path = _present(folder, "questions.jsonl")
    for number, row in read_rows(path, PlainQuestionRow).items():
        for index, gold in enumerate(row.gold or ()):
            if fault := _gold_fault(gold, texts):
                raise BadInput(str(path), f"gold[{index}]: {fault}", number)
        places = locate_golds(row.gold, texts) or ()
        group = found.documents[places[0].document].group if places else row.id
        question = make_question(row, places, group=group, split="unseen", part="dev")
        kind = question.kind or ("" if question.answerable else "unanswerable")
        found.questions.append(replace(question, kind=kind))
    return found


def _squad_questions(squad: _Squad, found: QuestionSet) -> Iterator[tuple[str, Document, _SquadQuestion]]:
    """Adds each paragraph to the documents; gives each question with its place and its paragraph."""
    paragraphs: Counter[str] = Counter()
    for a, article in enumerate(squad.data):
        name = article.title.replace(" ", "_")
        for p, paragraph in enumerate(article.paragraphs):
            title = article.title.replace("_", " ")
            # Counted by title, not by position: some sets list an article more than once.
            document = Document(
                f"{name}/{paragraphs[name]}", title, paragraph.context, {"group": article.title}
            )
            paragraphs[name] += 1
            found.documents[document.id] = document
            for q, row in enumerate(paragraph.qas):
                yield f"data[{a}].paragraphs[{p}].qas[{q}]", document, row


def _squad_question(place: str, document: Document, row: _SquadQuestion) -> Question:
    if row.is_impossible:
        return Question(row.id, row.question, (), False, (), kind="unanswerable", group=document.group)
    for index, answer in enumerate(row.answers):
        end = answer.answer_start + len(answer.text)
        if answer.answer_start < 0 or document.text[answer.answer_start : end] != answer.text:
            raise BadInput(place, f'answers[{index}]: "{answer.text}" is not at {answer.answer_start}')
    if not row.answers:
        raise BadInput(place, "answers: there is none, and is_impossible is not set")
    first = row.answers[0]
    texts = tuple(dict.fromkeys(answer.text for answer in row.answers))
    return Question(
        id=row.id,
        text=row.question,
        answers=texts,
        gold=(Gold(document.id, first.answer_start, first.answer_start + len(first.text)),),
        kind="number" if all(map(_NUMBER.fullmatch, texts)) else "fact",
        group=document.group,
    )


def _gold_fault(gold: GoldRow, texts: dict[str, str]) -> str | None:
    text = texts.get(gold.document)
    if text is None:
        return f'there is no document "{gold.document}"'
    if gold.end is not None and gold.end > len(text):
        return f"{gold.start} to {gold.end} is outside of {gold.document}, which has {len(text)} characters"
    if locate_golds((gold,), texts) is None:
        return f'the quote is not in document "{gold.document}"'
    return None


def _present(folder: Path, name: str) -> Path:
    for path in (folder / name, folder / f"{name}.gz"):
        if path.is_file():
            return path
    raise BadInput(str(folder / name), "there is no such file, also not with .gz")
