"""What has to survive a crash: files that are on the disk, and the lock that lets one process write."""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def only_writer(folder: Path, refused: Callable[[str], Exception]) -> Iterator[None]:
    """Lets this process alone write in a folder, by a lock on its file ``LOCK``.

    The system opens the lock when the process ends, however it ends.

    Args:
        folder: which no other process may write in.
        refused: makes the error from the id of the process that has the lock.

    Raises:
        Exception: what ``refused`` makes.
    """
    descriptor = os.open(folder / "LOCK", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            raise refused(os.pread(descriptor, 32, 0).decode("ascii", "replace") or "of unknown id") from exc
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(descriptor)


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
