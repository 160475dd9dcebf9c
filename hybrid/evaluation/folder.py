"""The folder of a run: empty at the start, or one that the same run left unfinished."""

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hybrid import library
from hybrid.errors import RunError

IDENTITY = "run.json"


def run_folder(digest: str, out: Path | None, *, resume: bool) -> Path:
    """Prepares the folder of a run and writes down whose it is.

    Args:
        digest: of everything that decides the run.
        out: the folder wanted; None for one under ``<home>/runs``.
        resume: continue in a folder that the same run has begun.

    Raises:
        RunError: the folder holds something else.
    """
    folder = out or _own_folder(digest, resume)
    begun = _begun_by(folder)
    if folder.exists() and not folder.is_dir():
        raise RunError(f"{folder} is a file; --out needs a folder.")
    if begun is None and folder.is_dir() and any(folder.iterdir()):
        raise RunError(f"{folder} is not empty; choose another folder for --out.")
    if begun is not None and not resume:
        raise RunError(
            f"{folder} holds a run; continue it with --resume, or choose another folder for --out."
        )
    if begun not in (None, digest):
        raise RunError(
            f"{folder} holds a run with other settings, questions or versions; it cannot be resumed."
        )
    folder.mkdir(parents=True, exist_ok=True)
    (folder / IDENTITY).write_text(json.dumps({"digest": digest}) + "\n", encoding="utf-8")
    return folder


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Makes a folder and turns what forbids to write there into an error of the user.

    Raises:
        RunError: the folder cannot be made or written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as exc:
        raise RunError(f"{folder}: {exc.strerror}; choose another folder with --out.") from exc


def write_beside(path: Path, text: str) -> None:
    """Writes a file beside its place and renames it, so that a half-written one is never read."""
    beside = path.with_name(f".{path.name}.tmp")
    # In JSON a lone surrogate is escaped so as to be read back; on the page it is shown by its number.
    beside.write_text(text, encoding="utf-8", errors="backslashreplace")
    os.replace(beside, path)


def _own_folder(digest: str, resume: bool) -> Path:
    runs = library.home() / "runs"
    begun = sorted(runs.glob(f"*-{digest[:12]}"))
    if resume and begun:
        return begun[-1]
    while True:
        folder = runs / f"{time.strftime('%Y%m%d-%H%M%S')}-{digest[:12]}"
        if not folder.exists():
            return folder
        # The same run a second time within a second.
        time.sleep(0.2)


def _begun_by(folder: Path) -> str | None:
    """The digest of the run that began here; None if there is none, or its mark is damaged."""
    path = folder / IDENTITY
    if not path.is_file():
        return None
    try:
        digest: str = json.loads(path.read_text(encoding="utf-8"))["digest"]
    except (ValueError, KeyError, TypeError):
        return None
    return digest
