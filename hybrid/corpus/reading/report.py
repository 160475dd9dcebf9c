"""What a reading found: its documents, and what was left out and why."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from hybrid.corpus.reading.content import Kind
from hybrid.corpus.reading.endings import FORMATS, ending, known
from hybrid.errors import BadInput
from hybrid.records import Document

NAMED = 3
"""So many files are named in a line of the summary."""

_SAID: dict[Kind, str] = {
    "bad row": "not as they should be",
    "duplicate": "with the same content as an earlier one",
    "empty": "empty",
    "encrypted": "encrypted",
    "no text": "without text",
    "outside": "that lead out of the folder",
    "repeated id": "with the id of an earlier one",
    "too large": "too large",
    "too slow": "too slow to parse",
    "unknown ending": "of an unknown kind",
    "unreadable": "unreadable",
}


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file, or a row of it, that became no document.

    Attributes:
        path: of the file, as it was given or found.
        id: that the document would have.
        kind: one word for the reason.
        reason: the whole of it.
        row: counted from 1; None if it is the whole file.
    """

    path: str
    id: str
    kind: Kind
    reason: str
    row: int | None = None

    @property
    def place(self) -> str:
        """The file, and the row if it is one."""
        return self.path if self.row is None else f"{self.path}:{self.row}"


@dataclass(frozen=True, slots=True)
class Ingest:
    """What a reading of files found.

    Attributes:
        documents: in the order of the files.
        skipped: what was left out; what has the same bytes as an earlier file is no failure.
        files: ending → how many such files there were.
        passed_over: what folders hold beside them → how often: endings, ``hidden``, ``links to folders``.
        sources: id of each document → the whole path of its file.
    """

    documents: tuple[Document, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    files: Mapping[str, int] = field(default_factory=dict)
    passed_over: Mapping[str, int] = field(default_factory=dict)
    sources: Mapping[str, str] = field(default_factory=dict)

    @property
    def failures(self) -> tuple[Skipped, ...]:
        """What could not be read."""
        return tuple(entry for entry in self.skipped if entry.kind != "duplicate")

    def summary(self) -> list[str]:
        """A line for each kind of what was left out, with a few names, and one for what was passed over."""
        groups: dict[tuple[str, Kind, bool], list[Skipped]] = defaultdict(list)
        for entry in self.skipped:
            groups[ending(Path(entry.path)), entry.kind, entry.row is not None].append(entry)
        lines = [self._line(*group, entries) for group, entries in groups.items()]
        if count := sum(self.passed_over.values()):
            counted = sorted(self.passed_over.items(), key=lambda item: (-item[1], item[0]))
            lines.append(f"{count:,} passed over: {_listed(f'{name} {times:,}' for name, times in counted)}")
        return lines

    def check(self, remedy: str = "", *, where: str = "documents") -> None:
        """Refuses a reading in which anything failed, or which found nothing.

        Args:
            remedy: what the user can do, told if more than one failed.
            where: was read.

        Raises:
            BadInput: one line that names the first failure and counts the others.
        """
        failures = self.failures
        if failures:
            first, others = failures[0], len(failures) - 1
            more = f" … and {others:,} more files or rows{f'; {remedy}' if remedy else ''}" if others else ""
            raise BadInput(printable(first.path), printable(f"{first.reason}{more}"), first.row)
        if not self.documents:
            raise BadInput(printable(where), f"no documents found; known endings: {known()}")

    def _line(self, of: str, kind: Kind, rows: bool, entries: list[Skipped]) -> str:
        said = "without a text layer" if (of, kind) == (".pdf", "no text") else _SAID[kind]
        count = f"{len(entries):,}" if rows else f"{len(entries):,} of {self.files[of]:,}"
        format = FORMATS.get(of, of or "other")
        names = _listed(entry.place for entry in entries)
        return f"{count} {format} {'rows' if rows else 'files'} {said}: {names}"


def printable(text: str) -> str:
    """A text on one line, whatever a file's name or a library's message holds."""
    line = " ".join(text.encode("utf-8", "backslashreplace").decode().split())
    return "".join(letter if letter.isprintable() else f"\\x{ord(letter):02x}" for letter in line)


def _listed(names: Iterable[str]) -> str:
    first = [printable(name) for name in names]
    return ", ".join([*first[:NAMED], "…"] if len(first) > NAMED else first)
