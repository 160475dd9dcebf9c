"""Progress on stderr: lines, and bars with an estimate of the time left."""

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from hybrid.progress import Done

SECONDS_BETWEEN_LINES = 30


class TerminalProgress:
    """Shows progress to a person; stdout stays free for results."""

    def __init__(self) -> None:
        self._console = Console(stderr=True)

    def say(self, line: str) -> None:
        """Prints one line to stderr."""
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)

    @contextmanager
    def track(self, label: str, total: int) -> Iterator[Done]:
        """A bar with count, time taken and time left; without a terminal a line now and then."""
        if not self._console.is_terminal:
            yield self._lines(label, total)
            return
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[note]}"),
        )
        with Bar(*columns, console=self._console) as bar:
            task = bar.add_task(label, total=total, note="")
            yield lambda done, note: bar.update(task, completed=done, note=note)

    def _lines(self, label: str, total: int) -> Done:
        last = time.monotonic()
        # Work that was resumed does not start at 0, so the pace is taken from the first count on.
        first: tuple[float, int] | None = None

        def done(count: int, note: str) -> None:
            nonlocal last, first
            now = time.monotonic()
            first = first or (now, count)
            if count < total and now - last < SECONDS_BETWEEN_LINES:
                return
            last = now
            left = (now - first[0]) / max(count - first[1], 1) * (total - count)
            self.say(f"{label}: {count}/{total}, about {left / 60:.0f} min left {note}".rstrip())

        return done


def print_json(data: Mapping[str, Any]) -> None:
    """One JSON object on stdout."""
    typer.echo(json.dumps(data, ensure_ascii=False))
