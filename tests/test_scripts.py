"""The scripts on the Python API give what the command line gives."""

import json
import re
import runpy
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from llama_index.core.retrievers import BaseRetriever
from ragas_server import ragas_server
from rich.console import Console
from typer.testing import CliRunner

import hybrid
from hybrid.cli.app import app
from hybrid.evaluation.table import markdown

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
def test_a_script_has_at_most_40_lines(path):
    lines = path.read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 40
    assert "import hybrid" in lines


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_a_script_uses_the_public_api_only(path):
    lines = path.read_text(encoding="utf-8").splitlines()
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


@pytest.fixture
def small_suite(tmp_path, small_corpus):
    """Writes a suite over the small corpus, of which the tiny model knows the answers that it is given."""

    def write(**answers):
        history = [{"question": "What is a fig?", "answer": "A fruit."}]
        rows = [
            {"id": "single", "question": "What does a fig cost?"},
            {"id": "last turn", "question": "What does a fig cost?", "history": history},
            {"id": "unknown", "question": "Of what colour is it?", "answers": ["colour number 5"]},
            {"id": "nothing", "question": "Who grows it?", "answerable": False},
        ]
        given = [row | ({"answers": [answers[row["id"]]]} if row["id"] in answers else {}) for row in rows]
        (tmp_path / "q.jsonl").write_text("".join(json.dumps(row) + "\n" for row in given))
        suite = {"corpus": small_corpus.name, "questions": "q.jsonl"}
        (tmp_path / "small.yaml").write_text(yaml.safe_dump(suite))
        return str(tmp_path / "small.yaml")

    return write


def test_known_names_the_questions_that_the_base_answers_unaided(run_script, small_suite, capsys):
    asked = hybrid.evaluate("smoke", suite=small_suite(), cells=["base"])
    answers = {row["question_id"]: row["answer"] for row in asked.rows}
    assert answers["single"] != answers["last turn"]
    suite = small_suite(**{id: answers[id] for id in ("single", "last turn")})
    capsys.readouterr()
    run_script("eval/known.py", suite, "smoke")
    printed = capsys.readouterr().out.splitlines()
    rows = hybrid.evaluate("smoke", suite=suite, cells=["base"]).rows
    correct = [row["question_id"] for row in rows if row["metrics"]["correct"]["value"] == 1]
    assert sorted(printed) == sorted(correct) == ["last turn", "single"]


def test_seeds_tells_the_figures_of_each_seed(run_script, monkeypatch, capsys):
    stored = (ROOT / "eval" / "baselines" / "marrowick" / "results.json").read_text(encoding="utf-8")
    asked = []

    def evaluate(pipeline, *, seed, part):
        asked.append((pipeline, seed, part))
        results = json.loads(stored)
        results["cells"]["tuned+rag"]["metrics"]["score"]["mean"] = seed / 100
        results["cells"]["tuned+rag"]["metrics"]["citation_recall"]["mean"] = None
        return SimpleNamespace(results=results)

    monkeypatch.setattr(hybrid, "evaluate", evaluate)
    run_script("eval/seeds.py", "smoke", "3", "14")
    assert asked == [("smoke", 3, "dev"), ("smoke", 14, "dev")]
    lines = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    columns = [("any", "base+rag"), ("any", "few-shot+rag"), ("3", "tuned+rag"), ("14", "tuned+rag")]
    assert [tuple(line[:2]) for line in lines] == [("seed", "column"), *columns]
    assert [line[lines[0].index("score")] for line in lines[3:]] == ["3", "14"]
    assert [line[-1] for line in lines[3:]] == ["–", "–"]


def test_ragas_prompts_scores_the_answers_of_a_run(run_script, tmp_path, capsys):
    rows = ROOT / "tests" / "evaluation" / "four-cells.jsonl"
    report = hybrid.evaluate_answers(rows, out=tmp_path / "run")
    with ragas_server() as url:
        scores = run_script("eval/ragas_prompts.py", str(tmp_path / "run"), f"m@{url}")["scores"]
    printed = capsys.readouterr().out.splitlines()
    assert " ".join(printed).startswith("ragas with its own prompts; judge: endpoint:m@")
    assert set(scores["cells"]) == {row["cell"] for row in report.rows}
    # "five years." and "90 euros." both stand in what is shown with a full stop behind them.
    assert scores["cells"]["tuned+rag"]["context_recall"]["mean"] == 1.0
    assert "base faithfulness: not_applicable, no passages were shown (n 0, failed 0)" in printed
    assert any(line.startswith("tuned+rag context_recall: 1.00, ") for line in printed)


@pytest.fixture
def checkout(tmp_path):
    """A copy of what ``make table`` writes to."""
    root = tmp_path / "checkout"
    shutil.copytree(ROOT / "eval" / "baselines", root / "eval" / "baselines")
    (root / "eval" / "baselines" / "test-uses.tsv").write_text("2026-01-01T00:00:00Z\tabc1234\tquickstart\n")
    (root / "README.md").write_text("# Top\n\n<!-- table -->\n| old |\n<!-- /table -->\n\nRest | of it.\n")
    return root


def test_table_writes_the_figures_of_the_test_part_and_logs_its_use(run_script, checkout):
    untouched = (checkout / "eval" / "baselines" / "xquad" / "results.json").read_bytes()
    ran = run_script("eval/table.py", "smoke", str(checkout))
    report = hybrid.evaluate("smoke", part="test", probes=["oracle"])
    baseline = checkout / "eval" / "baselines" / "python-reference"
    results = json.loads((baseline / "results.json").read_text(encoding="utf-8"))
    assert timeless(results) == timeless(json.loads(json.dumps(report.results)))
    assert results["questions"]["part"] == "test" and "oracle" in results["probes"]
    ids = (baseline / "questions.txt").read_text(encoding="utf-8").splitlines()
    assert set(ids) == {row["question_id"] for row in report.rows} and len(ids) == len(set(ids))
    assert (checkout / "eval" / "baselines" / "xquad" / "results.json").read_bytes() == untouched

    table = markdown(report.results, ran["METRICS"])
    assert (checkout / "README.md").read_text(encoding="utf-8") == (
        f"# Top\n\n<!-- table -->\n{table}\n<!-- /table -->\n\nRest | of it.\n"
    )

    first, second = (checkout / "eval" / "baselines" / "test-uses.tsv").read_text().splitlines()
    assert first == "2026-01-01T00:00:00Z\tabc1234\tquickstart"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\t[^\t]+\tsmoke", second)


def test_a_look_that_was_broken_off_is_logged_and_changes_nothing_else(run_script, checkout):
    readme = (checkout / "README.md").read_text(encoding="utf-8")
    with pytest.raises(hybrid.HybridError, match="smok"):
        run_script("eval/table.py", "smok", str(checkout))
    uses = (checkout / "eval" / "baselines" / "test-uses.tsv").read_text().splitlines()
    assert [line.split("\t")[2] for line in uses] == ["quickstart", "smok"]
    assert (checkout / "README.md").read_text(encoding="utf-8") == readme


def test_without_a_place_for_the_table_nobody_looks(run_script, checkout):
    (checkout / "README.md").write_text("# Top\n", encoding="utf-8")
    log = checkout / "eval" / "baselines" / "test-uses.tsv"
    before = log.read_text()
    with pytest.raises(SystemExit, match="has no place for the table"):
        run_script("eval/table.py", "smoke", str(checkout))
    assert log.read_text() == before


def test_the_readme_has_one_place_for_the_table():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(re.findall(r"<!-- table -->\n.*?<!-- /table -->", readme, flags=re.DOTALL)) == 1
