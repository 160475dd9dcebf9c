"""Files and folders become documents, within limits, and everything that does not is told."""

import hashlib
import os
from collections import Counter
from collections.abc import Iterable, Mapping
from io import BufferedReader
from pathlib import Path

from hybrid.corpus.reading.content import Content, Refused
from hybrid.corpus.reading.endings import FORMATS, PARSED, ROWS, TEXT, ending, known, unpacked
from hybrid.corpus.reading.limits import Limits
from hybrid.corpus.reading.packing import read_lines, read_whole
from hybrid.corpus.reading.places import Place, find_places, open_file
from hybrid.corpus.reading.report import Ingest, Skipped
from hybrid.corpus.reading.rows import Lines, check_columns, read_csv_rows, read_jsonl_rows
from hybrid.corpus.reading.sandbox import Sandbox
from hybrid.corpus.split import first_heading
from hybrid.questions import decode
from hybrid.records import Document


def read_documents(paths: Iterable[Path]) -> list[Document]:
    """Reads files, and folders with all that is below them; the strict and short form of ``ingest``.

    Raises:
        BadInput: a file or a row cannot be read, or there is no document at all.
    """
    read = list(paths)
    found = _read(read, {}, Limits())
    found.check(where=_listed(read))
    return list(found.documents)


def ingest(
    paths: Iterable[Path],
    *,
    columns: Mapping[str, str] | None = None,
    limits: Limits | None = None,
    skip: bool = False,
) -> Ingest:
    """Reads files, folders with all that is below them, and patterns such as ``docs/**/*.md``.

    Markdown, reStructuredText, text, HTML, PDF, DOCX, PPTX, XLSX and EML are one document a file, whose id
    is the path below the given folder; CSV and JSONL are one a row. Each may be gzipped. In folders, hidden
    files and other endings are passed over, and a file with the bytes of an earlier one is left out.

    Args:
        paths: what to read.
        columns: of CSV and JSONL, ``id``, ``text`` or ``title`` → the column; the others become metadata.
        limits: what reading one file may take; by default ``Limits()``.
        skip: whether what cannot be read is left out and told, instead of refusing all.

    Raises:
        BadInput: without ``skip``, a file or a row cannot be read; there is no document at all, or
            ``columns`` does not fit.
    """
    check_columns(columns or {})
    read = list(paths)
    found = _read(read, columns or {}, limits or Limits())
    if not skip or not found.documents:
        found.check("--skip leaves them out" if found.documents else "", where=_listed(read))
    return found


def _listed(paths: Iterable[Path]) -> str:
    return ", ".join(map(str, paths)) or "documents"


def _read(paths: Iterable[Path], columns: Mapping[str, str], limits: Limits) -> Ingest:
    documents: list[Document] = []
    sources: dict[str, str] = {}
    skipped: list[Skipped] = []
    files: Counter[str] = Counter()
    passed_over: Counter[str] = Counter()
    digests: dict[bytes, str] = {}
    with Sandbox(limits) as sandbox:
        reader = _Reader(columns, limits, sandbox)
        for place in find_places(paths, passed_over):
            files[ending(place.path)] += 1
            try:
                found, refused = reader.read(place, digests)
            except Refused as exc:
                found, refused = [], [exc]
            documents += found
            sources |= dict.fromkeys((document.id for document in found), whole_path(place.path))
            skipped += [_skipped(place, exc) for exc in refused]
    counts = dict(files), {kind: times for kind, times in passed_over.items() if times}
    return Ingest(tuple(documents), tuple(skipped), *counts, sources)


def _skipped(place: Place, refused: Refused) -> Skipped:
    path, id = map(_writable, (str(place.path), place.id))
    return Skipped(path, id, refused.kind, refused.reason, refused.row)


def whole_path(path: Path | str) -> str:
    """A path from the root on; links stay, so that a name which leads elsewhere later is the same source."""
    return _writable(os.path.abspath(path))


def _writable(text: str) -> str:
    """A name that is not UTF-8 must not keep a report, or a source, from being written."""
    return text.encode("utf-8", "backslashreplace").decode()


class _Reader:
    """Reads one file after the other."""

    def __init__(self, columns: Mapping[str, str], limits: Limits, sandbox: Sandbox) -> None:
        self._columns = columns
        self._limits = limits
        self._sandbox = sandbox

    def read(self, place: Place, digests: dict[bytes, str]) -> tuple[list[Document], list[Refused]]:
        """The documents of a file, and the rows of it that give none.

        Args:
            place: of the file.
            digests: of the files before that gave documents → their ids; that of this one is added.

        Raises:
            Refused: the file gives no document.
        """
        if ending(place.path) not in FORMATS and place.path.is_file():
            raise Refused("unknown ending", f'unknown ending "{place.path.suffix}"; known: {known()}')
        with open_file(place) as file:
            digest = hashlib.file_digest(file, "sha256").digest()
            if digest in digests:
                raise Refused("duplicate", f"has the same content as {digests[digest]}")
            file.seek(0)
            if ending(place.path) in ROWS:
                found, refused = self._read_rows(file, place)
            else:
                found, refused = [self._read_whole(file, place)], []
        digests[digest] = place.id
        return found, refused

    def _read_rows(self, file: BufferedReader, place: Place) -> tuple[list[Document], list[Refused]]:
        lines = read_lines(file, place.path, self._limits.unpacked_bytes, self._limits.text_bytes)
        rows: dict[str, int] = {}
        found: list[Document] = []
        refused: list[Refused] = []
        for number, document in self._rows(lines, place):
            if isinstance(document, Refused):
                refused.append(document)
            elif document.id in rows:
                reason = f'id: "{document.id}" stands in row {rows[document.id]} already'
                refused.append(Refused("repeated id", reason, number))
            else:
                rows[document.id] = number
                found.append(document)
        if not found and not refused:
            raise Refused("empty", "holds no rows")
        return found, refused

    def _rows(self, lines: Lines, place: Place) -> Iterable[tuple[int, Document | Refused]]:
        if ending(place.path) == ".csv":
            return read_csv_rows(lines, place.id, self._columns, self._limits.text_bytes)
        return read_jsonl_rows(lines, place.id, self._columns)

    def _read_whole(self, file: BufferedReader, place: Place) -> Document:
        of = ending(place.path)
        greatest = self._limits.text_bytes if of in TEXT else self._limits.unpacked_bytes
        data = read_whole(file, place.path, self._limits.file_bytes, greatest)
        content = self._sandbox.parse(of, data) if of in PARSED else _text_content(data)
        # The first heading of a workbook only names its first sheet.
        heading = "" if of == ".xlsx" else first_heading(content.text)
        title = content.title or heading or unpacked(place.path).stem
        return Document(place.id, title, content.text, content.metadata)


def _text_content(data: bytes) -> Content:
    try:
        text = decode(data)
    except ValueError as exc:
        raise Refused("unreadable", str(exc)) from exc
    if not text.strip():
        raise Refused("no text", "has no text")
    return Content(text)
