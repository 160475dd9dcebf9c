"""The format of this project: a folder with ``documents.jsonl`` and ``questions.jsonl``."""

from dataclasses import replace
from pathlib import Path

from hybrid.corpus.formats.question_set import QuestionSet
from hybrid.corpus.reading.rows import DocumentRow
from hybrid.errors import BadInput
from hybrid.questions import GoldRow, PlainQuestionRow, locate_golds, make_question, read_rows


def read_jsonl(folder: Path) -> QuestionSet:
    """Reads a folder with ``documents.jsonl`` and ``questions.jsonl``, each also with ``.gz``.

    Raises:
        BadInput: a file or a row does not fit, or gold names a place that does not exist.
    """
    documents = read_rows(present(folder, "documents.jsonl"), DocumentRow)
    found = QuestionSet({row.id: row.document() for row in documents.values()})
    texts = {id: document.text for id, document in found.documents.items()}
    path = present(folder, "questions.jsonl")
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


def _gold_fault(gold: GoldRow, texts: dict[str, str]) -> str | None:
    text = texts.get(gold.document)
    if text is None:
        return f'there is no document "{gold.document}"'
    if gold.end is not None and gold.end > len(text):
        return f"{gold.start} to {gold.end} is outside of {gold.document}, which has {len(text)} characters"
    if locate_golds((gold,), texts) is None:
        return f'the quote is not in document "{gold.document}"'
    return None


def present(folder: Path, name: str) -> Path:
    """The path of a file in a folder, plain or as ``.gz``."""
    for path in (folder / name, folder / f"{name}.gz"):
        if path.is_file():
            return path
    raise BadInput(str(folder / name), "there is no such file, also not with .gz")
