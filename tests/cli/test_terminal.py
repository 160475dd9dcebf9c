import json

import pytest

from hybrid.cli import terminal
from hybrid.cli.terminal import TerminalProgress, print_json


@pytest.fixture
def clock(monkeypatch):
    """A clock that stands still until it is set."""
    now = [0.0]
    monkeypatch.setattr(terminal.time, "monotonic", lambda: now[0])
    return now


def test_lines_go_to_stderr_as_they_are(capsys):
    TerminalProgress().say("[bold]not markup[/bold] [1]")
    assert capsys.readouterr() == ("", "[bold]not markup[/bold] [1]\n")


def test_without_a_terminal_a_line_comes_now_and_then(capsys, clock):
    with TerminalProgress().track("Tuning", 100) as done:
        for clock[0], count in ((1, 1), (31, 25), (32, 26), (60, 50)):
            done(count, "loss 1.5")
    # After 31 s of 25 rows: 75 · 31 / 25 = 93 s are left.
    assert capsys.readouterr().err == "Tuning: 25/100, about 2 min left loss 1.5\n"


def test_the_end_is_always_shown(capsys, clock):
    with TerminalProgress().track("Answering: base", 2) as done:
        done(1, "")
        done(2, "")
    assert capsys.readouterr().err == "Answering: base: 2/2, about 0 min left\n"


def test_no_count_is_no_fault(capsys, clock):
    with TerminalProgress().track("Tuning", 10) as done:
        clock[0] = 60
        done(0, "")
    assert "0/10" in capsys.readouterr().err


def test_on_a_terminal_there_is_a_bar(capsys, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "120")
    with TerminalProgress().track("Tuning", 10) as done:
        done(10, "loss 0.5")
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "Tuning" in shown.err and "10/10" in shown.err and "loss 0.5" in shown.err


def test_json_is_one_line_of_unicode(capsys):
    print_json({"answer": "zwölf\nJahre"})
    out = capsys.readouterr().out
    assert out.count("\n") == 1 and "zwölf" in out
    assert json.loads(out) == {"answer": "zwölf\nJahre"}
