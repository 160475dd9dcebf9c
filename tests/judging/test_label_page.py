import http.client
import re
import threading
from urllib.parse import urlencode

import pytest
from label_rows import row, rows

from hybrid.errors import RunError
from hybrid.judging.label_page import LabelServer, Session, marked, render
from hybrid.judging.labelling import Label, claims, deck, open_labels
from hybrid.judging.overlap import content_words

CELLS = ("base", "tuned+rag")


def session(path, found):
    labels = open_labels(path)
    return Session("my-run", deck(found, 0), labels)


@pytest.fixture
def labelling(tmp_path):
    return session(tmp_path / "labels.jsonl", claims(rows({"base": 2, "tuned+rag": 2}), CELLS))


@pytest.fixture
def ask(labelling):
    """Sends one request to a running server: status, headers, text."""
    with LabelServer(labelling) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()

        def send(path, form=None, **headers):
            connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=20)
            body = urlencode(form) if form is not None else None
            path = path.replace("TOKEN", labelling.token)
            connection.request("POST" if form is not None else "GET", path, body, headers)
            reply = connection.getresponse()
            return reply.status, reply.headers, reply.read().decode()

        send.port = server.server_port
        yield send
        server.shutdown()
        thread.join()


def label(ask, labelling, place, word, **headers):
    form = {"key": labelling.deck[place].key, "label": word}
    return ask("/TOKEN/", form, **headers)


def test_labels_are_kept_and_the_page_goes_on(ask, labelling):
    assert labelling.deck[0].statement in ask("/TOKEN/")[2]
    status, headers, _ = label(ask, labelling, 0, "not_supported")
    assert (status, headers["Location"]) == (303, f"/{labelling.token}/")
    _, _, page = ask("/TOKEN/")
    assert "1 of 4 labelled" in page and labelling.deck[1].statement in page
    assert open_labels(labelling.labels.path).by_key == {labelling.deck[0].key: Label.NOT_SUPPORTED}


def test_back_shows_what_was_said_and_a_new_label_takes_its_place(ask, labelling):
    label(ask, labelling, 0, "supported")
    assert re.search(r'href="/[^/]+/1" data-key="b"', ask("/TOKEN/")[2])
    assert "You said: supported" in ask("/TOKEN/1")[2]
    label(ask, labelling, 0, "unsure")
    assert labelling.labels.by_key == {labelling.deck[0].key: Label.UNSURE}
    assert "1 of 4 labelled" in ask("/TOKEN/")[2]


def test_a_restart_continues(labelling):
    labelling.label(labelling.deck[0].key, Label.SUPPORTED)
    again = Session("my-run", labelling.deck, open_labels(labelling.labels.path))
    assert (again.done, again.next_place()) == (1, 2)


def test_at_the_end_it_says_what_comes_next(labelling):
    for claim in labelling.deck:
        labelling.label(claim.key, Label.SUPPORTED)
    page = render(labelling, labelling.next_place(), "n")
    assert "All 4 are labelled" in page and "hybrid report my-run" in page


def test_neither_cell_nor_verdict_is_told(tmp_path):
    found = claims([row("tuned+rag", "q", ("Five years.", "contradicted"), group="secret")], CELLS)
    page = render(session(tmp_path / "l", found), 1, "n")
    assert [word for word in ("tuned", "rag", "contradicted", "secret") if word in page] == []


@pytest.mark.parametrize(
    ("headers", "path"),
    [
        ({"Host": "evil.example"}, "/TOKEN/"),
        ({"Origin": "http://evil.example"}, "/TOKEN/"),
        ({"Origin": "null"}, "/TOKEN/"),
        ({}, "/"),
        ({}, "/wrong/"),
        ({}, "/TOKENx/"),
    ],
)
def test_others_see_and_send_nothing(ask, labelling, headers, path):
    form = {"key": labelling.deck[0].key, "label": "supported"}
    assert (ask(path, **headers)[0], ask(path, form, **headers)[0]) == (403, 403)
    assert labelling.labels.by_key == {}


def test_its_own_form_is_taken(ask, labelling):
    assert label(ask, labelling, 0, "supported", Origin=f"http://127.0.0.1:{ask.port}")[0] == 303


@pytest.mark.parametrize(
    "form", [{"label": "supported"}, {"key": "KEY", "label": "perhaps"}, {"key": "KEY"}, {"x": "y" * 9999}]
)
def test_a_form_that_is_no_label_is_refused(ask, labelling, form):
    form = {name: value.replace("KEY", labelling.deck[0].key) for name, value in form.items()}
    assert ask("/TOKEN/", form)[0] == 400
    assert labelling.labels.by_key == {}


@pytest.mark.parametrize("place", ["0", "5", "x", "-1", "1/2"])
def test_a_place_outside_the_deck_is_not_found(ask, place):
    assert ask(f"/TOKEN/{place}")[0] == 404


def test_texts_are_escaped_and_only_the_page_s_script_may_run(ask, labelling, tmp_path):
    hostile = '<img src=x onerror="alert(1)"></script><script>alert(2)</script>{{ 7 * 7 }}\x00\ud800'
    found = claims([row("base", hostile, hostile, history=[{"question": hostile}])], CELLS)
    page = render(session(tmp_path / "hostile", found), 1, "n")
    assert page.count("<script") == page.count("</script>") == 1
    assert "<img" not in page and "49" not in page
    policy = ask("/TOKEN/")[1]["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy


def test_words_of_the_statement_are_marked():
    words = set(content_words("The warranties last 1,000 days"))
    pieces = list(marked("A warranty of 1000 days, not of 10.", words))
    assert [text for text, is_word in pieces if is_word] == ["warranty", "1000", "days"]
    assert "".join(text for text, _ in pieces) == "A warranty of 1000 days, not of 10."


def test_a_port_that_is_taken_is_named(labelling):
    with LabelServer(labelling) as server, pytest.raises(RunError, match=f"Port {server.server_port} "):
        LabelServer(labelling, server.server_port)
