"""DOCX, PPTX and XLSX: headings as Markdown, slides as pages, rows of tables as lines."""

from collections.abc import Iterable, Iterator
from datetime import date, datetime, time
from io import BytesIO
from typing import Any
from zipfile import BadZipFile, ZipFile

from hybrid.corpus.reading.content import Content, Refused, own_title
from hybrid.corpus.reading.limits import megabytes

_OLD_FORMAT = b"\xd0\xcf\x11\xe0"
_WORD = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_LEFT_OUT = (
    # A text box stands twice, the second time for older programs; so does what was moved.
    "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback",
    f"{_WORD}moveFrom",
    f"{_WORD}tabs",
)


def check_archive(data: bytes, unpacked_bytes: int) -> None:
    """Asks an Office file, before it is unpacked, whether it can be and how large it becomes.

    Raises:
        Refused: it is no zip archive, or becomes too large.
    """
    if data.startswith(_OLD_FORMAT):
        raise Refused("encrypted", "is encrypted, or of the format before 2007; save it anew")
    try:
        with ZipFile(BytesIO(data)) as archive:
            size = sum(part.file_size for part in archive.infolist())
    except BadZipFile as exc:
        raise Refused("unreadable", f"not an Office file ({exc})") from exc
    if size > unpacked_bytes:
        raise Refused("too large", f"unpacks to {megabytes(size)}, more than {megabytes(unpacked_bytes)}")


def read_docx(data: bytes) -> Content:
    """The paragraphs and tables of a document in order, also those of text boxes and form fields."""
    import docx

    document = docx.Document(BytesIO(data))
    blocks = (block for block in _docx_blocks(document.element.body, document) if block.strip())
    return Content("\n\n".join(blocks), own_title(document.core_properties.title))


def _docx_blocks(parent: Any, document: Any) -> Iterator[str]:
    from docx.text.paragraph import Paragraph

    for element in parent:
        if element.tag == f"{_WORD}p":
            style = Paragraph(element, document).style
            yield _styled(_docx_text(element), style.name if style is not None else None)
        elif element.tag == f"{_WORD}tbl":
            rows = element.xpath("./w:tr | ./w:sdt/w:sdtContent/w:tr")
            yield _table(map(_docx_text, row.xpath("./w:tc | ./w:sdt/w:sdtContent/w:tc")) for row in rows)
        elif element.tag == f"{_WORD}sdt":
            yield from _docx_blocks(element.find(f"{_WORD}sdtContent"), document)


def _docx_text(element: Any) -> str:
    """All text in an element, also what python-docx leaves out: tracked insertions, fields, text boxes."""
    parts = []
    waiting = [element]
    while waiting:
        part = waiting.pop()
        if part.tag == f"{_WORD}t":
            parts.append(part.text or "")
        elif part.tag == f"{_WORD}tab":
            parts.append("\t")
        elif part.tag in (f"{_WORD}br", f"{_WORD}cr"):
            parts.append("\n")
        elif part.tag == f"{_WORD}p" and parts:
            parts.append("\n")
        waiting += [child for child in reversed(part) if child.tag not in _LEFT_OUT]
    return "".join(parts)


def _styled(text: str, style: str | None) -> str:
    name, _, level = (style or "").partition(" ")
    line = " ".join(text.split())
    if name == "Title" and line:
        return f"# {line}"
    if name == "Heading" and level.isdigit() and line:
        return f"{'#' * min(int(level), 6)} {line}"
    if name == "List" and line:
        return f"- {text.strip()}"
    return text


def _table(rows: Iterable[Iterable[str]]) -> str:
    lines = (" | ".join(" ".join(cell.split()) for cell in row) for row in rows)
    return "\n".join(line for line in lines if line.strip(" |"))


def read_pptx(data: bytes) -> Content:
    """A page for each slide: its title as a heading, its texts, its tables, its notes."""
    from pptx import Presentation

    presentation = Presentation(BytesIO(data))
    pages = ["\n\n".join(_slide_blocks(slide)) for slide in presentation.slides]
    return Content("\f".join(pages), own_title(presentation.core_properties.title))


def _slide_blocks(slide: Any) -> Iterator[str]:
    title = slide.shapes.title
    if title is not None and title.text_frame.text.strip():
        yield f"# {' '.join(title.text_frame.text.split())}"
    for shape in slide.shapes:
        if title is None or shape.shape_id != title.shape_id:
            yield from _shape_blocks(shape)
    if slide.has_notes_slide and slide.notes_slide.notes_text_frame is not None:
        notes = slide.notes_slide.notes_text_frame.text.strip()
        if notes:
            yield f"Notes: {notes}"


def _shape_blocks(shape: Any) -> Iterator[str]:
    if hasattr(shape, "shapes"):
        for inner in shape.shapes:
            yield from _shape_blocks(inner)
    elif shape.has_text_frame and shape.text_frame.text.strip():
        # A vertical tab is a line break within a paragraph.
        yield shape.text_frame.text.replace("\v", "\n").strip()
    elif getattr(shape, "has_table", False):
        yield _table([cell.text for cell in row.cells] for row in shape.table.rows)


def read_xlsx(data: bytes) -> Content:
    """A heading for each sheet, and below it a line for each row: ``header: value; header: value``."""
    import openpyxl

    book = openpyxl.load_workbook(BytesIO(data), read_only=True, data_only=True)
    sheets = [
        "\n".join([f"# {sheet.title}\n", *lines]) for sheet in book.worksheets if (lines := _lines(sheet))
    ]
    return Content("\n\n".join(sheets), own_title(book.properties.title))


def _lines(sheet: Any) -> list[str]:
    """The rows of a sheet; the first one with several cells is the header of those below it."""
    # The size that a sheet claims may be wrong, or a million empty rows.
    sheet.reset_dimensions()
    header: list[str] = []
    lines = []
    for values in sheet.iter_rows(values_only=True):
        cells = [_shown(value) for value in values]
        filled = [cell for cell in cells if cell]
        if not filled:
            continue
        if header:
            names = header + [""] * (len(cells) - len(header))
            pairs = zip(names, cells, strict=False)
            lines.append("; ".join(f"{name}: {cell}" if name else cell for name, cell in pairs if cell))
        elif len(filled) > 1:
            header = cells
        else:
            lines += filled
    return lines or [cell for cell in header if cell]


def _shown(value: Any) -> str:
    match value:
        case None:
            return ""
        case float() if value.is_integer():
            return str(int(value))
        case datetime() if value.time() == time():
            return value.date().isoformat()
        case date() | time():
            return value.isoformat()
        case _:
            return " ".join(str(value).split())
