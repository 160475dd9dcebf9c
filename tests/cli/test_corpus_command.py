import json
import os
import sqlite3
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from hybrid.cli.corpus import app
from hybrid.corpus.store import Corpus
from hybrid.errors import BadInput, CorpusError
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
        "skipped": [], "passed_over": {},
    }  # fmt: skip
    run("add", "handbook", home / "b.md")
    run("remove", "handbook", "a.md")
    shown = json.loads(run("show", "handbook", "--json"))
    assert [entry["operation"] for entry in shown["history"]] == ["create", "add", "add", "remove"]
    assert [document.id for document in Corpus.open("handbook").documents()] == ["b.md"]


def test_with_skip_what_cannot_be_read_is_left_out_and_told(home):
    (home / "c.md").write_bytes(b"\xff")
    result = CliRunner().invoke(app, ["create", "handbook", str(home), "--skip"])
    assert "1 of 3 Markdown files unreadable: " in result.stderr
    assert "skipped" not in result.stdout
    (home / "d.md").write_text("More.")
    added = json.loads(run("add", "handbook", home / "c.md", home / "d.md", "--skip", "--json"))
    assert added["documents"] == 3
    assert [(entry["id"], entry["kind"]) for entry in added["skipped"]] == [("c.md", "unreadable")]


def test_columns_of_a_table_are_named(home):
    (home / "faq.csv").write_text("key,body\n1,Five years.\n")
    run("create", "faq", home / "faq.csv", "--column", "text=body", "--column", "id=key")
    [document] = Corpus.open("faq").documents()
    assert (document.id, document.text) == ("1", "Five years.")


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("c.md", b"\xff", "c.md: not UTF-8 at byte 0"),
        ("c.jsonl", b'{"id": "c"}', "c.jsonl:1: text: Field required"),
        (
            "c.jsonl",
            b'{"id": "c", "text": "x", "metadata": {"a": [1e999]}}',
            "c.jsonl:1: metadata: holds NaN or Infinity",
        ),
        ("c.csv", b"a,b\n1,2\n", 'c.csv:1: there is no column "text", but a, b'),
        ("c.pdf", b"junk", "c.pdf: cannot be parsed"),
    ],
)
def test_a_bad_file_leaves_the_earlier_generation(home, name, data, message):
    run("create", "handbook", home / "a.md")
    (home / name).write_bytes(data)
    with pytest.raises(BadInput, match=message):
        run("add", "handbook", home / "b.md", home / name)
    with Corpus.open("handbook") as corpus:
        assert (corpus.generation, [document.id for document in corpus.documents()]) == (1, ["a.md"])


def test_an_infinite_value_in_a_row_with_named_columns_is_a_bad_row(home):
    (home / "c.jsonl").write_text('{"body": "x", "a": NaN}')
    with pytest.raises(BadInput, match="c.jsonl:1: holds NaN or Infinity"):
        run("create", "faq", home / "c.jsonl", "--column", "text=body")


def test_a_folder_whose_name_is_not_utf_8_is_a_source_like_others(home):
    folder = home / os.fsdecode(b"doc\xff")
    folder.mkdir()
    (folder / "a.md").write_text("Text.")
    run("create", "handbook", folder)
    (folder / "a.md").rename(folder / "b.md")
    assert json.loads(run("update", "handbook", folder, "--json"))["removed"] == 1


def test_a_column_without_a_name_is_refused(home):
    with pytest.raises(BadInput, match='"body" is not text=NAME'):
        run("create", "faq", home / "a.md", "--column", "body")


def test_an_update_with_skip_removes_nothing_that_could_not_be_read(home):
    folder = home / "docs"
    folder.mkdir()
    for name in ("a.md", "b.md", "c.md"):
        (folder / name).write_text(name)
    run("create", "handbook", folder)
    (folder / "a.md").write_bytes(b"\xff")
    (folder / "b.md").unlink()
    updated = json.loads(run("update", "handbook", folder, "--skip", "--json"))
    assert (updated["removed"], [entry["id"] for entry in updated["skipped"]]) == (1, ["a.md"])
    (folder / "d.csv").write_text("no column\n")
    (folder / "c.md").unlink()
    (folder / "e.md").write_text("e")
    (folder / "sub.md").mkdir()
    (folder / "sub.md" / "f.md").write_text("f")
    changed = json.loads(run("update", "handbook", folder, "--skip", "--json"))
    # Of a file that fails nothing is removed; of the others it is known what they hold.
    assert (changed["added"], changed["removed"]) == (2, 1)
    assert {document.id for document in Corpus.open("handbook").documents()} == {
        "a.md",
        "e.md",
        "sub.md/f.md",
    }


def test_a_document_that_came_from_another_file_is_told(home):
    for name in ("p", "q"):
        (home / name).mkdir()
        (home / name / "README.md").write_text(f"Of {name}.")
    run("create", "handbook", home / "p")
    told = CliRunner().invoke(app, ["update", "handbook", str(home / "q")])
    assert f"1 documents came from other files before, such as {home / 'p' / 'README.md'}" in told.stderr
    assert "came from" not in CliRunner().invoke(app, ["update", "handbook", str(home / "q")]).stderr


def test_rows_that_a_file_has_no_more_are_removed_unless_one_of_them_fails(home):
    (home / "faq.csv").write_text("topic,text\na,A.\nb,B.\n")
    run("create", "handbook", home / "faq.csv", home / "b.md")
    (home / "faq.csv").write_text("topic,text\na,A.\nb, \n")
    assert json.loads(run("update", "handbook", home / "faq.csv", "--skip", "--json"))["removed"] == 0
    (home / "faq.csv").write_text("topic,text\na,A.\n")
    changed = json.loads(run("update", "handbook", home / "faq.csv", "--json"))
    assert (changed["removed"], changed["documents"]) == (1, 2)


def test_what_a_folder_has_no_more_is_removed_however_it_came(home, monkeypatch):
    for name in ("v1", "v2"):
        (home / name).mkdir()
        for each in "abc"[: 4 - int(name[1])]:
            (home / name / f"{each}.md").write_text(f"Text {each}.")
    removed = lambda *arguments: json.loads(run(*arguments, "--json"))["removed"]  # noqa: E731
    # A link to a release is the same source wherever it leads.
    (home / "current").symlink_to(home / "v1")
    run("create", "linked", home / "current")
    (home / "current").unlink()
    (home / "current").symlink_to(home / "v2")
    assert removed("update", "linked", home / "current") == 1
    # What is there as it is, is of the folder that told it last.
    run("create", "swapped", home / "v1")
    run("swap", "swapped", home / "v2")
    run("create", "single", home / "v2" / "a.md", home / "v2" / "b.md")
    run("update", "single", home / "v2" / "b.md")
    (home / "other.md").write_text("Other.")
    run("create", "two", home / "other.md", home / "v2")
    (home / "v2" / "b.md").unlink()
    monkeypatch.chdir(home)
    assert [removed("update", name, "v2/") for name in ("swapped", "single", "two")] == [1, 1, 1]


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


def history(home):
    """A corpus of a folder that changed: one file new, one other, one gone."""
    folder = home / "docs"
    folder.mkdir()
    for name in ("a", "b", "c"):
        (folder / f"{name}.md").write_text(f"Text {name}.")
    run("create", "handbook", folder)
    (folder / "a.md").unlink()
    (folder / "b.md").write_text("Other text.")
    (folder / "d.md").write_text("New text.")
    return folder


def test_a_corpus_is_kept_in_step_with_a_folder(home):
    folder = history(home)
    changed = json.loads(run("update", "handbook", folder, "--json"))
    counts = {key: changed[key] for key in ("generation", "added", "updated", "removed", "unchanged")}
    assert counts == {"generation": 2, "added": 1, "updated": 1, "removed": 1, "unchanged": 1}
    assert "generation: 2" in run("update", "handbook", folder)
    assert run("diff", "handbook", 1).splitlines() == ["+ d.md", "~ b.md", "- a.md", "1 unchanged"]
    run("update", "handbook", home / "a.md")  # a file alone says nothing of the others
    assert len(Corpus.open("handbook").documents()) == 4


def test_what_is_new_is_embedded_before_anybody_asks(home):
    folder = history(home)
    asked = ("index", "handbook", "--embedder", "hashing:16", "--json")
    told = [json.loads(run(*asked))]
    run("update", "handbook", folder)
    told += [json.loads(run(*asked)), json.loads(run(*asked))]
    assert [(each["embedded"], each["indexed"]) for each in told] == [(3, 3), (2, 3), (0, 3)]
    with pytest.raises(CorpusError, match='Corpus "empty" is empty'):
        run("create", "empty")
        run("index", "empty", "--embedder", "hashing:16")


def test_a_corpus_is_swapped_rolled_back_and_its_history_told(home, monkeypatch):
    folder = history(home)
    run("swap", "handbook", home / "a.md")
    assert [document.id for document in Corpus.open("handbook").documents()] == ["a.md"]
    run("rollback", "handbook", 1)
    run("create", "other")
    # As everywhere, a corpus comes before a folder of its name.
    monkeypatch.chdir(home)
    (home / "handbook").mkdir()
    run("swap", "other", "handbook@2")
    assert [document.id for document in Corpus.open("other").documents()] == ["a.md"]
    lines = [line.partition(" UTC  ")[2] for line in run("history", "handbook").splitlines()]
    assert lines[0] == "create"
    assert lines[1:] == [
        "add: 3 added", "swap: 1 updated, 2 removed", "rollback: 2 added, 1 updated (to generation 1)",
    ]  # fmt: skip
    assert json.loads(run("history", "handbook", "--json"))[2]["removed"] == 2
    assert folder.is_dir()


def test_a_purge_names_runs_and_adapters_that_hold_the_text(home):
    history(home)
    source = {"corpus": {"name": "handbook"}, "documents": ["a.md"], "shown": ["b.md"]}
    adapter, run_folder = home / "home" / "adapters" / "s" / "d", home / "home" / "runs" / "r"
    for folder in (adapter, run_folder):
        folder.mkdir(parents=True)
    (adapter / "MANIFEST.json").write_text(json.dumps({"sources": [source]}))
    (run_folder / "results.json").write_text(json.dumps({"provenance": {"corpus": {"name": "handbook"}}}))
    (run_folder / "rows.jsonl").write_text('{"shown": [{"document": "a.md"}]}\n')
    told = json.loads(run("purge", "handbook", "a.md", "--json"))
    assert (told["purged"], told["generations_gone"], told["documents"]) == (["a.md"], [1], 2)
    assert told["still_held_by"] == [str(adapter), str(run_folder)]
    assert json.loads(run("purge", "handbook", "b.md", "--json"))["still_held_by"] == [str(adapter)]
    run("create", "copy", home / "docs" / "c.md")
    held = json.loads(run("purge", "handbook", "c.md", "--json"))["still_held_by"]
    assert held == [str(home / "home" / "corpora" / "copy")]
    run("delete", "copy")
    assert Corpus.names() == ["handbook"]
    told = json.loads(run("purge", "handbook", "--json"))
    assert (told["purged"], told["generations_gone"]) == ([], [])


@pytest.mark.parametrize("content", [b"", b"\xff", b"[]", b'{"sources": [{"corpus": {"name": "handbook"}}]}'])
def test_what_cannot_be_read_may_hold_the_text(home, content):
    history(home)
    run_folder, adapter = home / "home" / "runs" / "r", home / "home" / "adapters" / "s" / "d"
    for folder, name in ((run_folder, "results.json"), (adapter, "MANIFEST.json")):
        folder.mkdir(parents=True)
        (folder / name).write_bytes(content)
    (run_folder / "rows.jsonl").write_text('{"shown": [{"document": "b.md"}]}\n')
    told = json.loads(run("purge", "handbook", "a.md", "--json"))
    assert str(adapter) in told["still_held_by"]
    assert (str(run_folder) in told["still_held_by"]) == (content[:1] != b"{")


def test_check_tells_what_is_damaged(home):
    run("create", "handbook", home / "a.md", home / "b.md")
    assert "faults" not in run("check", "handbook")
    with sqlite3.connect(home / "home" / "corpora" / "handbook" / "corpus.db") as db:
        db.execute("UPDATE document SET text = 'Tampered.' WHERE id = 'a.md'")
    with pytest.raises(CorpusError, match='"handbook" is damaged in 2 places'):
        run("check", "handbook")
    faults = Corpus.open("handbook").check()
    assert faults == [
        'document "a.md": its text is not the one that was added',
        'passage 1: not the text of document "a.md" at its place',
    ]
