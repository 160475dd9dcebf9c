"""`hybrid eval` over a real server on loopback."""

import json
from pathlib import Path

import pytest

CELLS = ("--cells", "base,tuned+rag", "--limit", 2)


@pytest.fixture
def on_server(tiny_server, tiny_weights):
    """Options that put the tiny server's model into the pipeline."""
    settings = (
        f"generation.tokenizer={tiny_weights.path}",
        "generation.tuned_model=tuned",
        "generation.price={prompt: 1.0, output: 10.0}",
        "generation.server={concurrency: 1, retries: 0}",
    )
    named = ("--model", f"endpoint:tiny@{tiny_server.url}")
    return (*named, *(part for setting in settings for part in ("--set", setting)))


def answers(folder):
    rows = [json.loads(line) for line in (folder / "rows.jsonl").read_text().splitlines()]
    return {(row["cell"], row["question_id"]): row["raw"] for row in rows}


def test_a_server_answers_as_the_local_model_does(
    hybrid_command, warranty, pipeline, tmp_path, on_server, tiny_adapter, tiny_server
):
    served, here = tmp_path / "served", tmp_path / "here"
    done = hybrid_command("eval", pipeline, *CELLS, *on_server, "--out", served)
    assert done.code == 0, done.err
    local = ("--adapter", tiny_adapter.path, "--set", "generation.batch_tokens=1")
    assert hybrid_command("eval", pipeline, *CELLS, *local, "--out", here).code == 0
    assert answers(served) == answers(here)
    results = json.loads((served / "results.json").read_text())
    assert results["provenance"]["prompt_parity"] == "ids"
    assert results["provenance"]["model"]["name"] == f"endpoint:tiny@{tiny_server.url}"
    assert results["cells"]["base"]["metrics"]["peak_memory_mb"]["status"] == "not_applicable"


def test_what_the_environment_holds_is_in_no_file(
    hybrid_command, warranty, pipeline, tmp_path, on_server, tiny_server, monkeypatch
):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    assert hybrid_command("eval", pipeline, *CELLS, *on_server, "--out", tmp_path / "out").code == 0
    assert set(tiny_server.keys) == {"Bearer sk-secret"}
    files = [path for folder in (tmp_path, warranty) for path in folder.rglob("*") if path.is_file()]
    assert not any(b"sk-secret" in path.read_bytes() for path in files)


def test_failed_requests_and_a_spent_budget_are_one_line_and_resume_continues(
    hybrid_command, warranty, pipeline, tmp_path, on_server, tiny_server
):
    command = ("eval", pipeline, *CELLS, *on_server, "--out", tmp_path / "out")
    poor = hybrid_command(*command, "--max-cost", 0.000001)
    assert (poor.code, poor.out) == (2, "")
    assert "Error: Stopped at $0.0000 of $0.0000" in poor.err and "--resume continues" in poor.err
    # The token that tries ids and the message that tries the tokenizer come before the answers.
    tiny_server.faults += ["slow", "slow", "down"]
    tiny_server.slow_seconds = 0
    failed = hybrid_command(*command, "--resume")
    assert failed.code == 2 and "1 of 2 answers are missing" in failed.err
    assert not (tmp_path / "out" / "results.json").exists()
    tiny_server.requests.clear()
    assert hybrid_command(*command, "--resume").code == 0
    assert sum(body["max_tokens"] > 1 for _, body in tiny_server.requests) == 3


def test_a_limit_of_money_without_a_price_is_refused(hybrid_command, warranty, pipeline, tiny_server):
    done = hybrid_command("eval", pipeline, "--model", f"endpoint:tiny@{tiny_server.url}", "--max-cost", 1)
    assert done.code == 2 and "generation.price" in done.err
    assert tiny_server.requests == []


def test_several_models_are_one_table(
    hybrid_command, warranty, pipeline, tmp_path, tiny_server, tiny_weights, on_server
):
    here = ("--model", tiny_weights.path)
    models = ("--model", f"endpoint:tiny@{tiny_server.url}", "--model", f"endpoint:tuned@{tiny_server.url}")
    command = ("eval", pipeline, *here, *models, "--cells", "base,base+rag", "--limit", 2)
    done = hybrid_command(*command, "--out", tmp_path / "out")
    assert done.code == 0, done.err
    path = Path(done.out.splitlines()[-1])
    assert path == tmp_path / "out" / "models.json"
    compared = json.loads(path.read_text())
    assert len(compared["models"]) == 3 and len(compared["differences"]) == 3
    for model in compared["models"].values():
        assert (path.parent / model["results"]).is_file()
    same = compared["differences"][0]["columns"]["base"]["correct"]
    assert (same["mean"], same["n"]) == (0, 2)
    again = hybrid_command(*command, "--out", tmp_path / "out", "--resume")
    assert again.code == 0 and again.out == done.out


def test_the_estimate_of_several_models_is_one_for_each(hybrid_command, warranty, pipeline):
    models = ("--model", "endpoint:a@https://a.org/v1", "--model", "endpoint:b@https://b.org/v1")
    command = ("eval", pipeline, *models, "--cells", "base", "--estimate")
    assert "will be sent to b.org" in hybrid_command(*command).out
    made = json.loads(hybrid_command(*command, "--json").out)["models"]
    assert [each["hosts"] for each in made.values()] == [["a.org"], ["b.org"]]


def test_one_tokenizer_for_two_served_models_is_refused(
    hybrid_command, warranty, pipeline, tiny_weights, tmp_path
):
    models = ("--model", "endpoint:a@https://a.org/v1", "--model", "endpoint:b@https://b.org/v1")
    shared = ("--set", f"generation.tokenizer={tiny_weights.path}")
    done = hybrid_command("eval", pipeline, *models, *shared, "--cells", "base")
    assert done.code == 2 and "generation.by_model.MODEL.tokenizer" in done.err
