"""PDF: the text layer, page by page."""

import contextlib
from io import BytesIO

from hybrid.corpus.reading.content import Content, Refused, own_title


def read_pdf(data: bytes) -> Content:
    """The text of all pages, with a form feed between them, and the title.

    Raises:
        Refused: it needs a password, a page cannot be read, or no page has text.
    """
    from pypdf import PdfReader

    reader = PdfReader(BytesIO(data))
    # Many files are encrypted with an empty password, only to forbid printing.
    if reader.is_encrypted and not reader.decrypt(""):
        raise Refused("encrypted", "is encrypted; save it without its password")
    pages = []
    for number, page in enumerate(reader.pages, start=1):
        try:
            pages.append(page.extract_text().replace("\f", "\n"))
        except MemoryError:
            raise
        except Exception as exc:
            raise Refused("unreadable", f"page {number}: {type(exc).__name__}: {exc}") from exc
    if not any(page.strip() for page in pages):
        raise Refused("no text", "has no text layer; recognise its text (OCR) first")
    title = ""
    with contextlib.suppress(Exception):
        title = own_title(reader.metadata.title if reader.metadata else "")
    return Content("\f".join(pages), title)
