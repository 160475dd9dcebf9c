"""The bytes and lines of a file, unpacked no further than the limits allow."""

import gzip
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path

from hybrid.corpus.reading.content import Refused
from hybrid.corpus.reading.endings import is_packed
from hybrid.corpus.reading.limits import megabytes


def read_whole(file: BufferedReader, path: Path, file_bytes: int, unpacked_bytes: int) -> bytes:
    """All bytes of a file.

    Args:
        file: opened, at its start.
        path: a file whose name ends in ``.gz`` is unpacked.
        file_bytes: greatest size as it lies there.
        unpacked_bytes: greatest size of what it gives.

    Raises:
        Refused: it is larger, empty, or not a whole gzip file.
    """
    _check_size(file, file_bytes)
    with _unpacking(file, path) as stream:
        data = stream.read(unpacked_bytes + 1)
    if len(data) > unpacked_bytes:
        raise Refused("too large", f"holds more than {megabytes(unpacked_bytes)}")
    return data


def read_lines(
    file: BufferedReader, path: Path, unpacked_bytes: int, line_bytes: int
) -> Iterator[tuple[int, bytes]]:
    """Number, counted from 1, and bytes of each line; the file is never in memory as a whole.

    Raises:
        Refused: the file or a line is larger than allowed, or it is empty or not a whole gzip file.
    """
    _check_size(file, unpacked_bytes)
    size = number = 0
    with _unpacking(file, path) as stream:
        while line := stream.readline(line_bytes + 1):
            number += 1
            size += len(line)
            if len(line) > line_bytes:
                raise Refused("too large", f"the row has more than {megabytes(line_bytes)}", number)
            if size > unpacked_bytes:
                raise Refused("too large", f"holds more than {megabytes(unpacked_bytes)}")
            yield number, line


def _check_size(file: BufferedReader, greatest: int) -> None:
    size = os.fstat(file.fileno()).st_size
    if size == 0:
        raise Refused("empty", "is empty")
    if size > greatest:
        raise Refused("too large", f"has {megabytes(size)}, more than {megabytes(greatest)}")


@contextmanager
def _unpacking(file: BufferedReader, path: Path) -> Iterator[BufferedReader | gzip.GzipFile]:
    try:
        if is_packed(path):
            with gzip.GzipFile(fileobj=file) as stream:
                yield stream
        else:
            yield file
    except (gzip.BadGzipFile, EOFError, zlib.error) as exc:
        raise Refused("unreadable", f"not a whole gzip file ({exc})") from exc
    except OSError as exc:
        raise Refused("unreadable", exc.strerror or str(exc)) from exc
