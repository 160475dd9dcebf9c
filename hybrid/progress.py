"""How long work tells that it goes on: lines, and stages with a count."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

Done = Callable[[int, str], None]


class Progress(Protocol):
    """What shows progress: a terminal, an application's own page, or nothing."""

    def say(self, line: str) -> None:
        """Shows one line."""
        ...

    def track(self, label: str, total: int) -> AbstractContextManager[Done]:
        """A stage of ``total`` steps; the function it gives is told how many are done, and a short note."""
        ...


class Silent:
    """Shows nothing."""

    def say(self, line: str) -> None:
        """Drops the line."""

    @contextmanager
    def track(self, label: str, total: int) -> Iterator[Done]:
        """Drops the counts."""
        yield lambda done, note: None


SILENT: Progress = Silent()
