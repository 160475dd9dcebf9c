"""What has to survive a crash: files that are on the disk, and the lock that lets one process write.

The store changes files through these functions alone, so that a test can stop at any of them.
"""

import fcntl
import json
import os
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple, TextIO

JOURNAL = ".moves"
"""How the name of a journal ends."""
JUST_MADE = 60.0
"""Seconds."""


@contextmanager
def only_writer(
    folder: Path, refused: Callable[[str], Exception], *, patience: float = 0.0
) -> Iterator[None]:
    """Lets this process alone write in a folder, by a lock on its file ``LOCK``.

    The system opens the lock when the process ends, however it ends.

    Args:
        folder: which no other process may write in.
        refused: makes the error from the id of the process that has the lock.
        patience: so many seconds it may be waited for.

    Raises:
        Exception: what ``refused`` makes.
    """
    descriptor = os.open(folder / "LOCK", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        deadline = time.monotonic() + patience
        while not _got(descriptor):
            if time.monotonic() >= deadline:
                raise refused(os.pread(descriptor, 32, 0).decode("ascii", "replace") or "of unknown id")
            time.sleep(0.02)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def in_use(folder: Path) -> Iterator[None]:
    """Tells other processes that a folder is worked in, also under another name; waits for one that does."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def remove_unused(folder: Path) -> None:
    """Removes a folder that no process works in; one that was just made may not be marked as used yet."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            if time.time() - folder.stat().st_mtime > JUST_MADE and _got(descriptor):
                remove_tree(folder)
        finally:
            os.close(descriptor)


class Move(NamedTuple):
    """A finished folder, the name it gets, and where a folder of that name goes."""

    staged: Path
    target: Path
    outdated: Path


def move_all(moves: Sequence[Move], journal: Path) -> None:
    """Gives folders their names: all of them, or none if one fails, also if the process is killed in between.

    What is to be done stands in a journal first; :func:`finish_moves` goes on with it after a crash.

    Args:
        moves: finished folders, on the disk.
        journal: a file that is not there, in a folder that ``finish_moves`` looks at.
    """
    outdated = [move.outdated for move in moves]
    with _noted(journal, moves, outdated):
        try:
            _move(moves)
        except BaseException:
            _move_back(moves)
            remove(journal)
            raise
        _clear(outdated, journal)


def discard(folder: Path, outdated: Path, journal: Path) -> None:
    """Removes a folder; its name is free at once, and :func:`finish_moves` removes the rest after a crash.

    Args:
        folder: that is to go.
        outdated: its name meanwhile.
        journal: as for :func:`move_all`.
    """
    with _noted(journal, [], [outdated]):
        try:
            rename(folder, outdated)
        except BaseException:
            remove(journal)
            raise
        sync(folder.parent)
        _clear([outdated], journal)


def finish_moves(folder: Path) -> None:
    """Goes on with what was moved or removed when its process ended; waits for one that is alive."""
    # Hidden files alone: a corpus, too, may have a name that ends like this.
    for journal in filter(Path.is_file, folder.glob(f".*{JOURNAL}")):
        with suppress(FileNotFoundError), _locked(journal, made=True) as file:
            if journal.exists():
                try:
                    noted = json.load(file)
                except json.JSONDecodeError:  # killed while it was written, before anything was moved
                    noted = {"moves": [], "outdated": []}
                _move([Move(*map(Path, move)) for move in noted["moves"]])
                _clear(map(Path, noted["outdated"]), journal)


def _got(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _move(moves: Sequence[Move]) -> None:
    for staged, target, outdated in moves:
        if staged.exists():
            if target.exists():
                rename(target, outdated)
            rename(staged, target)
        sync(target.parent)


def _move_back(moves: Sequence[Move]) -> None:
    for staged, target, outdated in reversed(moves):
        if target.exists() and not staged.exists():
            rename(target, staged)
        if outdated.exists():
            rename(outdated, target)


def _clear(outdated: Iterable[Path], journal: Path) -> None:
    """What is outdated goes before the journal, without which nobody would know of it."""
    for folder in outdated:
        remove_tree(folder)
    remove(journal)


@contextmanager
def _noted(journal: Path, moves: Sequence[Move], outdated: Sequence[Path]) -> Iterator[None]:
    """What is to be done stands in the journal, on the disk, before the block does it."""
    with _locked(journal) as file:
        paths = [[str(path) for path in move] for move in moves]
        json.dump({"moves": paths, "outdated": list(map(str, outdated))}, file)
        file.flush()
        os.fsync(file.fileno())
        sync(journal.parent)
        yield


@contextmanager
def _locked(journal: Path, *, made: bool = False) -> Iterator[TextIO]:
    with journal.open("r+" if made else "x+", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield file


def make_folder(path: Path) -> None:
    """Makes a folder that is not there."""
    path.mkdir()


def rename(source: Path, target: Path) -> None:
    """Gives a file or a folder another name, in one step."""
    os.rename(source, target)


def remove(path: Path) -> None:
    """Removes a file, if it is there."""
    path.unlink(missing_ok=True)


def remove_tree(folder: Path) -> None:
    """Removes a folder with all that is in it, if it is there."""
    shutil.rmtree(folder, ignore_errors=not folder.exists())


def sync(path: Path) -> None:
    """Puts the content of a file, or the names in a folder, on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_tree(folder: Path) -> None:
    """Puts a folder and everything in it on the disk."""
    for path in (*folder.rglob("*"), folder):
        sync(path)
