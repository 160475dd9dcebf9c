"""Generated texts kept by digest, so that scoring again does not generate again."""

import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Generated:
    """What the model wrote for one prompt, control tokens removed.

    Attributes:
        text: of the answer.
        tokens: written.
        prompt_tokens: read, as a server counted them; None: as many as the prompt has.
        leader: the place, from 0, of the passage shown on which an ensemble's answer stands; else None.
    """

    text: str
    tokens: int
    prompt_tokens: int | None = None
    leader: int | None = None


@dataclass(frozen=True, slots=True)
class GeneratedBatch:
    """What the model wrote for one batch, and what that cost on the machine that did it.

    ``peak_memory_mb`` is None where that is another machine.
    """

    outputs: tuple[Generated, ...]
    seconds: float
    peak_memory_mb: float | None


class AnswerStore:
    """One JSON file a batch, named by the digest of everything that decides its content."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, key: str) -> GeneratedBatch | None:
        """The batch of that key, if it was generated before."""
        path = self._path(key)
        if not path.is_file():
            return None
        data = json.loads(path.read_text(encoding="utf-8"))
        outputs = tuple(Generated(**output) for output in data["outputs"])
        return GeneratedBatch(outputs, data["seconds"], data["peak_memory_mb"])

    def put(self, key: str, batch: GeneratedBatch) -> None:
        """Keeps a batch; written beside and renamed, so that a half-written one is never read."""
        path = self._path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, beside = tempfile.mkstemp(dir=path.parent)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(asdict(batch), file)
        os.replace(beside, path)

    def kept(self, key: str, make: Callable[[], GeneratedBatch]) -> GeneratedBatch:
        """The batch of that key, made and kept if it was not generated before."""
        batch = self.get(key)
        if batch is None:
            batch = make()
            self.put(key, batch)
        return batch

    def _path(self, key: str) -> Path:
        return self._folder / key[:2] / f"{key}.json"


def batch_key(setup: str, prompts: Sequence[Sequence[Any]]) -> str:
    """The digest of a batch: the setup (model, adapter, decoding) and every prompt in it, in order.

    Args:
        setup: names everything but the prompts.
        prompts: of each its token ids, or whatever JSON decides its answer.
    """
    digest = hashlib.sha256(setup.encode())
    for prompt in prompts:
        digest.update(json.dumps(list(prompt)).encode())
    return digest.hexdigest()
