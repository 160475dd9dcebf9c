import json
from pathlib import Path

import pytest

from hybrid.errors import BadInput, UnknownName
from hybrid.evaluation.answer_rows import read_answers
from hybrid.evaluation.answers_from import evaluate_answers
from hybrid.evaluation.table import plain

FOUR_CELLS = Path(__file__).parent / "four-cells.jsonl"
K3, K2 = "The K3 has a warranty of five years.", "The K2 has a warranty of two years."


@pytest.fixture
def answers(tmp_path):
    """Writes rows and gives the path."""

    def write(*rows):
        path = tmp_path / "answers.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        return path

    return write


def said(response="Five years [1].", **fields):
    return {"user_input": "How long is the warranty of the K3?", "response": response} | fields


def means(column):
    return {name: figure["mean"] for name, figure in column["metrics"].items()}


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HYBRID_HOME", str(tmp_path_factory.mktemp("home")))
        return evaluate_answers(FOUR_CELLS, judge="overlap")


def test_four_cells_are_scored_and_paired(report):
    cells, effects = report.results["cells"], report.effects
    correct = {name: means(cell)["correct"] for name, cell in cells.items()}
    assert correct == {"base": 0.5, "base+rag": 0.5, "tuned": 0.0, "tuned+rag": 1.0}
    # ((0.5 − 0.5) + (1 − 0)) / 2, ((0 − 0.5) + (1 − 0.5)) / 2, (1 − 0.5) − (0 − 0.5)
    found = {name: effects[name]["correct"]["mean"] for name in ("retrieval", "tuning", "interaction")}
    assert found == {"retrieval": 0.5, "tuning": 0.0, "interaction": 1.0}
    assert report.verdict["choice"] == "undecided"


def test_the_outcomes_are_those_of_a_run(report):
    outcomes = {(row["question_id"], row["cell"]): row["outcome"] for row in report.rows}
    assert outcomes == {
        ("warranty", "base"): "hallucinated",
        ("warranty", "base+rag"): "misled",
        ("warranty", "tuned"): "wrong_abstention",
        ("warranty", "tuned+rag"): "supported",
        ("price", "base"): "from_memory",
        ("price", "base+rag"): "supported",
        ("price", "tuned"): "hallucinated",
        ("price", "tuned+rag"): "supported",
    }


def test_every_cell_of_a_question_is_judged_by_all_that_any_row_shows(report):
    pools = {(row["question_id"], *(passage["text"] for passage in row["pool"])) for row in report.rows}
    assert pools == {("warranty", K3, K2), ("price", "One K3 costs 90 euros.")}


def test_citations_are_those_of_the_passages_shown(report):
    # base+rag: [2] of the warranty is of the other machine, [1] of the price is right.
    assert means(report.results["cells"]["base+rag"])["citation_precision"] == 0.5
    # tuned+rag: one of its two answers cites a passage that was never there.
    assert means(report.results["cells"]["tuned+rag"])["phantom_citation_rate"] == 0.5


def test_costs_and_splits_are_not_known(report):
    seconds = report.results["cells"]["base"]["metrics"]["seconds"]
    assert (seconds["mean"], seconds["reason"]) == (None, "what these answers took is not known")
    assert report.results["questions"] == {"n": 2, "n_seen": None, "n_unseen": None, "n_answerable": 2}
    assert report.results["by_split"] == {} and "headline_split" not in report.verdict
    assert "questions: 2\n" in plain(report.results)


def test_the_three_files_are_those_of_a_run(report):
    page = Path(report.path("report.html")).read_text(encoding="utf-8")
    assert "five years" in page and "ragas formula; judge: overlap" in page
    assert {path.name for path in report.folder.iterdir()} >= {"results.json", "rows.jsonl", "report.html"}


def test_a_report_goes_to_ragas_and_comes_back(report, tmp_path):
    dataset = report.to_ragas()
    assert [sample.abstained for sample in dataset] == [row["abstained"] for row in report.rows]
    assert dataset[0].reference_contexts == [K3] and dataset[3].cell == "tuned+rag"
    dataset.to_jsonl(tmp_path / "samples.jsonl")
    back = evaluate_answers(tmp_path / "samples.jsonl", judge="overlap")
    for key in ("cells", "references", "effects", "ragas", "by_tag", "judge"):
        assert back.results[key] == report.results[key], key
    assert back.verdict["zones"] == report.verdict["zones"]


def test_a_system_of_its_own_is_no_cell(answers):
    silent = {"user_input": "Who made it?", "response": "I don't know.", "answerable": False}
    bare = {"user_input": "Of what colour is it?", "response": "It is green [1]."}
    row = said(retrieved_contexts=[K2, K3], reference="five years", reference_contexts=[K3])
    results = evaluate_answers(answers(row, silent, bare)).results
    found = results["systems"]["system"]["metrics"]
    # The first answer is right, but [1] is the other machine's; its reference is the second passage.
    expected = {"correct": (1.0, 1), "citation_precision": (0.0, 1), "abstention_recall": (1.0, 1)}
    expected |= {
        "recall_at_k": (1.0, 1),
        "mrr": (0.5, 1),
        "groundedness": (1.0, 1),
        "answer_rate": (2 / 3, 3),
    }
    # Of the other two nobody knows what was shown to them.
    expected |= {"phantom_citation_rate": (0.0, 1), "hallucination_rate": (0.0, 1), "score": (1.0, 1)}
    assert {name: (found[name]["mean"], found[name]["n"]) for name in expected} == {
        name: (pytest.approx(mean), n) for name, (mean, n) in expected.items()
    }
    assert results["systems"]["system"]["outcomes"]["undecided"] == 1
    assert {figure["status"] for figure in results["cells"]["base"]["metrics"].values()} == {"not_applicable"}


def test_without_cells_nothing_is_compared_and_the_reason_is_told(answers):
    report = evaluate_answers(answers(said(system="ours"), said(system="theirs")))
    assert report.effects["retrieval_base"]["correct"]["reason"] == "there are no answers of base, base+rag"
    assert report.verdict["choice"] == "not measured"
    assert "answers of at least two, such as base and base+rag" in report.verdict["sentence"]
    lines = [line.split(" | ")[0] for line in plain(report.results).splitlines()]
    assert "| ours" in lines and "| theirs" in lines and "| base" not in lines
    assert "ours" in Path(report.path("report.html")).read_text(encoding="utf-8")


def test_two_cells_are_a_pair(answers):
    report = evaluate_answers(
        answers(
            said("Nine years.", cell="base", reference="five years"),
            said(cell="base+rag", retrieved_contexts=[K3]),
        )
    )
    assert report.effects["retrieval_base"]["correct"]["mean"] == 1.0
    assert report.effects["tuning_alone"]["correct"]["reason"] == "there are no answers of tuned"


@pytest.mark.parametrize(
    ("rows", "fault"),
    [
        ([{"user_input": "Why?"}], ":1: response: Field required"),
        ([said(), said(refrence="x")], ":2: refrence: unknown key"),
        ([said(user_input=" ")], ":1: user_input: is blank"),
        ([said(cell="base-rag")], ':1: cell: "base-rag" is none of base, base+rag, '),
        ([said(system="base")], ':1: system: "base" is a column of this project'),
        ([said(cell="base", system="x")], ":1: give either cell or system"),
        ([said(cell="tuned", retrieved_contexts=[K3])], ":1: retrieved_contexts: tuned is shown none"),
        ([said(answerable=False, reference="x")], ":1: references are given, but answerable is false"),
        ([said(), said(cell="base"), said()], " is answered by system in row 1 already"),
        ([said(id="1"), said(id="1")], ':2: question "1" is answered by system in row 1 already'),
        ([said(reference="a"), said(cell="base", reference="b")], ":2: references: not as in row 1"),
        ([said(id="1"), said(id="1", user_input="Why?", cell="base")], ":2: user_input: not as in row 1"),
        (
            [said(reference="a"), said(cell="base", answerable=False)],
            "has references, but answerable is false",
        ),
        ([said(retrieved_contexts="one text")], ":1: retrieved_contexts: "),
        ([], ": holds no rows"),
    ],
)
def test_a_bad_row_is_named(answers, rows, fault):
    with pytest.raises(BadInput) as error:
        read_answers(answers(*rows))
    assert "answers.jsonl" + fault in str(error.value) or fault in str(error.value)


@pytest.mark.parametrize(
    ("reference", "found"),
    [
        ("a warranty of five years", 1.0),  # a part of what was shown
        (f"Warranty. {K3} So it is.", 1.0),  # what was shown is more than half of it
        (f"{K3} And a great deal more than that is told of it in this chapter.", 0.0),
    ],
)
def test_a_reference_context_is_found_by_its_text(answers, reference, found):
    row = said(retrieved_contexts=[K3], reference_contexts=[reference])
    figure = evaluate_answers(answers(row)).results["systems"]["system"]["metrics"]["recall_at_k"]
    assert figure["mean"] == found


def test_a_suite_gives_weight_and_thresholds(answers, tmp_path):
    thresholds = "thresholds: {system.correct: 0.5, system.hallucination_rate: 0.5, base.correct: 1}"
    suite = tmp_path / "bar.yaml"
    suite.write_text(f"corpus: c\nquestions: q.jsonl\nhallucination_weight: 3\n{thresholds}\n")
    path = answers(said("Nine years.", reference="five years", reference_contexts=[K3]))
    report = evaluate_answers(path, suite=str(suite))
    assert means(report.results["systems"]["system"])["score"] == -3.0
    assert report.failed_thresholds == ["system.correct", "system.hallucination_rate"]
    suite.write_text("corpus: c\nquestions: q.jsonl\nthresholds: {sytem.correct: 0.5}\n")
    with pytest.raises(UnknownName, match='Did you mean "system"'):
        evaluate_answers(path, suite=str(suite))
