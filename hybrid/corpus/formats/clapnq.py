"""CLAPnq: long answers to questions of Natural Questions, with the sentences that they rest on.

Source: Rosenthal et al., CLAPnq (2404.02103). Half of the questions are known to be unanswerable from the one
passage that was shown to the annotators; whether another passage tells is not known, so they are ``bound``.
"""

from collections.abc import Iterator
from pathlib import Path

from hybrid.corpus.formats.question_set import Foreign, ForeignRow, QuestionSet
from hybrid.errors import BadInput
from hybrid.questions import Filled, Text, locate_quote, read_rows
from hybrid.records import Document, Gold, Question

ENDINGS = (".jsonl", ".jsonl.gz")


class _Passage(Foreign):
    title: Text
    text: Filled


class _Output(Foreign):
    answer: Text
    selected_sentences: tuple[str, ...] = ()


class _ClapnqRow(ForeignRow):
    input: Filled
    passages: tuple[_Passage, ...]
    output: tuple[_Output, ...]


def read_clapnq(path: Path) -> QuestionSet:
    """Reads annotated files; a document is a passage, a group is its article.

    Args:
        path: a file, or a folder whose JSONL files (also gzipped) are all read.

    Raises:
        BadInput: a row does not fit, an id stands twice, or a selected sentence is not in its passage.
    """
    found = QuestionSet(answers="long")
    ids: dict[tuple[str, str], str] = {}
    asked: set[str] = set()
    for file in _files(path):
        for number, row in read_rows(file, _ClapnqRow).items():
            if len(row.passages) != 1:
                raise BadInput(str(file), f"passages: one is expected, not {len(row.passages)}", number)
            if row.id in asked:
                raise BadInput(str(file), f'id: "{row.id}" stands in another file already', number)
            asked.add(row.id)
            document = _document(row.passages[0], found, ids)
            found.questions.append(_question(row, document, file, number))
    return found


def _files(path: Path) -> Iterator[Path]:
    if not path.is_dir():
        yield path
        return
    files = sorted(file for file in path.iterdir() if file.name.endswith(ENDINGS))
    if not files:
        raise BadInput(str(path), f"holds no {' or '.join(ENDINGS)} file")
    yield from files


def _document(passage: _Passage, found: QuestionSet, ids: dict[tuple[str, str], str]) -> Document:
    """The passage as a document; several questions may share one."""
    key = passage.title, passage.text
    if key not in ids:
        name = passage.title.replace(" ", "_")
        of_name = sum(title.replace(" ", "_") == name for title, _ in ids)
        ids[key] = f"{name}/{of_name}"
        found.documents[ids[key]] = Document(
            ids[key], passage.title, passage.text, {"group": passage.title or ids[key]}
        )
    return found.documents[ids[key]]


def _question(row: _ClapnqRow, document: Document, file: Path, number: int) -> Question:
    answered = [output for output in row.output if output.answer.strip()]
    if not answered:
        searched = (Gold(document.id),)
        return Question(row.id, row.input, (), False, searched, kind="unanswerable", group=document.group)
    spans = []
    for sentence in filter(str.strip, answered[0].selected_sentences):
        span = locate_quote(sentence, document.text)
        if span is None:
            raise BadInput(str(file), f"selected_sentences: not in the passage: {sentence[:60]!r}", number)
        spans.append(span)
    gold = tuple(Gold(document.id, *span) for span in _joined(spans, document.text))
    answers = tuple(dict.fromkeys(output.answer for output in answered))
    return Question(
        row.id, row.input, answers, gold=gold or (Gold(document.id),), kind="long", group=document.group
    )


def _joined(spans: list[tuple[int, int]], text: str) -> list[tuple[int, int]]:
    """Spans in order; those with nothing but white space between them are one."""
    joined: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if joined and not text[joined[-1][1] : start].strip():
            joined[-1] = joined[-1][0], max(end, joined[-1][1])
        else:
            joined.append((start, end))
    return joined
