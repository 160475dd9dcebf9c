"""Whole runs on the tiny model: with the oracle beside the cells, a list of the known, and in Chinese."""

import json
from dataclasses import replace

import pytest
import yaml

from hybrid import models
from hybrid.corpus.importing import import_set
from hybrid.evaluation.run import evaluate
from hybrid.evaluation.table import plain
from hybrid.questions import write_questions
from hybrid.records import Gold, Question
from hybrid.suites import load_suite

UNTUNED = ["base", "base+rag"]
PROBE = "oracle/base+rag"
TEXT = "The X{0} has a warranty of {0} years."
KNOWN = ["years-1", "years-3"]


def years(n):
    gold = (Gold(f"x{n}", 0, len(TEXT.format(n))),)
    return Question(
        f"years-{n}", f"How long is the warranty of the X{n}?", (f"{n} years",), gold=gold, group=f"x{n}"
    )


def bound(n):
    gold = (Gold(f"x{n}", 0, len(TEXT.format(n))),)
    return Question(f"bound-{n}", f"Who made the X{n}?", (), answerable=False, gold=gold, group=f"x{n}")


QUESTIONS = [
    *map(years, range(1, 5)),
    Question("open", "Why has the X1 a warranty?", group="x1"),
    Question("nobody", "Who leads the company?", (), answerable=False, gold=(), group="nobody"),
    bound(1),
    bound(2),
]


def write_suite(folder, **keys):
    write_questions(folder / "questions.jsonl", QUESTIONS)
    (folder / "known.txt").write_text("\n".join(KNOWN) + "\n")
    spec = {"corpus": "warranty", "questions": "questions.jsonl"} | keys
    (folder / "mine.yaml").write_text(yaml.safe_dump(spec))
    return str(folder / "mine.yaml")


def run_at(home, question_set, pipeline, **keys):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HYBRID_HOME", str(home))
        import_set("warranty", format="jsonl", path=question_set)
        return evaluate(pipeline, suite=write_suite(home, **keys), cells=UNTUNED, probes=["oracle"])


@pytest.fixture(scope="module")
def probed(tmp_path_factory, question_set, pipeline, tiny_weights):
    known = {str(tiny_weights.path): "known.txt"}
    return run_at(tmp_path_factory.mktemp("probed"), question_set, pipeline, known=known)


@pytest.fixture(scope="module")
def chinese(tmp_path_factory, question_set, pipeline, tiny_weights):
    """The same run in a language that judge, model and embedder were not made for."""
    with pytest.MonkeyPatch.context() as patch:
        for name, bundled in zip(
            (str(tiny_weights.path), "hashing:64"), list(models.BUNDLED.values()), strict=True
        ):
            patch.setitem(models.BUNDLED, name, replace(bundled, languages=frozenset({"en"})))
        known = {"another/model": "known.txt"}
        return run_at(tmp_path_factory.mktemp("chinese"), question_set, pipeline, language="zh", known=known)


def asked(report):
    found = {}
    for row in report.rows:
        found.setdefault(row["cell"], []).append(row["question_id"])
    return found


def test_the_probe_asks_questions_with_gold_and_only_it_the_bound(probed):
    everywhere = ["years-1", "years-2", "years-3", "years-4", "open", "nobody"]
    found = asked(probed)
    assert set(found) == {*UNTUNED, PROBE}
    assert sorted(found["base"]) == sorted(found["base+rag"]) == sorted(everywhere)
    assert sorted(found[PROBE]) == sorted([*everywhere[:4], "bound-1", "bound-2"])


def test_the_probe_shows_the_gold_and_nothing_else(probed):
    for row in probed.rows:
        if row["cell"] == PROBE:
            assert row["shown"] == row["gold"] and len(row["gold"]) == 1
            assert row["metrics"]["recall_at_k"]["status"] == "not_applicable"
        assert row["tags"] == []


def test_the_probe_has_its_figures_and_its_gain(probed):
    results = probed.results
    assert list(results["probes"]) == ["oracle"] and list(results["probes"]["oracle"]) == ["base+rag"]
    probe = results["probes"]["oracle"]["base+rag"]
    assert (probe["metrics"]["correct"]["n"], probe["metrics"]["abstention_recall"]["n"]) == (4, 2)
    assert sum(probe["outcomes"].values()) == 6
    right = {
        cell: sum(row["metrics"]["correct"]["value"] or 0 for row in probed.rows if row["cell"] == cell)
        for cell in ("base+rag", PROBE)
    }
    gain = probe["gain"]["correct"]
    assert (gain["mean"], gain["n"]) == ((right[PROBE] - right["base+rag"]) / 4, 4)


def test_bound_questions_count_in_no_cell(probed):
    results = probed.results
    assert (results["questions"]["n"], results["questions"]["n_answerable"]) == (6, 5)
    for cell in UNTUNED:
        assert sum(results["cells"][cell]["outcomes"].values()) == 6
        assert results["cells"][cell]["metrics"]["abstention_recall"]["n"] == 1
    assert results["retrieval"]["metrics"]["recall_at_k"]["n"] == 4
    assert results["by_split"]["unseen"]["n"] == 6
    assert not any(column.startswith("oracle") for column in results["by_split"]["unseen"]["cells"])


def test_the_probe_is_a_row_of_the_table_and_stands_on_the_page(probed):
    assert any(line.startswith(f"| {PROBE} |") for line in plain(probed.results).splitlines())
    with open(probed.path("report.html"), encoding="utf-8") as file:
        page = file.read()
    assert PROBE in page and "Who made the X1?" in page


def test_the_suite_s_list_says_what_the_base_knows_if_it_is_of_its_model(probed, chinese):
    listed = probed.results["memory"]["base"]
    # Of the four questions with references two are on the list.
    assert [listed[rate]["n"] for rate in ("harm", "help")] == [2, 2]
    assert [listed[rate]["status"] for rate in ("harm", "help")] == ["withheld", "withheld"]
    # The list of another model says nothing of this one: the cell itself tells, and it knows nothing.
    own = chinese.results["memory"]["base"]
    right = sum(row["metrics"]["correct"]["value"] or 0 for row in chinese.rows if row["cell"] == "base")
    assert (own["harm"]["n"], own["help"]["n"]) == (right, 4 - right) == (0, 4)


def test_in_chinese_the_english_judge_gives_no_figure(chinese):
    metrics = chinese.results["cells"]["base+rag"]["metrics"]
    for name in ("groundedness", "faithfulness_shown", "hallucination_rate", "score"):
        assert (metrics[name]["status"], metrics[name]["mean"]) == ("withheld", None), name
        assert metrics[name]["reason"].endswith("questions: not validated for zh"), name
    assert chinese.results["probes"]["oracle"]["base+rag"]["metrics"]["groundedness"]["mean"] is None
    assert chinese.results["judge"]["validated"] is False
    assert {row["statements"][0]["error"] for row in chinese.rows if row["statements"]} == {
        "not validated for zh"
    }


def test_in_chinese_what_needs_no_judge_is_measured(chinese, probed):
    for cell in UNTUNED:
        for metric in ("correct", "token_f1", "answer_rate"):
            found = chinese.results["cells"][cell]["metrics"][metric]
            assert found["status"] == "ok", metric
            assert found["mean"] == probed.results["cells"][cell]["metrics"][metric]["mean"]


def test_in_chinese_nothing_is_printed_as_groundedness(chinese):
    lines = plain(chinese.results).splitlines()
    header = next(line for line in lines if "groundedness" in line).split("|")
    column = [cell.strip() for cell in header].index("groundedness")
    for name in (*UNTUNED, PROBE):
        row = next(line for line in lines if line.startswith(f"| {name} |")).split("|")
        assert row[column].strip().startswith("– ("), name
    assert any(line.endswith("questions: not validated for zh") for line in lines)


def test_in_chinese_model_and_embedder_are_named_beneath_the_table(chinese, tiny_weights):
    lines = plain(chinese.results).splitlines()
    assert f"not validated for zh: the model {tiny_weights.path}" in lines
    assert "not validated for zh: the embedder hashing:64" in lines


def test_a_suite_reads_for_each_model_its_list_of_the_known(warranty, tmp_path):
    suite = load_suite(write_suite(tmp_path, known={"tiny:llama": "known.txt"}))
    assert suite.known == {"tiny:llama": frozenset(KNOWN)}
    assert load_suite(write_suite(tmp_path)).known == {}


def test_a_suite_asks_for_the_answers_of_its_edition(warranty, tmp_path):
    gold = [{"document": "x1", "quote": "1 years"}]
    editions = {"first": {"answers": ["1 years"], "gold": gold}, "second": {"answers": [], "gold": []}}
    row = {"id": "a", "question": "How long?", "editions": editions}
    (tmp_path / "q.jsonl").write_text(json.dumps(row))
    for edition, answers, kind in (("first", ("1 years",), ""), ("second", (), "unanswerable")):
        spec = {"corpus": "warranty", "questions": "q.jsonl", "edition": edition}
        (tmp_path / "mine.yaml").write_text(yaml.safe_dump(spec))
        (question,) = load_suite(str(tmp_path / "mine.yaml")).questions
        assert (question.answers, question.answerable, question.kind) == (answers, bool(answers), kind)
