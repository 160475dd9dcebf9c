"""Folders that appear whole or not at all, and the lock that lets one process write."""

import hashlib
import re
import sys
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from hybrid import disk, library
from hybrid.errors import CorpusBusy, CorpusError

PATIENCE = 5.0
"""Seconds: a change or an index file of another process is done by then, and what lasts longer is named."""

NAME_LENGTH = 200
"""Characters: file systems take 255, and an unfinished folder has a longer name than the corpus."""

_NAME = re.compile(rf"[A-Za-z0-9_][A-Za-z0-9._-]{{0,{NAME_LENGTH - 1}}}")


def corpus_folder(name: str, home: Path | None = None) -> Path:
    """Where the corpus of a name is.

    Raises:
        CorpusError: the name has other characters than letters, digits, ``.``, ``_`` and ``-``, or too many.
    """
    if len(name) > NAME_LENGTH:
        raise CorpusError(
            f'"{name[:20]}…" cannot name a corpus; use at most {NAME_LENGTH} characters, not {len(name)}.'
        )
    if not _NAME.fullmatch(name):
        raise CorpusError(
            f'"{name}" cannot name a corpus; use letters, digits, "_", and not first "." or "-".'
        )
    return (home or library.home()) / "corpora" / name


def name_and_generation(name: str) -> tuple[str, int | None]:
    """Divides ``NAME@NUMBER``; without the second part there is no number.

    Raises:
        CorpusError: what stands behind the ``@`` is no number.
    """
    name, at, number = name.partition("@")
    # Python reads no number of more digits than this.
    if at and (not number.isdecimal() or len(number) > sys.int_info.default_max_str_digits):
        raise CorpusError(f'"{number}" is no generation of "{name}"; write a number, such as {name}@3.')
    return name, int(number) if at else None


def corpus_names(home: Path | None = None) -> list[str]:
    """The names of all corpora in a state folder, sorted.

    Raises:
        CorpusError: it cannot be read.
    """
    corpora = (home or library.home()) / "corpora"
    try:
        disk.finish_moves(corpora)
        found = list(corpora.glob("*/corpus.db"))
    except OSError as exc:
        raise CorpusError(
            f"{exc.filename or corpora}: {exc.strerror}; set HYBRID_HOME to a folder that you may read."
        ) from exc
    return sorted(path.parent.name for path in found if _NAME.fullmatch(path.parent.name))


@contextmanager
def writer_lock(folder: Path, *, patience: float = PATIENCE) -> Iterator[None]:
    """Lets this process alone write in a corpus folder; another one is waited for, for some seconds.

    Raises:
        CorpusBusy: another writer has the lock; its process id is named.
    """

    def refused(holder: str) -> CorpusBusy:
        return CorpusBusy(
            f'Corpus "{folder.name}" is being written by process {holder}; try again when it is done.'
        )

    with disk.only_writer(folder, refused, patience=patience):
        yield


@contextmanager
def staged_folder(target: Path) -> Iterator[Path]:
    """An empty folder beside ``target`` to build in; it is removed at the end if it is still there.

    What a process that was killed had built is removed by the next one that builds or purges.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    sweep(target)
    staged = _beside(target, "new")
    disk.make_folder(staged)
    try:
        with disk.in_use(staged):
            yield staged
    finally:
        disk.remove_tree(staged)


def sweep(target: Path) -> None:
    """Removes the folders beside a corpus that processes built in until they were killed."""
    for staged in target.parent.glob(".*.new-*"):
        disk.remove_unused(staged)


def publish(moves: Mapping[Path, Path], *, replace: bool = False) -> None:
    """Gives finished folders their names: all of them, whatever interrupts it once the first has its name.

    Args:
        moves: staged folder → the folder it becomes; the first one that of a corpus.
        replace: whether folders of that name give way; they are removed after the last move.

    Raises:
        CorpusError: a name is taken, and ``replace`` is not set.
    """
    planned = [disk.Move(staged, target, _beside(target, "old")) for staged, target in moves.items()]
    for staged in moves:
        disk.sync_tree(staged)
    corpora = planned[0].target.parent
    # One at a time, so that of two who want a name the second one is told.
    with disk.in_use(corpora):
        for move in planned:
            if move.target.exists() and not replace:
                raise taken(move.target.name)
        disk.move_all(planned, _journal(corpora))


def publish_file(write: Callable[[Path], None], pattern: Path) -> str:
    """Writes a file beside its place, then gives it a name with its SHA-256.

    Args:
        write: writes the content to the path it is given.
        pattern: the final path, with ``{digest}`` where the SHA-256 stands.

    Returns:
        The SHA-256.
    """
    unfinished = pattern.with_name("unfinished")
    try:
        write(unfinished)
        disk.sync(unfinished)
        with unfinished.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        disk.rename(unfinished, pattern.with_name(pattern.name.format(digest=digest)))
    finally:
        disk.remove(unfinished)
    disk.sync(pattern.parent)
    return digest


def keep_only(folder: Path, names: Collection[str]) -> None:
    """Removes all files of a folder but some."""
    for path in folder.iterdir():
        if path.name not in names:
            disk.remove(path)
    disk.sync(folder)


def discard(folder: Path) -> None:
    """Removes a folder; its name is free at once, whatever interrupts the rest."""
    disk.discard(folder, _beside(folder, "old"), _journal(folder.parent))


def taken(name: str) -> CorpusError:
    """The error for a name that stands for a corpus or suite already."""
    return CorpusError(f'"{name}" exists already; choose another name, or import with --replace.')


def _journal(corpora: Path) -> Path:
    return corpora / f".{uuid.uuid4().hex}{disk.JOURNAL}"


def _beside(target: Path, purpose: str) -> Path:
    # A leading dot, which no corpus name has, so that an unfinished folder is never taken for a corpus.
    return target.with_name(f".{target.name}.{purpose}-{uuid.uuid4().hex[:8]}")
