import json
from contextlib import contextmanager

import pytest

from hybrid.corpus.importing import import_set
from hybrid.errors import NoTrainingQuestions
from hybrid.evaluation.run import evaluate
from hybrid.evaluation.table import plain
from hybrid.generation.generator import Generator
from hybrid.judging.overlap import OverlapJudge
from hybrid.progress import Silent
from hybrid.records import Document
from hybrid.suites import load_suite

CELLS = ["base", "base+rag", "tuned", "tuned+rag"]
REFERENCES = ["few-shot", "few-shot+rag"]
METRICS = """
correct exact_match token_f1 score groundedness faithfulness_shown hallucination_rate
hallucination_rate_answered citation_precision citation_recall cited_rate phantom_citation_rate answer_rate
abstention_recall false_abstention recall_at_k mrr prompt_tokens output_tokens seconds peak_memory_mb
""".split()
FIGURE = {"mean", "low", "high", "n", "n_failed", "n_not_applicable", "status", "reason"}
EFFECTS = "retrieval tuning interaction retrieval_base retrieval_tuned tuning_alone tuning_rag".split()
TOP = """
schema_version cells effects references probes retrieval judge interval verdict provenance
""".split()
TIMES = {"seconds", "created", "peak_memory_mb", "costs", "effects_cost", "eight_questions"}


def read(report):
    def refuse(constant):
        raise ValueError(constant)

    with open(report.path("results.json"), encoding="utf-8") as file:
        return json.load(file, parse_constant=refuse)


def read_rows(report):
    with open(report.path("rows.jsonl"), encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def timeless(data):
    if isinstance(data, dict):
        return {key: timeless(value) for key, value in data.items() if key not in TIMES}
    return [timeless(item) for item in data] if isinstance(data, list) else data


def statuses(results, cell):
    return {name: figure["status"] for name, figure in results["cells"][cell]["metrics"].items()}


class Stopped(Silent):
    """Progress that presses Ctrl-C in a stage, after so many counts."""

    def __init__(self, stage, after):
        self.stage, self.after = stage, after

    @contextmanager
    def track(self, label, total):
        def done(count, note):
            if label.startswith(self.stage) and count >= self.after:
                raise KeyboardInterrupt

        yield done


class Flaky(OverlapJudge):
    """Fails on every third claim, whether it is asked alone or among others."""

    def verdicts(self, pairs):
        if any(sum(claim.encode()) % 3 == 0 for claim, _ in pairs):
            raise TimeoutError("the judge is busy")
        return super().verdicts(pairs)


def test_results_hold_every_key_of_the_contract(finished):
    results = read(finished.report)
    assert set(TOP) <= set(results)
    assert (results["schema_version"], results["probes"]) == (1, {})
    assert list(results["cells"]) == CELLS
    assert list(results["references"]) == REFERENCES
    assert {"name", "digest", "validated"} <= set(results["judge"])
    assert {"method", "level", "clusters", "seeds"} <= set(results["interval"])
    for column in (results["cells"] | results["references"]).values():
        assert set(METRICS) <= set(column["metrics"])
        assert all(set(figure) >= FIGURE for figure in column["metrics"].values())
        assert sum(column["outcomes"].values()) == results["questions"]["n"]


def test_effects_hold_every_key_of_the_contract(finished):
    effects = read(finished.report)["effects"]
    assert set(EFFECTS) <= set(effects)
    for metrics in effects.values():
        assert set(METRICS[:17]) <= set(metrics)
        assert all({"mean", "low", "high", "n", "status"} <= set(figure) for figure in metrics.values())


def test_no_two_columns_answer_alike(finished):
    answers = {}
    for row in finished.report.rows:
        answers.setdefault(row["cell"], []).append(row["answer"])
    assert len({tuple(texts) for texts in answers.values()}) == len(CELLS + REFERENCES)


def test_a_figure_has_a_mean_only_if_it_is_ok(finished):
    results = read(finished.report)
    for column in (results["cells"] | results["references"]).values():
        for name, figure in column["metrics"].items():
            assert (figure["mean"] is None) == (figure["status"] != "ok"), name
            assert figure["status"] == "ok" or figure["reason"], name


def test_provenance_names_all_that_decided(finished):
    made = read(finished.report)["provenance"]
    assert made["adapter"]["manifest"]["rows"]["n"] == 24
    assert made["few_shot_examples"] in (1, 2)
    assert made["corpus"]["name"] == "warranty"
    assert made["pipeline"]["tuning"]["max_steps"] == 12
    assert all(made["versions"].values())


def test_there_is_a_row_for_each_question_and_column(finished):
    rows = read_rows(finished.report)
    asked = {row["question_id"] for row in rows}
    assert len(asked) == read(finished.report)["questions"]["n"] > 5
    assert sorted((row["question_id"], row["cell"]) for row in rows) == sorted(
        (question, cell) for question in asked for cell in CELLS + REFERENCES
    )


def test_no_training_question_is_asked(at_home):
    asked = {row["question_id"] for row in at_home.report.rows}
    training = load_suite("warranty").training
    assert training and asked.isdisjoint(question.id for question in training)


def test_the_page_loads_nothing(finished):
    with open(finished.report.path("report.html"), encoding="utf-8") as file:
        page = file.read()
    assert [
        word for word in ("<script src", "src=", "<link", "@import", "http://", "url(") if word in page
    ] == []


def test_every_column_is_judged_by_the_same_pool(finished):
    pools = {}
    for row in finished.report.rows:
        pools.setdefault(row["question_id"], set()).add(tuple(passage["id"] for passage in row["pool"]))
    assert all(len(found) == 1 and found != {()} for found in pools.values())


def test_scoring_again_does_not_generate_again(at_home, pipeline, monkeypatch):
    monkeypatch.setattr(Generator, "_generate_batch", None)
    again = evaluate(pipeline)
    assert timeless(again.results) == timeless(at_home.report.results)
    assert again.rows == at_home.report.rows


@pytest.mark.parametrize(
    ("stage", "after"), [("Tuning", 11), ("Choosing examples: 2", 1), ("Answering: tuned+rag", 3)]
)
def test_an_interrupted_run_continues_to_the_same_figures(stage, after, warranty, pipeline, finished):
    with pytest.raises(KeyboardInterrupt):
        evaluate(pipeline, judge="overlap", progress=Stopped(stage, after))
    assert list(warranty.glob("runs/*/results.json")) == []
    resumed = evaluate(pipeline, judge="overlap", resume=True)
    assert len(list(warranty.glob("runs/*"))) == 1
    assert timeless(read(resumed)) == timeless(read(finished.report))
    assert read_rows(resumed) == read_rows(finished.report)


def test_a_judge_that_fails_too_often_withholds_the_figures(at_home, pipeline):
    results = evaluate(pipeline, judge=Flaky()).results
    for cell in CELLS:
        for metric in ("groundedness", "hallucination_rate", "score"):
            figure = results["cells"][cell]["metrics"][metric]
            assert (figure["status"], figure["mean"]) == ("withheld", None), (cell, metric)
            assert figure["n_failed"] > 0
    for effect in EFFECTS:
        for metric in ("groundedness", "hallucination_rate", "score"):
            figure = results["effects"][effect][metric]
            assert (figure["status"] == "ok", figure["mean"]) == (False, None), (effect, metric)
    assert results["cells"]["base"]["metrics"]["correct"]["status"] == "ok"
    assert results["verdict"]["choice"] == "not measured"


def test_a_suite_without_training_questions_is_evaluated_untuned(question_set, pipeline):
    import_set("warranty", format="jsonl", path=question_set, split_off=0)
    results = evaluate(pipeline, judge="overlap", cells=["base", "base+rag"], limit=6).results
    for cell in ("tuned", "tuned+rag"):
        assert set(METRICS) <= set(statuses(results, cell))
        assert set(statuses(results, cell).values()) == {"not_applicable"}
    assert statuses(results, "base")["correct"] == "ok"
    assert results["effects"]["retrieval_base"]["correct"]["status"] == "ok"
    assert results["effects"]["tuning"]["correct"]["status"] != "ok"
    assert results["provenance"]["adapter"] is None


def test_a_suite_without_training_questions_is_run_with_a_given_adapter(at_home, question_set, pipeline):
    import_set("bare", format="jsonl", path=question_set, split_off=0)
    (adapter,) = (path.parent for path in at_home.home.glob("adapters/*/*/MANIFEST.json"))
    results = evaluate(pipeline, judge="overlap", suite="bare", adapter=adapter, limit=4).results
    assert statuses(results, "tuned+rag")["correct"] == "ok"
    assert results["references"]["few-shot"]["metrics"]["correct"]["status"] == "not_applicable"


def test_without_references_and_gold_the_figures_that_need_them_are_not_applicable(tmp_path, pipeline):
    (tmp_path / "documents.jsonl").write_text('{"id": "a", "text": "The X1 has a warranty of 5 years."}')
    (tmp_path / "questions.jsonl").write_text('{"id": "1", "question": "Which warranty has the X1?"}')
    import_set("warranty", format="jsonl", path=tmp_path, split_off=0)
    results = evaluate(pipeline, judge="overlap", cells=["base", "base+rag"]).results
    found = results["cells"]["base+rag"]["metrics"]
    for metric in ("correct", "exact_match", "token_f1", "score", "recall_at_k", "mrr", "abstention_recall"):
        assert (found[metric]["status"], found[metric]["mean"]) == ("not_applicable", None), metric
        assert results["effects"]["retrieval_base"][metric]["mean"] is None
    assert found["answer_rate"]["status"] == "ok"


def test_training_questions_that_cannot_be_learned_stop_the_run_before_it_begins(
    tmp_path, pipeline, state_folder
):
    (tmp_path / "documents.jsonl").write_text('{"id": "a", "text": "The X1 has a warranty of 5 years."}')
    rows = [{"id": str(n), "question": f"Which warranty has the X{n}?"} for n in range(10)]
    (tmp_path / "questions.jsonl").write_text("\n".join(map(json.dumps, rows)))
    import_set("warranty", format="jsonl", path=tmp_path)
    with pytest.raises(NoTrainingQuestions, match="--adapter FOLDER.*--cells base,base"):
        evaluate(pipeline)
    assert not (state_folder / "runs").exists()


def test_a_bound_generation_is_that_of_the_whole_run(small_corpus, pipeline, tmp_path):
    rows = [
        {"id": name, "question": f"Price of the {name}?", "answers": [f"{price} cents"],
         "gold": [{"document": f"{name}.md", "quote": f"{price} cents"}]}
        for name, price in (("fig", 15), ("apple", 10))
    ]  # fmt: skip
    (tmp_path / "q.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "mine.yaml").write_text("corpus: fruit\nquestions: q.jsonl\njudge: overlap\n")
    small_corpus.remove(["apple.md"])
    small_corpus.update([Document("fig.md", "Fig", "Fig jam is sold out.\n\n# Price\n\nThe fig: 15 cents.")])
    suite = str(tmp_path / "mine.yaml")
    bound, newest = (
        evaluate(pipeline, suite=suite, corpus=name, cells=["base+rag"], overrides=["retrieval.k=16"])
        for name in ("fruit@1", "fruit")
    )
    assert [run.results["provenance"]["corpus"]["generation"] for run in (bound, newest)] == [1, 3]
    told = [
        " ".join(passage["text"] for row in run.rows for passage in row["pool"]) for run in (bound, newest)
    ]
    assert "One apple costs" in told[0] and "One fig costs" in told[0] and "The fig: 15" not in told[0]
    assert "apple" not in told[1] and "One fig costs" not in told[1] and "The fig: 15" in told[1]
    assert [len(run.rows[0]["ranked"]) for run in (bound, newest)] == [16, 14]
    assert [run.results["questions"]["skipped_ids"] for run in (bound, newest)] == [[], ["apple"]]
    assert "not asked, as their gold is not in the corpus: apple" in plain(newest.results)
