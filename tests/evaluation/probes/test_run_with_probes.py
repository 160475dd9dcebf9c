"""One whole run on the tiny model with every probe that needs no second edition."""

import json

import pytest

from hybrid.corpus.importing import import_set
from hybrid.evaluation.columns import PROBES
from hybrid.evaluation.run import evaluate

CELLS = ["base", "base+rag", "few-shot"]
SHOWN = ["oracle", "distractors", "position-first", "position-middle", "position-last", "counterfactual"]


@pytest.fixture(scope="module")
def probed(tmp_path_factory, question_set, pipeline):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HYBRID_HOME", str(tmp_path_factory.mktemp("probed")))
        import_set("warranty", format="jsonl", path=question_set)
        settings = ["retrieval.k=3", "references.examples=[1]"]
        return evaluate(
            pipeline,
            cells=CELLS,
            probes=[probe for probe in PROBES if probe != "stale"],
            limit=5,
            overrides=settings,
            judge="overlap",
        )


@pytest.fixture(scope="module")
def rows(probed):
    """Column → question id → row."""
    found = {}
    for row in probed.rows:
        found.setdefault(row["cell"], {})[row["question_id"]] = row
    return found


def test_every_probe_has_its_columns_and_its_figures(probed, rows):
    assert set(rows) == {*CELLS, *(f"{show}/base+rag" for show in SHOWN), "regurgitation/few-shot"}
    probes = probed.results["probes"]
    assert set(probes) == {*SHOWN, "position", "regurgitation"}
    assert {"harm", "harm_known", "metrics", "gain"} <= set(probes["distractors"]["base+rag"])
    assert set(probes["position"]["base+rag"]) == {"first", "middle", "last", "largest"}
    assert {"follows_context", "right", "skipped"} <= set(probes["counterfactual"]["base+rag"])
    assert probes["regurgitation"]["few-shot"]["canaries"] == 5


def test_the_gold_stands_where_the_probe_puts_it_among_the_same_distractors(rows):
    for id, row in rows["oracle/base+rag"].items():
        (gold,) = row["shown"]
        first, middle, last = (
            rows[f"position-{p}/base+rag"][id]["shown"] for p in ("first", "middle", "last")
        )
        assert [order.index(gold) for order in (first, middle, last)] == [0, 1, 2]
        shuffled = rows["distractors/base+rag"][id]["shown"]
        assert set(first) == set(middle) == set(last) == set(shuffled) and len(shuffled) == 3


def test_distractors_are_evidence_and_do_not_tell(rows):
    for row in rows["distractors/base+rag"].values():
        texts = {passage["id"]: passage["text"] for passage in row["pool"]}
        assert set(row["shown"]) <= set(texts)
        others = [texts[id] for id in row["shown"] if id not in row["gold"]]
        assert len(others) == 2 and not any(f" {row['references'][0]} " in text for text in others)


def test_a_swapped_passage_is_all_the_evidence_of_its_row(rows):
    swapped = rows["counterfactual/base+rag"]
    assert swapped
    for id, row in swapped.items():
        (passage,) = row["pool"]
        assert row["shown"] == row["gold"] == [passage["id"]] and passage["id"] < 0
        assert row["references"] == row["swap"]["substitutes"]
        assert row["swap"]["references"] == rows["base"][id]["references"]
        original = next(each for each in rows["base"][id]["pool"] if each["id"] == -passage["id"])
        (old,), (new,) = row["swap"]["references"], row["swap"]["substitutes"]
        assert passage["text"] == original["text"].replace(old, new) != original["text"]
    assert all(row["swap"] is None for row in rows["oracle/base+rag"].values())


def test_the_run_reads_back_and_its_page_is_written(probed):
    with open(probed.path("results.json"), encoding="utf-8") as file:
        assert json.load(file)["probes"].keys() == probed.results["probes"].keys()
    with open(probed.path("report.html"), encoding="utf-8") as file:
        assert "counterfactual" in file.read()
