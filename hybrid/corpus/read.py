"""Files and folders become documents."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from hybrid.corpus.split import first_heading
from hybrid.errors import BadInput
from hybrid.questions import Filled, Row, read_rows, read_text
from hybrid.records import Document

TEXT_ENDINGS = (".markdown", ".md", ".rst", ".txt")
ROW_ENDING = ".jsonl"
ENDINGS = tuple(sorted((*TEXT_ENDINGS, ROW_ENDING)))


class DocumentRow(Row):
    """A document in a JSONL file."""

    title: str = ""
    text: Filled
    metadata: dict[str, Any] = {}

    def document(self) -> Document:
        """The record of this row."""
        return Document(self.id, self.title, self.text, self.metadata)


def read_documents(paths: Iterable[Path]) -> list[Document]:
    """Reads files, and folders with all that is below them.

    Known are Markdown, reStructuredText and plain text, one document a file, and JSONL, one document a
    row; each also as ``.gz``. A file's id is its path below the given folder, or its name if it was given
    itself. In folders, hidden files and other endings are passed over.

    Raises:
        BadInput: a path is missing or of another ending, a file cannot be read or has no text, or there
            is no document at all.
    """
    documents: list[Document] = []
    for path in paths:
        if path.is_dir():
            for file in _files_below(path):
                documents += _read_file(file, file.relative_to(path).as_posix())
        else:
            documents += _read_file(path, path.name)
    if not documents:
        raise BadInput("documents", f"none found; known endings: {', '.join(ENDINGS)}, each also with .gz")
    return documents


def _files_below(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*"), key=lambda path: path.relative_to(folder).as_posix()):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if path.is_file() and not hidden and _ending(path) in ENDINGS:
            yield path


def _read_file(path: Path, id: str) -> list[Document]:
    ending = _ending(path)
    if ending == ROW_ENDING:
        return [row.document() for row in read_rows(path, DocumentRow).values()]
    if ending not in TEXT_ENDINGS:
        raise BadInput(
            str(path), f'unknown ending "{path.suffix}"; known: {", ".join(ENDINGS)}, also with .gz'
        )
    text = read_text(path)
    if not text.strip():
        raise BadInput(str(path), "has no text")
    return [Document(id, first_heading(text) or _unpacked(path).stem, text)]


def _ending(path: Path) -> str:
    return _unpacked(path).suffix.lower()


def _unpacked(path: Path) -> Path:
    return path.with_suffix("") if path.suffix == ".gz" else path
