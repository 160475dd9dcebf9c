import json
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from hybrid.cli.corpus import app
from hybrid.corpus.store import Corpus
from hybrid.errors import CorpusError
from hybrid.questions import read_questions
from hybrid.records import Gold


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("HYBRID_HOME", str(tmp_path / "home"))
    (tmp_path / "a.md").write_text("# Warranty\n\nFive years.")
    (tmp_path / "b.md").write_text("Open daily.")
    return tmp_path


def run(*arguments):
    result = CliRunner().invoke(app, [str(argument) for argument in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_a_corpus_is_made_changed_and_shown(home):
    assert json.loads(run("create", "handbook", home / "a.md", "--passage-chars", 200, "--json")) == {
        "name": "handbook", "generation": 1, "documents": 1, "passages": 1, "passage_chars": 200,
    }  # fmt: skip
    run("add", "handbook", home / "b.md")
    run("remove", "handbook", "a.md")
    shown = json.loads(run("show", "handbook", "--json"))
    assert [entry["operation"] for entry in shown["history"]] == ["create", "add", "add", "remove"]
    assert [document.id for document in Corpus.open("handbook").documents()] == ["b.md"]


def test_show_prints_a_line_for_each_fact(home):
    run("create", "handbook", home / "a.md")
    assert "documents: 1\n" in run("show", "handbook")
    assert "history: number 1" in run("show", "handbook")


def test_list_names_own_and_builtin_corpora(home):
    run("create", "handbook", home / "a.md")
    listed = json.loads(run("list", "--json"))
    assert listed["own"] == ["handbook"]
    assert "python-reference" in listed["builtin"]


def test_import_passes_its_options_on(home):
    for name, row in (("documents", {"id": "a", "text": "A."}), ("questions", {"id": "1", "question": "?"})):
        (home / f"{name}.jsonl").write_text(json.dumps(row))
    options = ("--format", "jsonl", "--split-off", 0, "--passage-chars", 50, "--seed", 3, "--withhold", 0.1)
    made = json.loads(run("import", "mine", home, *options, "--json"))
    assert (made["name"], made["documents"], made["evaluation"]) == ("mine", 1, 1)
    assert Corpus.open("mine").passage_chars == 50
    with pytest.raises(CorpusError, match="--replace"):
        run("import", "mine", home, *options)
    run("import", "mine", home, *options, "--replace")


def test_import_reads_pairs_about_documents(home):
    (home / "pairs.csv").write_text("question,answer\nHow long is the warranty?,five years\n")
    options = ("--format", "pairs", "--documents", home / "a.md", "--split-off", 0)
    made = json.loads(run("import", "mine", home / "pairs.csv", *options, "--json"))
    assert (made["documents"], made["evaluation"], made["bound"]) == (1, 1, 0)
    [question] = read_questions(home / "home" / "suites" / "mine" / "questions.jsonl").questions
    assert (question.gold, question.tags) == ((Gold("a.md", 12, 22),), ("proposed-gold",))


def test_the_command_loads_nothing_heavy():
    heavy = "{'torch', 'faiss', 'transformers', 'llama_index', 'ragas', 'sentence_transformers'}"
    code = f"import sys, hybrid.cli.corpus; print(sorted({heavy} & set(sys.modules)))"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"
