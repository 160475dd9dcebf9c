"""An OpenAI-compatible server: requests sent side by side, retried, each with a reply or an error of its own.

Text leaves this machine through this module alone. The key is read from the environment when a request is
sent, and is never stored, printed or written into results. Plain http is for loopback only.
"""

import ipaddress
import os
import random
import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from itertools import islice
from threading import Event
from typing import Any
from urllib.parse import SplitResult, urlsplit

import httpx

from hybrid.errors import BadSpec, EndpointError
from hybrid.progress import Done

__all__ = ["Endpoint", "EndpointError", "Reply", "parse_address"]

Reply = dict[str, Any] | EndpointError
"""What became of one request."""

FIRST_WAIT = 0.5
"""Seconds before the first repetition; each further wait is twice as long."""
LONGEST_WAIT = 120.0
"""A server that asks for a longer pause than this is given up."""
HOPELESS = frozenset({401, 403, 404, 405})
"""What one request is refused with, all others are refused with."""


class Endpoint:
    """A server that speaks OpenAI's protocol, such as vLLM, llama.cpp's server, or a vendor.

    Args:
        url: up to its version, such as ``http://127.0.0.1:8000/v1``.
        key_variable: the environment variable with the key; it may be unset if the server wants none.
        timeout: seconds to wait for one reply.
        retries: repetitions of a request that met a refused connection, a timeout, 429 or 5xx.
        concurrency: requests under way at a time.

    Raises:
        BadSpec: the URL is none, holds a password, or would send text in the clear over a network.
    """

    def __init__(
        self,
        url: str,
        *,
        key_variable: str = "OPENAI_API_KEY",
        timeout: float = 60.0,
        retries: int = 4,
        concurrency: int = 8,
    ) -> None:
        parts = _checked(url)
        self.url = url.rstrip("/")
        self.host = parts.netloc
        self.loopback = _is_loopback(parts.hostname or "")
        self.key_variable = key_variable
        self.timeout = timeout
        self.retries = retries
        self.concurrency = concurrency

    @property
    def place(self) -> str:
        """The host as a person is told who receives text."""
        return f"{self.host} (this machine)" if self.loopback else self.host

    def send_all(
        self, path: str, bodies: Sequence[Mapping[str, Any]], done: Done = lambda done, note: None
    ) -> list[Reply]:
        """Sends JSON bodies to a path such as ``/chat/completions``.

        Args:
            path: beneath the URL.
            bodies: one for each request.
            done: told how many requests have come back.

        Returns:
            For each body, in order, the server's JSON object, or the error that it ended with.
        """
        replies: dict[int, Reply] = {}
        for row, reply in self.send_each(path, bodies):
            replies[row] = reply
            done(len(replies), "")
        return [replies[row] for row in range(len(bodies))]

    def send_each(self, path: str, bodies: Iterable[Mapping[str, Any]]) -> Iterator[tuple[int, Reply]]:
        """The same one by one as replies come in, each with the row of its body.

        A body is drawn only when there is room for its request, so that a lazy iterable can end early.
        Closing the iterator stops what is still to be sent.
        """
        stop = Event()
        hopeless: EndpointError | None = None
        rest = enumerate(bodies)
        sending: dict[Future[Reply], int] = {}
        with self._client() as client, ThreadPoolExecutor(self.concurrency) as pool:
            try:
                while hopeless is None:
                    for row, body in islice(rest, self.concurrency - len(sending)):
                        post = _Request("POST", path, body)
                        sending[pool.submit(self._send, client, post, stop)] = row
                    if not sending:
                        return
                    for future in wait(sending, return_when=FIRST_COMPLETED).done:
                        reply = future.result()
                        if isinstance(reply, EndpointError) and reply.hopeless:
                            hopeless = reply
                        yield sending.pop(future), reply
                stop.set()
                for future, row in sending.items():
                    yield row, future.result()
                for row, _ in rest:
                    yield row, hopeless
            finally:
                stop.set()
                pool.shutdown(cancel_futures=True)

    def get(self, path: str) -> Reply:
        """Reads a path, such as ``/models``."""
        with self._client() as client:
            return self._send(client, _Request("GET", path, None), Event())

    def _client(self) -> httpx.Client:
        key = os.environ.get(self.key_variable, "").strip()
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        # A proxy of the environment must not see what stays on this machine.
        return httpx.Client(headers=headers, timeout=self.timeout, trust_env=not self.loopback)

    def _send(self, client: httpx.Client, request: "_Request", stop: Event) -> Reply:
        for attempt in range(self.retries + 1):
            outcome = self._try(client, request)
            if not isinstance(outcome, _Failure):
                return outcome
            failure = outcome
            pause = failure.pause or FIRST_WAIT * 2**attempt * (1 + random.random() / 2)
            if attempt == self.retries or not failure.again or pause > LONGEST_WAIT or stop.wait(pause):
                break
        return self._error(failure, attempt + 1)

    def _try(self, client: httpx.Client, request: "_Request") -> "dict[str, Any] | _Failure":
        try:
            response = client.request(request.method, self.url + request.path, json=request.body)
        except httpx.TimeoutException:
            return _Failure(f"no reply within {self.timeout:g} s", "Raise the timeout or lower the load.")
        except (httpx.TransportError, httpx.DecodingError) as exc:
            reason = " ".join(str(exc).split()) or type(exc).__name__
            hopeless = isinstance(exc, httpx.ConnectError)
            return _Failure(f"no connection ({reason})", "Is the server running?", hopeless=hopeless)
        if response.status_code != 200:
            return self._refused(response)
        try:
            data = response.json()
        except ValueError:
            data = None
        if isinstance(data, dict):
            return data
        return _Failure("the reply is not a JSON object", "Is this an OpenAI-compatible server?", status=200)

    def _refused(self, response: httpx.Response) -> "_Failure":
        status = response.status_code
        if status in (401, 403):
            return _Failure(
                "the key was refused", f"Set {self.key_variable} to a valid one.", status, again=False
            )
        said = self._said(response)
        if status == 429:
            return _Failure(
                f"too many requests{said}", "Lower the concurrency, or wait.", status, pause=_pause(response)
            )
        if status >= 500:
            return _Failure(f"the server failed{said}", "Look at its log.", status, pause=_pause(response))
        remedy = (
            "Check the model's name and the URL." if status == 404 else "Check the model and the request."
        )
        return _Failure(f"the request was refused{said}", remedy, status, again=False)

    def _said(self, response: httpx.Response) -> str:
        """The server's own words, short and on one line; the key is cut out, should it be among them."""
        text = " ".join(response.text.split())[:200]
        key = os.environ.get(self.key_variable, "").strip()
        return f": {text.replace(key, '…') if key else text}" if text else ""

    def _error(self, failure: "_Failure", attempts: int) -> EndpointError:
        times = f" after {attempts} attempts" if attempts > 1 else ""
        return EndpointError(
            self.host,
            f"{failure.reason}{times}",
            failure.remedy,
            status=failure.status,
            hopeless=failure.hopeless or failure.status in HOPELESS,
        )


@dataclass(frozen=True, slots=True)
class _Request:
    method: str
    path: str
    body: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class _Failure:
    """One attempt that brought nothing; ``pause`` is what the server asks for, in seconds."""

    reason: str
    remedy: str
    status: int | None = None
    pause: float = 0.0
    again: bool = True
    hopeless: bool = False


def parse_address(address: str) -> tuple[str, str]:
    """Divides ``MODEL@URL``.

    Raises:
        BadSpec: it is not of that form.
    """
    match = re.fullmatch(r"(.+?)@(https?://.+)", address)
    if match is None:
        raise BadSpec(
            f'"{address}" is not MODEL@URL, for example llama@http://127.0.0.1:8000/v1 after "endpoint:".'
        )
    return match[1], match[2]


def _checked(url: str) -> SplitResult:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise BadSpec(f'"{url}" is not the URL of a server, for example http://127.0.0.1:8000/v1.')
    if parts.username or parts.password or parts.query or parts.fragment:
        raise BadSpec(
            f"The URL of {parts.hostname} holds a password or a query, which would be written into results; "
            "put the key into the environment."
        )
    if parts.scheme == "http" and not _is_loopback(parts.hostname):
        raise BadSpec(
            f"http://{parts.netloc} would send texts in the clear; use https, or a tunnel on 127.0.0.1."
        )
    return parts


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _pause(response: httpx.Response) -> float:
    """Seconds that a server asks to wait: ``Retry-After`` is a number or a date (RFC 9110, 10.2.3)."""
    wanted = response.headers.get("Retry-After", "").strip()
    if re.fullmatch(r"\d+(\.\d+)?", wanted):
        return float(wanted)
    try:
        moment = parsedate_to_datetime(wanted)
    except ValueError:
        return 0.0
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (aware - datetime.fromtimestamp(time.time(), UTC)).total_seconds())
