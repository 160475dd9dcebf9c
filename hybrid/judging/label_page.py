"""The page on which a person labels statements, served to this machine alone."""

import re
import secrets
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from hybrid.cjk import CJK
from hybrid.errors import RunError
from hybrid.judging.labelling import Claim, Label, Labels
from hybrid.judging.overlap import content_words

HOST = "127.0.0.1"
MOST_BYTES = 4096
"""More than a form of this page ever sends."""

_WORD = re.compile(rf"[{CJK}]|\d+(?:[.,]\d+)+|\w+")


@dataclass(frozen=True, slots=True)
class Session:
    """What is labelled, and where the labels go.

    Attributes:
        run: as the person named it, for the command that continues.
        deck: the claims to label, in order.
        labels: so far.
        token: stands in every address of the page; who does not know it sees and sends nothing.
    """

    run: str
    deck: Sequence[Claim]
    labels: Labels
    token: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    _writing: threading.Lock = field(default_factory=threading.Lock)

    @property
    def done(self) -> int:
        """How many claims of the deck have a label."""
        return sum(claim.key in self.labels.by_key for claim in self.deck)

    def label(self, key: str, label: Label) -> bool:
        """Keeps a label; False if the deck has no such claim."""
        claim = next((claim for claim in self.deck if claim.key == key), None)
        if claim:
            with self._writing:
                self.labels.add(claim, label)
        return claim is not None

    def next_place(self) -> int:
        """The place of the first claim without a label, from 1; one more than the deck if there is none."""
        places = (place for place, claim in enumerate(self.deck, 1) if claim.key not in self.labels.by_key)
        return next(places, len(self.deck) + 1)


class LabelServer(ThreadingHTTPServer):
    """Serves one session on the loopback interface.

    Raises:
        RunError: the port is taken.
    """

    daemon_threads = True
    # On Linux this would let two servers share the port, and half the labels be lost from sight.
    allow_reuse_port = False

    def __init__(self, session: Session, port: int = 0) -> None:
        self.session = session
        try:
            super().__init__((HOST, port), _Handler)
        except (OSError, OverflowError) as exc:
            raise RunError(f"Port {port} cannot be used ({exc}); choose another with --port.") from exc

    @property
    def hosts(self) -> set[str]:
        """The names under which a browser may ask for it; another one was made to resolve to this machine."""
        return {f"{name}:{self.server_port}" for name in (HOST, "localhost")}

    @property
    def address(self) -> str:
        """Where the page is."""
        return f"http://{HOST}:{self.server_port}/{self.session.token}/"


class _Handler(BaseHTTPRequestHandler):
    server: LabelServer
    server_version = "hybrid"
    sys_version = ""
    timeout = 60

    def do_GET(self) -> None:
        place = self._place()
        if place is None:
            return
        nonce = secrets.token_urlsafe(16)
        body = render(self.server.session, place, nonce).encode("utf-8", "replace")
        self._answer(HTTPStatus.OK, body, nonce)

    def do_POST(self) -> None:
        if self._place() is None:
            return
        key, label = self._form()
        if label is None or not self.server.session.label(key, label):
            self._refuse(HTTPStatus.BAD_REQUEST)
            return
        self.send_response(HTTPStatus.SEE_OTHER)
        self.send_header("Location", f"/{self.server.session.token}/")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """The terminal belongs to the command."""

    def _place(self) -> int | None:
        """The place in the deck that the address names; None after a refusal."""
        session = self.server.session
        token, _, place = self.path.removeprefix("/").partition("/")
        origin = self.headers.get("Origin")
        here = self.headers.get("Host") in self.server.hosts and (
            origin is None or origin.removeprefix("http://") in self.server.hosts
        )
        if not here or not secrets.compare_digest(token.encode(), session.token.encode()):
            self._refuse(HTTPStatus.FORBIDDEN)
        elif not place:
            return session.next_place()
        elif place.isdecimal() and 1 <= int(place) <= len(session.deck):
            return int(place)
        else:
            self._refuse(HTTPStatus.NOT_FOUND)
        return None

    def _form(self) -> tuple[str, Label | None]:
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > MOST_BYTES:
            return "", None
        fields = parse_qs(self.rfile.read(int(length)).decode("utf-8", "replace"))
        label = fields.get("label", [""])[0]
        return fields.get("key", [""])[0], Label(label) if label in set(Label) else None

    def _refuse(self, status: HTTPStatus) -> None:
        self.close_connection = True
        self._answer(status, f"{status.value} {status.phrase}\n".encode(), kind="text/plain")

    def _answer(self, status: HTTPStatus, body: bytes, nonce: str = "", kind: str = "text/html") -> None:
        policy = (
            f"default-src 'none'; style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'; "
            "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
        )
        self.send_response(status)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Security-Policy", policy)
        # Not "no-referrer": with it a browser sends the form with the origin "null".
        self.send_header("Referrer-Policy", "same-origin")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(body)


def render(session: Session, place: int, nonce: str) -> str:
    """The page of one claim, or that all are labelled; every text is escaped where it is put.

    Args:
        session: of which it tells neither cell nor verdict.
        place: in the deck, from 1; one more for the end.
        nonce: of the one script and the one style that may act.
    """
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    claim = session.deck[place - 1] if place <= len(session.deck) else None
    words = set(content_words(claim.statement)) if claim else set()
    return environment.get_template("label.html.j2").render(
        claim=claim,
        passages=[(title, list(marked(text, words))) for title, text in claim.passages] if claim else [],
        label=session.labels.by_key.get(claim.key) if claim else None,
        place=place,
        done=session.done,
        total=len(session.deck),
        token=session.token,
        run=session.run,
        path=session.labels.path,
        nonce=nonce,
    )


def marked(text: str, words: set[str]) -> Iterator[tuple[str, bool]]:
    """The text in pieces, each with whether it is one of the words, endings aside and numbers by value."""
    end = 0
    for word in _WORD.finditer(text):
        if words.intersection(content_words(word[0])):
            yield text[end : word.start()], False
            yield word[0], True
            end = word.end()
    yield text[end:], False
