"""The scripts on the Python API give what the command line gives."""

import json
import runpy
import sys
from pathlib import Path

import pytest
from llama_index.core.retrievers import BaseRetriever
from rich.console import Console
from typer.testing import CliRunner

from hybrid.cli.app import app

ROOT = Path(__file__).parent.parent
SCRIPTS = [path for folder in ("pipelines", "eval") for path in sorted((ROOT / folder).glob("*.py"))]
QUESTION = "What does the with statement do?"
TIMES = {"seconds", "created", "peak_memory_mb"}


@pytest.fixture
def run_script(monkeypatch):
    def run(path, *arguments):
        monkeypatch.setattr(sys, "argv", [path, *arguments])
        return runpy.run_path(str(ROOT / path))

    return run


def command(*arguments):
    done = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def timeless(data):
    if isinstance(data, dict):
        return {key: timeless(value) for key, value in data.items() if key not in TIMES}
    return [timeless(item) for item in data] if isinstance(data, list) else data


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_a_script_has_at_most_40_lines_on_the_public_api(path):
    lines = path.read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 40
    assert "import hybrid" in lines
    assert not [line for line in lines if line.startswith(("from hybrid", "import hybrid."))]


def test_ask_gives_the_answer_of_hybrid_ask(run_script, capsys):
    ran = run_script("pipelines/ask.py", QUESTION, "smoke")
    printed = capsys.readouterr().out
    answer = command("ask", QUESTION, "--pipeline", "smoke", "--json")
    assert json.loads(json.dumps(ran["answer"].to_json())) == answer
    assert printed.startswith(answer["text"])
    assert isinstance(ran["retriever"], BaseRetriever)
    nodes = ran["retriever"].retrieve(QUESTION)
    assert [node.metadata["passage"] for node in nodes] == [passage["id"] for passage in answer["passages"]]
    assert all(f"{node.metadata['document']} (" in printed for node in nodes)


def test_four_cells_gives_the_figures_of_hybrid_eval(run_script, capsys):
    report = run_script("eval/four_cells.py", "smoke", "2")["report"]
    printed = capsys.readouterr().out
    results = command("eval", "smoke", "--limit", "2", "--json")
    assert timeless(json.loads(json.dumps(report.results))) == timeless(results)
    Console().print(report.table())
    assert printed.startswith(capsys.readouterr().out)
    assert all(f"\n{effect}: " in printed for effect in results["effects"])
    assert " ".join(results["verdict"]["sentence"].split()) in " ".join(printed.split())
