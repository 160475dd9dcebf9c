import json
from pathlib import Path

import pytest

QUESTION = "How many years of warranty has the X3?"


@pytest.fixture
def ask(hybrid_command, warranty, pipeline):
    return lambda *options: hybrid_command("ask", QUESTION, "--pipeline", pipeline, *options)


def test_the_passages_behind_the_answer_are_shown(ask):
    done = ask()
    assert done.code == 0
    *_, first, second = done.out.splitlines()
    assert first.startswith("[1] x") and second.startswith("[2] x")
    assert "has a warranty of" in first


def test_json_holds_the_whole_answer(ask):
    answer = json.loads(ask("--json").out)
    assert [passage["text"][:5] for passage in answer["passages"]] == ["The X"] * 2
    assert {"text", "citations", "abstained", "raw", "prompt_tokens"} <= set(answer)


def test_without_retrieval_nothing_is_shown(ask):
    answer = json.loads(ask("--no-retrieval", "--json").out)
    assert (answer["passages"], answer["citations"]) == ([], [])


def test_an_adapter_answers_unless_the_base_is_asked(ask, hybrid_command, pipeline):
    fast = (
        "--set",
        "tuning.learning_rate=0.1",
        "--set",
        "tuning.max_steps=8",
        "--set",
        "tuning.warmup_steps=0",
    )
    adapter = hybrid_command("tune", pipeline, *fast).out.strip()
    base, tuned = json.loads(ask("--json").out), json.loads(ask("--adapter", adapter, "--json").out)
    assert json.loads(ask("--adapter", adapter, "--base", "--json").out) == base
    assert tuned["raw"] != base["raw"]
    learned = json.loads((Path(adapter) / "MANIFEST.json").read_text())["sources"][0]["documents"]
    hybrid_command("corpus", "remove", "warranty", learned[0])
    stale = ask("--adapter", adapter)
    assert stale.code == 0 and "Stale: the adapter" in " ".join(stale.err.split())
    refused = ask("--adapter", adapter, "--strict")
    assert (refused.code, refused.out) == (2, "") and refused.err.count("\n") == 1


def test_another_corpus_can_be_asked(ask, hybrid_command, tmp_path):
    (tmp_path / "fig.md").write_text("The fig is sweet.")
    hybrid_command("corpus", "create", "fruit", tmp_path / "fig.md")
    answer = json.loads(ask("--corpus", "fruit", "--json").out)
    assert [passage["document"] for passage in answer["passages"]] == ["fig.md"]


def test_files_can_be_asked_and_an_earlier_generation(ask, hybrid_command, tmp_path):
    (tmp_path / "kiwi.md").write_text("The kiwi is green.")
    answer = json.loads(ask("--corpus", tmp_path / "kiwi.md", "--json").out)
    assert [passage["document"] for passage in answer["passages"]] == ["kiwi.md"]
    hybrid_command("corpus", "remove", "warranty", "x3")
    told = [
        json.loads(ask("--corpus", name, "--json").out)["passages"] for name in ("warranty@1", "warranty")
    ]
    assert ["x3" in {passage["document"] for passage in passages} for passages in told] == [True, False]
