"""CSV and JSONL: each row a document, by its own keys or by columns that are named."""

import csv
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated, Any

from pydantic import AfterValidator, ValidationError
from pydantic_core import PydanticCustomError, from_json

from hybrid.corpus.reading.content import Refused
from hybrid.errors import BadInput
from hybrid.questions import Filled, Row, decode, first_fault
from hybrid.records import Document

ROLES = ("id", "text", "title")
DELIMITERS = ",;\t"

Lines = Iterable[tuple[int, bytes]]
Read = Iterator[tuple[int, Document | Refused]]


def _finite(fields: dict[str, Any]) -> dict[str, Any]:
    try:
        json.dumps(fields, allow_nan=False)
    except ValueError as exc:
        raise PydanticCustomError("not_finite", "holds NaN or Infinity, which is no JSON") from exc
    return fields


class DocumentRow(Row):
    """A document in a JSONL file."""

    title: str = ""
    text: Filled
    metadata: Annotated[dict[str, Any], AfterValidator(_finite)] = {}

    def document(self) -> Document:
        """The record of this row."""
        return Document(self.id, self.title, self.text, self.metadata)


def check_columns(columns: Mapping[str, str]) -> None:
    """Refuses columns for what a document does not have.

    Raises:
        BadInput: a key is none of ``id``, ``text``, ``title``, or a name is blank.
    """
    for role, column in columns.items():
        if role not in ROLES or not column.strip():
            raise BadInput("columns", f'"{role}={column}" names no column for one of {", ".join(ROLES)}')


def read_jsonl_rows(lines: Lines, file: str, columns: Mapping[str, str]) -> Read:
    """Row number and document, or why there is none, of each line that is not blank.

    Args:
        lines: of the file.
        file: its id, by which rows without an id are named.
        columns: role → key; without any, a row has the keys of DocumentRow and no others.
    """
    for number, line in lines:
        if line.isspace():
            continue
        try:
            yield number, _jsonl_row(decode(line), f"{file}:{number}", columns)
        except ValidationError as exc:
            yield number, Refused("bad row", first_fault(exc), number)
        except ValueError as exc:
            yield number, Refused("bad row", str(exc), number)
        except Refused as exc:
            yield number, Refused(exc.kind, exc.reason, number)


def _jsonl_row(text: str, name: str, columns: Mapping[str, str]) -> Document:
    if not columns:
        return DocumentRow.model_validate_json(text).document()
    fields = from_json(text)
    if not isinstance(fields, dict):
        raise Refused("bad row", "is no JSON object")
    return _document(_finite(fields), name, columns)


def read_csv_rows(lines: Lines, file: str, columns: Mapping[str, str], cell_chars: int) -> Read:
    """The number of its first line and document, or why there is none, of each row that is not blank.

    Cells are parted by what parts the header: commas, semicolons or tabs.

    Args:
        lines: of the file, the first one the header.
        file: its id, by which rows without an id are named.
        columns: role → column; those for ``id``, ``text`` and ``title`` otherwise have these names, and
            only ``text`` has to be there.
        cell_chars: greatest length of a cell.

    Raises:
        Refused: the header does not fit, or the file is not CSV from a row on.
    """
    rows = _cells(iter(lines), cell_chars)
    number, header = next(rows, (1, []))
    header = [name.strip() for name in header]
    _check_header(header, number, columns)
    for number, cells in rows:
        if len(cells) != len(header):
            yield (
                number,
                Refused("bad row", f"has {len(cells)} cells, the header has {len(header)}", number),
            )
            continue
        try:
            yield number, _document(dict(zip(header, cells, strict=True)), f"{file}:{number}", columns)
        except Refused as exc:
            yield number, Refused(exc.kind, exc.reason, number)


def _cells(lines: Iterator[tuple[int, bytes]], cell_chars: int) -> Iterator[tuple[int, list[str]]]:
    """The first line and the cells of each row that is not blank."""
    _, first = next(lines, (1, b""))
    delimiter = max(DELIMITERS, key=lambda sign: first.count(sign.encode()))

    def texts() -> Iterator[str]:
        yield decode(first)
        for _, line in lines:
            yield decode(line)

    reader = csv.reader(texts(), delimiter=delimiter, strict=True)
    number = 1
    with _cells_of(cell_chars):
        try:
            for cells in reader:
                if any(cell.strip() for cell in cells):
                    yield number, cells
                number = reader.line_num + 1
        except (csv.Error, ValueError) as exc:
            reason = f"not CSV ({exc})" if isinstance(exc, csv.Error) else str(exc)
            raise Refused("unreadable", reason, number) from exc


@contextmanager
def _cells_of(cell_chars: int) -> Iterator[None]:
    # csv has one bound for the whole process, and by default a low one.
    bound = csv.field_size_limit(cell_chars)
    try:
        yield
    finally:
        csv.field_size_limit(bound)


def _check_header(header: list[str], number: int, columns: Mapping[str, str]) -> None:
    if not header:
        raise Refused("empty", "holds no rows")
    for name in header:
        if header.count(name) > 1:
            raise Refused("unreadable", f'two columns are named "{name}"', number)
    for column in ({"text": "text"} | dict(columns)).values():
        if column not in header:
            raise Refused("unreadable", f'there is no column "{column}", but {", ".join(header)}', number)


def _document(fields: Mapping[str, Any], name: str, columns: Mapping[str, str]) -> Document:
    places = {role: columns.get(role, role) for role in ROLES}
    id, text, title = (fields.get(places[role]) for role in ROLES)
    if not isinstance(text, str) or not text.strip():
        raise Refused("bad row", f"{places['text']}: {'is missing' if text is None else 'is no text'}")
    if "id" in columns and not _is_name(id):
        raise Refused("bad row", f"{places['id']}: is missing, or names nothing")
    rest = {key: value for key, value in fields.items() if key not in places.values()}
    return Document(
        id=str(id).strip() if _is_name(id) else name,
        title=str(title or "").strip(),
        text=text,
        metadata={key: value for key, value in rest.items() if value not in (None, "")},
    )


def _is_name(value: Any) -> bool:
    return isinstance(value, int) or (isinstance(value, str) and bool(value.strip()))
