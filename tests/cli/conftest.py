"""The command as a user runs it, a small imported suite, and a pipeline on the tiny model."""

import json
import sys
from dataclasses import dataclass

import pytest

PIPELINE = """\
suite: warranty
model: {model}
retrieval: {{embedder: "hashing:64", k: 2}}
generation: {{max_new_tokens: 6}}
tuning: {{rows: 8, batch_tokens: 700, max_steps: 3, max_row_tokens: 2000}}
references: {{examples: [1]}}
"""


@dataclass(frozen=True, slots=True)
class Done:
    """What a command gave back and printed."""

    code: int
    out: str
    err: str


@pytest.fixture
def hybrid_command(monkeypatch, capsys):
    """Runs a command line in this process: ``hybrid_command("ask", "Why?")``."""
    from transformers.utils import logging

    from hybrid.cli import app

    # A command does this through the environment, which libraries that are loaded already no longer read.
    logging.disable_progress_bar()
    monkeypatch.setattr(app, "_quieten_libraries", lambda: None)

    def run(*arguments):
        capsys.readouterr()
        monkeypatch.setattr(sys, "argv", ["hybrid", *map(str, arguments)])
        with pytest.raises(SystemExit) as stopped:
            app.main()
        return Done(stopped.value.code or 0, *capsys.readouterr())

    return run


@pytest.fixture(scope="session")
def pipeline(tmp_path_factory, tiny_weights):
    """The path of a pipeline on the tiny model."""
    path = tmp_path_factory.mktemp("pipeline") / "tiny.yaml"
    path.write_text(PIPELINE.format(model=tiny_weights.path))
    return path


@pytest.fixture
def warranty_set(tmp_path):
    """A question set of eight documents with a question each."""
    folder = tmp_path / "set"
    folder.mkdir()
    texts = {f"x{n}": f"The X{n} has a warranty of {n} years." for n in range(1, 9)}
    rows = [{"id": name, "title": name.upper(), "text": text} for name, text in texts.items()]
    (folder / "documents.jsonl").write_text("\n".join(map(json.dumps, rows)))
    rows = [
        {
            "id": name,
            "question": f"How many years of warranty has the {name.upper()}?",
            "answers": [text[-8:-1]],
            "gold": [{"document": name, "quote": text[-8:-1]}],
        }
        for name, text in texts.items()
    ]
    (folder / "questions.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return folder


@pytest.fixture
def warranty(hybrid_command, warranty_set, state_folder):
    """Corpus and suite ``warranty`` in the state folder."""
    done = hybrid_command("corpus", "import", "warranty", "--format", "jsonl", warranty_set)
    assert done.code == 0, done.err
    return state_folder
