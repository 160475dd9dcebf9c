"""What reading one file may take."""

from dataclasses import dataclass

OUT_OF_MEMORY = 77
"""Exit status of a process that needs more memory than it may have."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What reading one file may take; a file that needs more is refused.

    Attributes:
        file_bytes: of a file as it lies there; files of rows may have ``unpacked_bytes``.
        unpacked_bytes: of what a ``.gz`` or an Office file unpacks to.
        text_bytes: of the text of one document, and of one row, in UTF-8.
        seconds: of the clock, for a file that is parsed.
        memory_bytes: address space of the process in which files are parsed.
    """

    file_bytes: int = 100_000_000
    unpacked_bytes: int = 500_000_000
    text_bytes: int = 50_000_000
    seconds: float = 60.0
    memory_bytes: int = 1_000_000_000


def megabytes(size: int) -> str:
    """A size in words, such as ``50 MB``."""
    return f"{size / 1e6:,.4g} MB"
