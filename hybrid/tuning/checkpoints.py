"""Checkpoints that are complete or ignored: the file written last names all others with their digests."""

import json
import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from hybrid.disk import sync, sync_tree
from hybrid.models import file_digest

COMPLETE = "COMPLETE"
KEPT = 2


def checkpoint(folder: Path, step: int) -> Path:
    """Where the checkpoint after a step is."""
    return folder / f"checkpoint-{step}"


def seal(made: Path) -> None:
    """Marks a checkpoint as complete, once everything in it is on the disk."""
    sync_tree(made)
    digests = {path.name: file_digest(path) for path in sorted(made.iterdir())}
    unfinished = made / f"{COMPLETE}.unfinished"
    unfinished.write_text(json.dumps(digests, indent=1) + "\n", encoding="utf-8")
    sync(unfinished)
    os.replace(unfinished, made / COMPLETE)
    sync(made)


def is_sealed(made: Path) -> bool:
    """Whether a checkpoint was written to its end, and all its files are still what they were then."""
    if not (made / COMPLETE).is_file():
        return False
    digests = json.loads((made / COMPLETE).read_text(encoding="utf-8"))
    return all((made / name).is_file() and file_digest(made / name) == digests[name] for name in digests)


def last_checkpoint(folder: Path) -> Path | None:
    """The newest checkpoint to continue from; it is complete, and so is the best one that it speaks of.

    All others are removed, so that none is taken for one of the training that goes on.
    """
    for made in reversed(_checkpoints(folder)):
        if is_sealed(made) and all(is_sealed(each) for each in _with_best([made])):
            _keep_only(folder, _with_best([made]))
            return made
    _keep_only(folder, ())
    return None


def retire(folder: Path) -> None:
    """Removes all checkpoints but the newest ones, and the best ones that they speak of."""
    _keep_only(folder, _with_best(_checkpoints(folder)[-KEPT:]))


def _with_best(made: Iterable[Path]) -> set[Path]:
    """Checkpoints, and the ones of the best steps up to them, where these were measured."""
    found = set(made)
    for each in list(found):
        state = json.loads((each / "trainer_state.json").read_text(encoding="utf-8"))
        if state["best_global_step"] is not None:
            found.add(checkpoint(each.parent, state["best_global_step"]))
    return found


def _keep_only(folder: Path, kept: Iterable[Path]) -> None:
    for each in set(_checkpoints(folder)) - set(kept):
        shutil.rmtree(each)


def _checkpoints(folder: Path) -> list[Path]:
    """In the order of their steps."""
    found = folder.glob("checkpoint-*")
    return sorted(found, key=lambda path: int(path.name.split("-")[1]))
