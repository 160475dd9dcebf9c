"""What became of answers when the corpus changed: by hand, and in a run between two editions."""

import json
from types import SimpleNamespace

import pytest
import yaml
from scored_rows import column, scored

from hybrid.corpus.store import Corpus
from hybrid.errors import CorpusError, RunError
from hybrid.evaluation.columns import columns_named
from hybrid.evaluation.estimate import estimate
from hybrid.evaluation.job import prepare
from hybrid.evaluation.probes.findings import findings
from hybrid.evaluation.probes.stale import Followed, seconds_to_right
from hybrid.evaluation.probes.swaps import Swap
from hybrid.evaluation.rejudge import judge_again
from hybrid.evaluation.run import evaluate
from hybrid.evaluation.table import plain
from hybrid.generation.generator import Generation
from hybrid.judging.overlap import OverlapJudge
from hybrid.pipeline import Request
from hybrid.records import Answer, Document, Question

SWAP = Swap(("5 years",), ("7 years",), ())
SAID = {"new": "It is 7 years.", "both": "7 years, no more 5 years", "old": "5 years", "other": "9 years"}


def after(cell, counts, *, start=0, swap=SWAP):
    """Rows of a cell after the change; ids go on from ``start``."""
    texts = [text for said, count in counts.items() for text in [SAID.get(said, "I don't know.")] * count]
    silent = "I don't know."
    return [
        scored(
            f"stale/{cell}",
            f"q{number}",
            text,
            silent=text == silent,
            swap=swap,
            answers=swap.substitutes,
            answerable=bool(swap.substitutes),
        )
        for number, text in enumerate(texts, start)
    ]


def stale(rows):
    return findings(rows, {})["stale"]


def told(figure):
    return figure["mean"], figure["n"], figure["status"]


def test_an_answer_with_the_new_value_is_right_and_only_the_old_one_is_stale():
    rows = after("base+rag", {"new": 15, "both": 5, "old": 10, "other": 6, "silent": 4})
    found = stale([*column("base+rag", (30, 1), (10, 0)), *rows])["base+rag"]
    # Of 40: 30 were right before, 15 + 5 are now, 10 are stale.
    assert [told(found[name]) for name in ("before", "update_success", "stale_rate")] == [
        (0.75, 40, "ok"),
        (0.5, 40, "ok"),
        (0.25, 40, "ok"),
    ]
    assert found["stale_rate"]["low"] < 0.25 < found["stale_rate"]["high"]
    assert "known" not in found and found["withdrawn"]["n"] == 0


def test_questions_withdrawn_are_counted_apart():
    gone = after("base", {"silent": 3, "old": 2, "other": 1}, start=40, swap=Swap(("5 years",), (), ()))
    found = stale([*after("base", {"new": 40}), *gone])["base"]
    assert found["withdrawn"] == {"n": 6, "abstained": 3, "old": 2, "other": 1}
    assert told(found["update_success"]) == (1.0, 40, "ok")


@pytest.mark.parametrize(("right", "status"), [(19, "withheld"), (20, "ok")])
def test_where_the_tuned_model_knew_few_facts_its_stale_rate_is_withheld(right, status):
    before = [*column("tuned", (right, 1), (40 - right, 0)), *column("tuned+rag", (40, 1))]
    found = stale([*before, *after("tuned", {"old": 40}), *after("tuned+rag", {"new": 40})])
    for cell in ("tuned", "tuned+rag"):
        known, rate = found[cell]["known"], found[cell]["stale_rate"]
        assert (known["facts"], known["of"], known["status"], rate["status"]) == (right, 40, status, status)
        assert (rate["mean"] is None) == (status == "withheld")
        assert ("too few known facts: 19 of 40" in rate["reason"]) == (status == "withheld")
        assert found[cell]["update_success"]["status"] == "ok"


def test_without_the_cell_tuned_nobody_knows_what_it_knew():
    found = stale(after("tuned+rag", {"old": 40}))["tuned+rag"]
    assert found["stale_rate"]["status"] == "withheld" and "tuned was not run" in found["known"]["reason"]


def test_few_changed_questions_have_no_rate():
    found = stale(after("base", {"old": 29}))["base"]
    assert {told(found[name]) for name in ("update_success", "stale_rate")} == {(None, 29, "withheld")}


def seconds(name, answer, manifest=None):
    (asked,) = columns_named([f"stale/{name}"])
    requests = {id: Request(Question(id, "How long?", ("7 years",))) for id in ("a", "b")}
    answers = {"a": Answer("no", (), (), False, "no"), "b": Answer(answer, (), (), False, answer)}
    followed = Followed({}, {}, {}, swap=0.5, index=1.5)
    adapter = SimpleNamespace(manifest=manifest) if manifest is not None else None
    return seconds_to_right(asked, requests, answers, Generation((), 6.0, None), followed, adapter)


def test_retrieval_follows_in_the_time_of_swap_index_and_one_answer():
    found = seconds("tuned+rag", "7 years")
    # 0.5 + 1.5 + 6 / 2
    assert (found["mean"], found["unit"]) == (5.0, "seconds")
    assert found["parts"] == {"swap": 0.5, "index": 1.5, "answer": 3.0}
    assert seconds("tuned+rag", "5 years")["reason"] == "no answer was right"


def test_without_retrieval_nothing_follows():
    assert seconds("base", "7 years")["reason"] == "without passages the base follows no change"
    told = seconds("tuned", "7 years", {"seconds": 90.4})
    assert told["mean"] is None and told["reason"].endswith("tuned again; tuning took 90 s")
    assert seconds("tuned", "7 years", {})["reason"].endswith("until the model is tuned again")


FRUIT = ("fig", "apple", "grape", "kiwi", "plum")


def gold(name, quote):
    return [{"document": f"{name}.md", "quote": quote}]


def edition(name, price):
    quote = f"costs {price} cents"
    return {"answers": [f"{price} cents"], "gold": gold(name, quote)}


@pytest.fixture
def editions(state_folder, tmp_path):
    """Writes two suites; ``fig`` and ``apple`` changed, ``grape`` went, ``kiwi`` stayed, ``plum`` is new."""
    first = {"fig": 15, "apple": 10, "grape": 16, "kiwi": 17}
    second = {"fig": 25, "apple": 20, "kiwi": 17, "plum": 18}
    for name, prices in {"fruit": first, "later": second}.items():
        texts = {fruit: f"One {fruit} costs {price} cents." for fruit, price in prices.items()}
        documents = [Document(f"{fruit}.md", fruit, text) for fruit, text in texts.items()]
        Corpus.create(name, documents=documents).close()
    none = {"answers": [], "gold": []}
    rows = [
        {"id": fruit, "question": f"Price of the {fruit}?", "kind": "number", "editions": {
            name: edition(fruit, prices[fruit]) if fruit in prices else none
            for name, prices in {"first": first, "second": second}.items()}}
        for fruit in FRUIT
    ]  # fmt: skip
    (tmp_path / "q.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))

    def write(**more):
        common = {"questions": "q.jsonl", "judge": "overlap"}
        for name, spec in {
            "first": {"corpus": "fruit", "edition": "first", "successor": "second.yaml", **more},
            "second": {"corpus": "later", "edition": "second"},
        }.items():
            (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump(common | spec))
        return str(tmp_path / "first.yaml")

    return write


def test_the_next_edition_asks_what_it_answers_otherwise(editions, pipeline):
    job = prepare(pipeline, suite=editions(), cells=["base"], probes=["stale"])
    (_, column) = job.columns
    asked = {question.id: question for question in job.asked(column)}
    assert {id: question.answers for id, question in asked.items()} == {
        "fig": ("25 cents",),
        "apple": ("20 cents",),
        "grape": (),
    }
    assert not asked["grape"].answerable and asked["grape"].kind == "number"
    assert asked["fig"].group == "fig.md" and job.successor.suite.corpus.name == "later"
    plain = prepare(pipeline, suite=editions(), cells=["base"])
    assert plain.successor is None and plain.settings() != job.settings()


def test_another_adapter_is_tuned_on_the_next_edition(editions, pipeline, tmp_path):
    asked = (tmp_path / "q.jsonl").read_text().replace("Price of the", "What does one cost, the")
    (tmp_path / "t.jsonl").write_text(asked.replace('"id": "', '"id": "t-'))
    suite = editions(training="t.jsonl")
    second = tmp_path / "second.yaml"
    second.write_text(second.read_text() + "training: t.jsonl\n")
    asked_for = {"suite": suite, "cells": ["base", "tuned"], "probes": ["stale"]}
    few = ["tuning.rows=8", "tuning.max_steps=2", "tuning.no_context=answer", "tuning.lint=false"]
    told = estimate(prepare(pipeline, **asked_for, overrides=few)).lines
    assert any(line.startswith("tuning: ") and line.endswith("once on each edition") for line in told)
    report = evaluate(pipeline, **asked_for, overrides=few)
    probe = report.results["probes"]["stale"]
    assert list(probe) == ["base", "tuned", "retrained"]
    retrained = probe["retrained"]
    assert "before" not in retrained and "known" not in retrained and retrained["withdrawn"]["n"] == 1
    made = report.results["provenance"]
    digests = [made[name]["digest"] for name in ("adapter", "retrained")]
    assert len(set(digests)) == 2
    taught = {name: made[name]["manifest"]["sources"][0]["suite"] for name in ("adapter", "retrained")}
    assert taught == {"adapter": "first", "retrained": "second"}
    parts = retrained["seconds_to_right"]["parts"]
    assert parts["tuning"] == made["retrained"]["manifest"]["seconds"] > 0
    rows = {(row["cell"], row["question_id"]) for row in report.rows}
    assert {("stale/retrained", fruit) for fruit in ("fig", "apple", "grape")} <= rows
    assert "retrained" in plain(report.results)
    assert judge_again(report, OverlapJudge()).results["probes"]["stale"] == probe


def test_what_was_tuned_elsewhere_is_not_tuned_again(editions, pipeline, tiny_adapter):
    job = prepare(pipeline, suite=editions(), cells=["tuned"], probes=["stale"], adapter=tiny_adapter.path)
    assert not job.retrains


def test_a_suite_without_a_successor_is_refused_in_one_line(editions, pipeline):
    with pytest.raises(RunError, match=r'^--probe stale needs [^\n]*"first" names none[^\n]*first-edition$'):
        prepare(pipeline, suite=editions(successor=None), cells=["base"], probes=["stale"])
    with pytest.raises(CorpusError, match="nothing that is asked has another answer"):
        prepare(pipeline, suite=editions(successor="first.yaml"), cells=["base"], probes=["stale"])


def test_a_run_asks_the_swapped_index_and_leaves_the_corpus_as_it_is(editions, pipeline, tiny_adapter):
    report = evaluate(
        pipeline,
        suite=editions(),
        cells=["base", "base+rag", "tuned", "tuned+rag"],
        probes=["stale"],
        adapter=tiny_adapter.path,
        overrides=["retrieval.k=2"],
    )
    rows = {(row["cell"], row["question_id"]): row for row in report.rows}
    cells = ("base", "base+rag", "tuned", "tuned+rag")
    assert {key for key in rows if key[0].startswith("stale/")} == {
        (f"stale/{cell}", fruit) for cell in cells for fruit in ("fig", "apple", "grape")
    }
    for cell in cells:
        fig, before = rows[f"stale/{cell}", "fig"], rows[cell, "fig"]
        texts = {passage["id"]: passage["text"] for passage in fig["pool"]}
        assert [texts[id] for id in fig["gold"]] == ["One fig costs 25 cents."]
        assert not any("15 cents" in text or "grape" in text for text in texts.values())
        assert fig["references"] == ["25 cents"] and fig["swap"]["references"] == ["15 cents"]
        assert all(id < 0 for id in [*texts, *fig["shown"]])
        assert len(fig["shown"]) == (2 if "rag" in cell else 0)
        if "rag" not in cell:
            assert fig["raw"] == before["raw"]
    with Corpus.open("fruit") as corpus:
        assert corpus.generation == 1
    assert Corpus.names() == ["fruit", "later"]
    probe = report.results["probes"]["stale"]
    assert list(probe) == list(cells)
    assert probe["tuned"]["known"]["status"] == "withheld" and probe["tuned"]["withdrawn"]["n"] == 1
    assert probe["base+rag"]["seconds_to_right"]["parts"].keys() == {"swap", "index", "answer"}
    assert "| stale, percent |" in plain(report.results)
    with open(report.path("report.html"), encoding="utf-8") as file:
        assert "without passages the tuned model knew 0 of 2 changed facts" in file.read()
    again = judge_again(report, OverlapJudge())
    assert again.results["probes"]["stale"] == probe
    assert again.rows == report.rows
