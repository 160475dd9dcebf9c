import random

import pytest
from ragas_server import ragas_server

from hybrid.evaluation.columns import Column
from hybrid.evaluation.ragas_figures import ragas_figures, ragas_scores, reference_claims
from hybrid.evaluation.report import Report
from hybrid.evaluation.results import Measured, row_json, summed_up
from hybrid.evaluation.scoring import AnswerRecord, score
from hybrid.evaluation.table import plain, ragas_blocks
from hybrid.judging.judge import Judgement
from hybrid.judging.overlap import OverlapJudge
from hybrid.records import Answer, Passage, Question, Status, Verdict
from hybrid.specs import SuiteSpec


class Dice(OverlapJudge):
    """Verdicts that nothing but chance explains, the same for the same pair."""

    name = "dice"

    def verdicts(self, pairs):
        return [Judgement(random.Random(repr(pair)).choice(list(Verdict)), 0.5) for pair in pairs]


def passage(n):
    text = f"Fact {n} is known."
    return Passage(n, f"d{n}", f"Title {n}", text, 0, len(text))


def record(n, *, cell="base+rag", shown=1, answer=None, references=None, answerable=True):
    passages = tuple(passage(10 * n + k) for k in range(shown))
    said = answer if answer is not None else said_of(n, "The thing")
    references = (said_of(n + 1, "The fact"),) if references is None else references
    question = Question(f"q{n}", "What is known?", references, answerable, group=f"g{n}")
    found = Answer(said, (), passages, False, said)
    return AnswerRecord(question, cell, found, (*passages, passage(10 * n + 9)), passages or None)


def said_of(n, subject):
    """One to four sentences, each a claim by itself."""
    parts = [
        f"{subject} number {k} of {n} is what everybody in the town says of it." for k in range(n % 4 + 1)
    ]
    return " ".join(parts)


@pytest.fixture(scope="module")
def rows():
    return score([record(n) for n in range(200)], Dice())


def test_groundedness_is_our_own_count(rows):
    own = [sum(one.pool.supported for one in row.statements) / len(row.statements) for row in rows]
    assert [row.metrics["groundedness"].value for row in rows] == own
    assert len(set(own)) > 5


def test_faithfulness_is_our_own_count_by_what_was_shown(rows):
    own = [sum(one.shown.supported for one in row.statements) / len(row.statements) for row in rows]
    assert [row.ragas["faithfulness"].value for row in rows] == own


def test_context_recall_is_our_own_count_by_what_was_shown(rows):
    own = []
    for row in rows:
        (shown,) = row.record.answer.passages
        sentences = [f"{part}." for part in row.record.question.answers[0].split(".") if part.strip()]
        pairs = [(sentence.strip(), f"{shown.title}\n{shown.text}") for sentence in sentences]
        own.append(sum(one.supported for one in Dice().verdicts(pairs)) / len(pairs))
    assert [row.ragas["context_recall"].value for row in rows] == own
    assert len(set(own)) > 5


def test_a_short_reference_carries_its_question_to_the_judge():
    assert reference_claims(Question("q", "What is it?", ("red", "blue"))) == ("Q: What is it? A: red",)
    assert reference_claims(Question("q", "What is it?")) == ()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"shown": 0}, "no passages were shown"),
        ({"references": (), "answerable": False}, "the corpus does not hold the answer"),
        ({"references": ()}, "the question has no references"),
    ],
)
def test_context_recall_that_there_is_none_of(change, reason):
    (row,) = score([record(1, **change)], OverlapJudge())
    recalled = row.ragas["context_recall"]
    assert (recalled.value, recalled.status, recalled.reason) == (None, Status.NOT_APPLICABLE, reason)


def test_an_abstention_has_a_context_recall_and_no_faithfulness():
    (row,) = score([record(1, answer="I don't know.", references=("fact 10",))], OverlapJudge())
    assert row.ragas["context_recall"].value == 1.0
    assert row.ragas["faithfulness"].status is Status.ABSTAINED


def test_the_section_names_the_judge_and_has_a_figure_for_each_column(rows):
    section = ragas_figures(rows, Dice(), ["base+rag", "tuned+rag"], {})
    assert section["label"] == "ragas formula; judge: dice"
    figure = section["cells"]["base+rag"]["context_recall"]
    mean = sum(row.ragas["context_recall"].value for row in rows) / 200
    assert (figure["mean"], figure["n"], figure["n_failed"]) == (pytest.approx(mean), 200, 0)
    assert section["cells"]["tuned+rag"] == {}


def summed(judge, records):
    rows = score(records, judge)
    questions = tuple(row.record.question for row in rows)
    gold = {question.id: () for question in questions}
    measured = Measured(tuple(rows), {}, questions, (Column("base+rag", retrieval=True),), gold)
    results = summed_up(measured, SuiteSpec(corpus="c", questions="q"), judge, 0)
    return Report(results, [row_json(row, ()) for row in rows])


def test_a_judge_that_fails_leaves_no_number_and_is_counted():
    class Failing(OverlapJudge):
        def verdicts(self, pairs):
            raise TimeoutError

    figures = summed(Failing(), [record(n) for n in range(3)]).results["ragas"]["cells"]["base+rag"]
    for figure in figures.values():
        assert (figure["mean"], figure["status"], figure["n_failed"]) == (None, "withheld", 3)


def test_the_table_shows_it_under_its_label():
    results = summed(OverlapJudge(), [record(n) for n in range(3)]).results
    (block,) = ragas_blocks(results)
    assert block.header == ("ragas, percent", "faithfulness", "context recall")
    label = (
        "ragas formula; judge: overlap of words and numbers; not to be compared with published RAGAS scores"
    )
    assert block.notes[0] == label and label in plain(results)
    assert ragas_blocks({}) == []


class Speaking(OverlapJudge):
    """Has the name of a judge that is a language model."""

    def __init__(self, url):
        super().__init__()
        object.__setattr__(self, "threshold", url)

    name = property(lambda self: f"endpoint:m@{self.threshold}")

    def verdicts(self, pairs):
        return OverlapJudge().verdicts(pairs)


def test_a_judge_that_is_a_language_model_is_asked_for_more():
    said = "Fact 10 is known."
    with ragas_server() as url:
        judge = Speaking(url)
        (row,) = score([record(1, answer=said, references=(said,))], judge)
    # The answer stands in the passage and is the reference: a rating of 2 of 2, and an F1 of 1.
    assert row.ragas["response_groundedness"].value == row.ragas["factual_correctness"].value == 1.0


def test_own_prompts_are_asked_about_a_report():
    said = "Fact 10 is known."
    report = summed(
        OverlapJudge(), [record(1, answer=said, references=(said,)), record(2, answer="I don't know.")]
    )
    with ragas_server() as url:
        scores = ragas_scores(report, f"m@{url}")
    assert scores["label"] == f"ragas with its own prompts; judge: endpoint:m@{url}"
    figures = scores["cells"]["base+rag"]
    assert {name: (figure["mean"], figure["n"]) for name, figure in figures.items()} == {
        "faithfulness": (1.0, 1),
        # Nothing of the second reference stands in its passage.
        "context_recall": (0.5, 2),
        "response_groundedness": (1.0, 1),
        "factual_correctness": (1.0, 1),
    }
