"""The process in which other people's code parses files: it gets bytes, never a path, and gives text.

A request is two frames, the ending and the bytes of a file; the reply is one, JSON with either the fields
of Content or ``kind`` and ``reason``. The system holds the limits: it ends a process that takes too long,
also one whose parent is gone, and refuses memory beyond the limit.
"""

import contextlib
import json
import os
import resource
import signal
import sys
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from hybrid.corpus.reading.content import Content, Refused, clean
from hybrid.corpus.reading.frames import read_frame, write_frame
from hybrid.corpus.reading.html import read_html
from hybrid.corpus.reading.limits import OUT_OF_MEMORY, Limits, megabytes
from hybrid.corpus.reading.mail import read_mail
from hybrid.corpus.reading.office import check_archive, read_docx, read_pptx, read_xlsx
from hybrid.corpus.reading.pdf import read_pdf

OFFICE: dict[str, Callable[[bytes], Content]] = {
    ".docx": read_docx,
    ".pptx": read_pptx,
    ".xlsx": read_xlsx,
}
PARSERS: dict[str, Callable[[bytes], Content]] = OFFICE | {
    ".eml": read_mail,
    ".htm": read_html,
    ".html": read_html,
    ".pdf": read_pdf,
    ".xhtml": read_html,
}


def main() -> None:
    """Answers requests until there are no more."""
    limits = Limits(**json.loads(sys.argv[1]))
    _confine(limits)
    replies = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    # Whatever a library prints must not come between the frames.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    try:
        with contextlib.suppress(EOFError):
            while True:
                ending = read_frame(sys.stdin.buffer).decode()
                signal.setitimer(signal.ITIMER_REAL, limits.seconds)
                reply = _reply(ending, read_frame(sys.stdin.buffer), limits)
                signal.setitimer(signal.ITIMER_REAL, 0)
                write_frame(replies, json.dumps(reply).encode())
    except MemoryError:
        os._exit(OUT_OF_MEMORY)


def _confine(limits: Limits) -> None:
    # macOS has no such limit of memory.
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (limits.memory_bytes, limits.memory_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGALRM})


def _reply(ending: str, data: bytes, limits: Limits) -> dict[str, Any]:
    try:
        return asdict(_parse(ending, data, limits))
    except Refused as exc:
        return {"kind": exc.kind, "reason": exc.reason}
    except MemoryError:
        raise
    except Exception as exc:
        # Any parser may raise anything about a file that is broken.
        reason = " ".join(f"{type(exc).__name__}: {exc}".split())
        return {"kind": "unreadable", "reason": f"cannot be parsed ({reason[:200]})"}


def _parse(ending: str, data: bytes, limits: Limits) -> Content:
    if ending in OFFICE:
        check_archive(data, limits.unpacked_bytes)
    content = PARSERS[ending](data)
    text = clean(content.text)
    if not text.strip():
        raise Refused("no text", "has no text")
    if len(text.encode()) > limits.text_bytes:
        raise Refused("too large", f"has more than {megabytes(limits.text_bytes)} of text")
    metadata = {key: clean(value) for key, value in content.metadata.items()}
    return Content(text, clean(content.title), metadata)


if __name__ == "__main__":
    main()
