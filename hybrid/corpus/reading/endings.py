"""Which files are known, by how their names end; each also with ``.gz`` at its end."""

from pathlib import Path

TEXT = {".markdown": "Markdown", ".md": "Markdown", ".rst": "reStructuredText", ".txt": "text"}
PARSED = {
    ".docx": "DOCX",
    ".eml": "EML",
    ".htm": "HTML",
    ".html": "HTML",
    ".pdf": "PDF",
    ".pptx": "PPTX",
    ".xhtml": "HTML",
    ".xlsx": "XLSX",
}
ROWS = {".csv": "CSV", ".jsonl": "JSONL"}
FORMATS = dict(sorted((TEXT | PARSED | ROWS).items()))


def unpacked(path: Path) -> Path:
    """The path without ``.gz``."""
    return path.with_suffix("") if is_packed(path) else path


def is_packed(path: Path) -> bool:
    """Whether the name says that the file is gzipped."""
    return path.suffix.lower() == ".gz"


def ending(path: Path) -> str:
    """How a name ends, in small letters and without ``.gz``."""
    return unpacked(path).suffix.lower()


def known() -> str:
    """All known endings in words."""
    return f"{', '.join(FORMATS)}, each also with .gz"
