import json
import threading
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from hybrid import endpoint as module
from hybrid.endpoint import Endpoint, EndpointError, parse_address
from hybrid.errors import BadSpec


@contextmanager
def server(reply):
    """A server on loopback; ``reply(body, headers)`` gives status, headers and bytes."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, headers, content = reply(body, self.headers)
            self.send_response(status)
            for name, value in ({"Content-Length": str(len(content))} | headers).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{running.server_port}/v1"
        finally:
            running.shutdown()


def fine(value):
    return 200, {}, json.dumps(value).encode()


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(module, "FIRST_WAIT", 0.001)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


def failing_first(times, status, headers=None):
    """Fails so often, and then echoes; the list holds the moment of each request."""
    moments = []

    def reply(body, _):
        moments.append(time.monotonic())
        return (status, headers or {}, b"oops") if len(moments) <= times else fine(body)

    return reply, moments


def test_replies_stand_in_the_order_of_the_bodies_whichever_comes_first():
    def reply(body, _):
        time.sleep(0.05 if body["row"] == 0 else 0)
        return fine(body)

    counts = []
    with server(reply) as url:
        replies = Endpoint(url).send_all("/x", [{"row": i} for i in range(20)], lambda n, _: counts.append(n))
    assert replies == [{"row": i} for i in range(20)]
    assert counts == list(range(1, 21))


def test_no_more_requests_are_under_way_than_allowed():
    lock, now, most = threading.Lock(), 0, 0

    def reply(body, _):
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        time.sleep(0.02)
        with lock:
            now -= 1
        return fine(body)

    with server(reply) as url:
        Endpoint(url, concurrency=3).send_all("/x", [{}] * 12)
    assert most == 3


@pytest.mark.parametrize("status", [429, 500, 503])
def test_what_may_pass_is_tried_again(status):
    reply, moments = failing_first(2, status)
    with server(reply) as url:
        assert Endpoint(url).send_all("/x", [{"a": 1}]) == [{"a": 1}]
    assert len(moments) == 3


@pytest.mark.parametrize("as_date", [False, True])
def test_retry_after_is_waited_for(as_date):
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=2), usegmt=True) if as_date else "0.3"
    reply, moments = failing_first(1, 429, {"Retry-After": soon})
    with server(reply) as url:
        assert Endpoint(url).send_all("/x", [{}]) == [{}]
    assert moments[1] - moments[0] >= 0.3


def test_a_pause_that_is_too_long_is_not_waited_for():
    reply, moments = failing_first(1, 429, {"Retry-After": "3600"})
    with server(reply) as url:
        (error,) = Endpoint(url).send_all("/x", [{}])
    assert isinstance(error, EndpointError) and len(moments) == 1


def test_an_error_is_an_element_beside_the_replies():
    with server(lambda body, _: fine(body) if body["row"] else (500, {}, b"")) as url:
        replies = Endpoint(url, retries=1).send_all("/x", [{"row": i} for i in range(3)])
    assert replies[1:] == [{"row": 1}, {"row": 2}]
    assert "after 2 attempts" in str(replies[0]) and replies[0].status == 500


@pytest.mark.parametrize("content", [b"{broken", b"[1]"])
def test_what_is_not_a_json_object_is_an_error(content):
    with server(lambda *_: (200, {}, content)) as url:
        (error,) = Endpoint(url, retries=0).send_all("/x", [{}])
    assert "not a JSON object" in str(error)


def test_a_slow_server_is_an_error_that_names_the_timeout():
    with server(lambda body, _: (time.sleep(0.5), fine(body))[1]) as url:
        (error,) = Endpoint(url, retries=0, timeout=0.1).send_all("/x", [{}])
    assert "0.1 s" in str(error)


def test_after_a_refused_key_nothing_more_is_sent():
    asked = []
    with server(lambda body, _: (asked.append(body), (401, {}, b"sk-secret is wrong"))[1]) as url:
        replies = Endpoint(url, concurrency=2).send_all("/x", [{}] * 50)
    assert len(replies) == 50 and {reply.status for reply in replies} == {401}
    assert len(asked) <= 3
    assert "OPENAI_API_KEY" in str(replies[0])


def test_without_a_server_the_error_says_so():
    replies = Endpoint("http://127.0.0.1:9/v1", retries=1).send_all("/x", [{}] * 30)
    assert all("127.0.0.1:9: no connection" in str(reply) for reply in replies)


def test_the_key_of_the_environment_is_sent_and_told_to_nobody(monkeypatch):
    monkeypatch.setenv("MY_KEY", "sk-secret")
    seen = []
    with server(
        lambda _, headers: (seen.append(headers["Authorization"]), (400, {}, b"no sk-secret"))[1]
    ) as url:
        asked = Endpoint(url, key_variable="MY_KEY")
        (error,) = asked.send_all("/x", [{}])
    assert seen == ["Bearer sk-secret"]
    assert "sk-secret" not in f"{error}{vars(asked)}"


def test_a_lazy_iterable_decides_when_to_end():
    drawn = []

    def bodies():
        for row in range(100):
            drawn.append(row)
            yield {"row": row}

    with server(lambda body, _: fine(body)) as url:
        for count, _ in enumerate(Endpoint(url, concurrency=2).send_each("/x", bodies()), start=1):
            if count == 5:
                break
    assert len(drawn) <= 7


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://example.org/v1", "in the clear"),
        ("https://me:secret@example.org/v1", "environment"),
        ("ftp://example.org", "not the URL"),
        ("127.0.0.1:8000", "not the URL"),
    ],
)
def test_a_url_that_is_wrong_or_unsafe_is_refused(url, reason):
    with pytest.raises(BadSpec, match=reason) as caught:
        Endpoint(url)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("url", ["http://localhost:1/v1", "http://[::1]:1/v1", "https://example.org/v1"])
def test_loopback_may_be_plain_and_a_network_is_encrypted(url):
    assert Endpoint(url).host == url.split("/")[2]


def test_an_address_is_a_model_and_a_url():
    assert parse_address("@cf/llama@https://a.org/v1") == ("@cf/llama", "https://a.org/v1")
    with pytest.raises(BadSpec, match="MODEL@URL"):
        parse_address("llama")
