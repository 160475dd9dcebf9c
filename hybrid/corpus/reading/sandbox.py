"""A process of its own in which files are parsed; a file may end it without harm."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from dataclasses import asdict
from types import TracebackType
from typing import Any, Self

from hybrid.corpus.reading.content import Content, Refused
from hybrid.corpus.reading.frames import read_frame, write_frame
from hybrid.corpus.reading.limits import OUT_OF_MEMORY, Limits, megabytes

_CALM = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
"""Libraries that reserve memory for every core would meet the limit before any file is parsed."""


class Sandbox:
    """Parses files within limits; its process is started when one is needed, and again after it died."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            self._process.kill()
            self._end(self._process)

    def parse(self, ending: str, data: bytes) -> Content:
        """The content of a file.

        Args:
            ending: one of those in ``endings.PARSED``.
            data: its bytes, unpacked.

        Raises:
            Refused: it cannot be parsed, has no text, or meets a limit.
        """
        reply: dict[str, Any] | None = None
        while reply is None:
            fresh = self._process is None
            process = self._process or self._start()
            try:
                reply = _ask(process, ending, data)
            except (BrokenPipeError, EOFError) as exc:
                status = self._end(process)
                # One that has parsed other files may have died of what they left behind.
                if fresh or status == -signal.SIGALRM:
                    raise self._refusal(status) from exc
        if "kind" in reply:
            raise Refused(reply["kind"], reply["reason"])
        return Content(**reply)

    def _start(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-P", "-m", "hybrid.corpus.reading.worker"]
        paths = os.pathsep.join(os.path.abspath(path) for path in sys.path)
        self._process = subprocess.Popen(
            [*command, json.dumps(asdict(self._limits))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=os.environ | _CALM | {"PYTHONPATH": paths},
        )
        return self._process

    def _end(self, process: subprocess.Popen[bytes]) -> int:
        """Waits for a process that has nothing more to do; gives its exit status."""
        self._process = None
        assert process.stdin and process.stdout
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()
        process.stdout.close()
        return process.wait()

    def _refusal(self, status: int) -> Refused:
        if status == -signal.SIGALRM:
            return Refused("too slow", f"takes more than {self._limits.seconds:g} seconds")
        if status == OUT_OF_MEMORY:
            return Refused("too large", f"needs more than {megabytes(self._limits.memory_bytes)} of memory")
        how = signal.Signals(-status).name if status < 0 else f"exit status {status}"
        return Refused("unreadable", f"the process that parsed it broke off ({how})")


def _ask(process: subprocess.Popen[bytes], ending: str, data: bytes) -> dict[str, Any]:
    assert process.stdin and process.stdout
    write_frame(process.stdin, ending.encode())
    write_frame(process.stdin, data)
    reply: dict[str, Any] = json.loads(read_frame(process.stdout))
    return reply
