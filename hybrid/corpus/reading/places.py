"""Which files a path stands for, and opening one without harm: no pipe is waited for, no link leads out."""

import glob
import os
import stat
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path

from hybrid.corpus.reading.content import Refused
from hybrid.corpus.reading.endings import FORMATS, ending

LINKS = "links to folders"
HIDDEN = "hidden"


@dataclass(frozen=True, slots=True)
class Place:
    """A file that is to be read.

    Attributes:
        path: as it was given, or found.
        id: the path below the given folder, or the name of a file that was given itself.
        folder: which a link must not lead out of; None for a file that was given itself.
    """

    path: Path
    id: str
    folder: Path | None = None


def find_places(paths: Iterable[Path], passed_over: Counter[str]) -> Iterator[Place]:
    """The files of all paths: files, folders with all below them, and patterns such as ``docs/**/*.md``.

    Args:
        paths: a path that is not there and has ``*``, ``?`` or ``[`` is a pattern.
        passed_over: gets what is passed over in folders, counted by ending.
    """
    for path in paths:
        if path.is_dir():
            yield from sorted(_below(path, passed_over), key=lambda place: place.id)
        elif glob.has_magic(str(path)) and not os.path.lexists(path):
            yield from _matching(path, passed_over)
        else:
            yield Place(path, path.name)


def open_file(place: Place) -> BufferedReader:
    """Opens a regular file.

    Raises:
        Refused: it is none, cannot be opened, leads out of its folder, or its name is not UTF-8.
    """
    if place.folder and place.path.is_symlink() and not _leads_into(place.path, place.folder):
        raise Refused("outside", "leads out of the folder")
    if any("\ud800" <= letter <= "\udfff" for letter in place.id):
        raise Refused("unreadable", "its name is not UTF-8")
    try:
        mode = place.path.stat().st_mode
        if not stat.S_ISREG(mode):
            raise Refused("unreadable", f"is no file but a {_thing(mode)}")
        # Between the two calls a pipe may take the file's place; opening it would wait for a writer.
        return os.fdopen(os.open(place.path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb")
    except OSError as exc:
        raise Refused("unreadable", exc.strerror or str(exc)) from exc


def _below(folder: Path, passed_over: Counter[str]) -> Iterator[Place]:
    unlisted: list[OSError] = []
    for parent, names, files in os.walk(folder, onerror=unlisted.append):
        passed_over[HIDDEN] += sum(map(_is_hidden, names))
        names[:] = [name for name in names if not _is_hidden(name)]
        for link in (Path(parent, name) for name in names):
            if not link.is_symlink():
                continue
            if _leads_into(link, folder):
                # What it leads to is read where it lies.
                passed_over[LINKS] += 1
            else:
                yield Place(link, link.relative_to(folder).as_posix(), folder)
        for name in files:
            yield from _wanted(Path(parent, name), folder, passed_over)
    for error in unlisted:
        path = Path(str(error.filename))
        yield Place(path, path.relative_to(folder).as_posix(), folder)


def _matching(pattern: Path, passed_over: Counter[str]) -> Iterator[Place]:
    parts = pattern.parts
    fixed = next(number for number, part in enumerate(parts) if glob.has_magic(part))
    folder = Path(*parts[:fixed])
    found = [Path(name) for name in sorted(glob.glob(str(pattern), recursive=True))]
    files = [path for path in found if not path.is_dir()]
    for path in files:
        yield from _wanted(path, folder, passed_over)
    if not files:
        yield Place(pattern, pattern.name)


def _wanted(path: Path, folder: Path, passed_over: Counter[str]) -> Iterator[Place]:
    if _is_hidden(path.name):
        passed_over[HIDDEN] += 1
    elif ending(path) not in FORMATS:
        passed_over[ending(path) or "without ending"] += 1
    else:
        yield Place(path, path.relative_to(folder).as_posix(), folder)


def _is_hidden(name: str) -> bool:
    # Office keeps a file ~$… beside each one that is open.
    return name.startswith((".", "~$"))


def _leads_into(link: Path, folder: Path) -> bool:
    return Path(os.path.realpath(link)).is_relative_to(os.path.realpath(folder))


def _thing(mode: int) -> str:
    kinds = {stat.S_IFDIR: "folder", stat.S_IFIFO: "pipe", stat.S_IFSOCK: "socket"}
    return kinds.get(stat.S_IFMT(mode), "device")
