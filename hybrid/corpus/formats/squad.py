"""SQuAD 1.1 and 2.0: a document is a paragraph, a group is an article."""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from hybrid.corpus.formats.question_set import Foreign, QuestionSet
from hybrid.errors import BadInput
from hybrid.questions import Filled, first_fault, read_text
from hybrid.records import Document, Gold, Question

_NUMBER = re.compile(r"[\d.,]*\d[\d.,]*")


class _SquadAnswer(Foreign):
    text: Filled
    answer_start: int


class _SquadQuestion(Foreign):
    id: Filled
    question: Filled
    answers: tuple[_SquadAnswer, ...] = ()
    is_impossible: bool = False


class _SquadParagraph(Foreign):
    context: Filled
    qas: tuple[_SquadQuestion, ...]


class _SquadArticle(Foreign):
    title: Filled
    paragraphs: tuple[_SquadParagraph, ...]


class _Squad(Foreign):
    data: tuple[_SquadArticle, ...]


def read_squad(path: Path) -> QuestionSet:
    """Reads a file in the format of SQuAD.

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
