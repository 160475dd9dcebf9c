from dataclasses import replace

import pytest
import yaml

from hybrid.evaluation.answering import answer_columns, retrieve
from hybrid.evaluation.job import prepare
from hybrid.evaluation.probes.oracle import oracle
from hybrid.generation.ensemble import weights
from hybrid.generation.generator import Generator
from hybrid.progress import SILENT
from hybrid.questions import write_questions
from hybrid.records import Gold, Question


@pytest.fixture
def job(at_home, pipeline):
    return prepare(pipeline, cells=["base", "base+rag"], limit=4)


@pytest.fixture
def asked(monkeypatch):
    """The prompts that were made, as the pieces they were made of."""
    made = []
    original = Generator.prompt

    def prompt(self, question, passages, history=(), examples=(), *, scores=()):
        made.append((question, tuple(passages), tuple(examples)))
        return original(self, question, passages, history, examples, scores=scores)

    monkeypatch.setattr(Generator, "prompt", prompt)
    return made


def test_every_question_is_answered_in_every_column(job):
    answered = answer_columns(job, None, retrieve(job), SILENT)
    ids = {question.id for question in job.questions}
    assert {name: set(answers) for name, answers in answered.answers.items()} == {
        "base": ids,
        "base+rag": ids,
    }
    assert set(answered.costs) == {"base", "base+rag"}
    assert answered.examples is None


def test_only_cells_with_retrieval_see_passages(job):
    ranked = retrieve(job)
    answers = answer_columns(job, None, ranked, SILENT).answers
    for question in job.questions:
        assert answers["base"][question.id].passages == ()
        found = tuple(hit.passage for hit in ranked[question.id])
        assert answers["base+rag"][question.id].passages == found
        assert len(ranked[question.id]) == 2


def test_an_ensemble_weighs_passages_by_the_scores_with_which_they_were_found(at_home, pipeline):
    job = prepare(pipeline, cells=["base+rag"], limit=4, overrides=["generation.mode=ensemble"])
    ranked = retrieve(job)
    answered = answer_columns(job, None, ranked, SILENT)
    generator = Generator(job.weights, job.spec.generation)
    for id, request in answered.requests["base+rag"].items():
        hits = ranked[id]
        assert request.scores == tuple(hit.score for hit in hits) and len(hits) == 2
        prompt = generator.prompt(request.question.text, request.passages, scores=request.scores)
        assert [row.weight for row in prompt.alone] == weights(request.scores, 0.05)
        answer = answered.answers["base+rag"][id]
        assert (answer.passages, answer.prompt_tokens) == (request.passages, prompt.tokens)


def test_answers_are_joined_by_question_not_by_position(job):
    forward = answer_columns(job, None, retrieve(job), SILENT).answers
    turned = replace(job, questions=job.questions[::-1])
    assert answer_columns(turned, None, retrieve(turned), SILENT).answers == forward


def test_the_number_of_examples_is_chosen_on_training_questions(at_home, pipeline, asked):
    job = prepare(pipeline, cells=["few-shot+rag"], limit=3)
    answered = answer_columns(job, None, retrieve(job), SILENT)
    training = {question.text for question in job.suite.training}
    choosing, evaluating = asked[:-3], asked[-3:]
    assert choosing and {question for question, _, _ in choosing} <= training
    assert {len(examples) for _, _, examples in choosing} == {1, 2}
    assert training.isdisjoint(question for question, _, _ in evaluating)
    assert {len(examples) for _, _, examples in evaluating} == {answered.examples}


def test_of_equal_numbers_of_examples_the_fewest_is_taken(at_home, pipeline):
    # The tiny model answers nothing right, whatever it is shown.
    job = prepare(pipeline, cells=["few-shot"], limit=2)
    assert answer_columns(job, None, retrieve(job), SILENT).examples == 1


def test_a_single_candidate_is_not_tried(at_home, pipeline, asked):
    job = prepare(pipeline, cells=["few-shot"], limit=2, overrides=["references.examples=[3]"])
    assert answer_columns(job, None, retrieve(job), SILENT).examples == 3
    assert len(asked) == 2


@pytest.fixture
def probed(at_home, pipeline):
    return prepare(pipeline, cells=["base", "base+rag"], probes=["oracle"])


def test_the_oracle_shows_the_gold_passages_and_nothing_else(probed):
    answers = answer_columns(probed, None, retrieve(probed), SILENT).answers["oracle/base+rag"]
    assert set(answers) == {question.id for question in probed.questions if question.gold}
    assert "nobody" not in answers and len(answers) > 3
    for question in probed.questions:
        if question.gold:
            (shown,) = answers[question.id].passages
            assert shown.document == question.gold[0].document
            assert question.answers[0] in shown.text


def test_a_probe_changes_no_cell(probed):
    answers = answer_columns(probed, None, retrieve(probed), SILENT).answers
    plain = replace(probed, columns=probed.columns[:2])
    again = answer_columns(plain, None, retrieve(plain), SILENT).answers
    assert again == {name: answers[name] for name in ("base", "base+rag")}


@pytest.fixture
def fig_job(small_corpus, pipeline, tmp_path):
    """A job that shows so many passages, over a corpus whose documents have two."""

    def make(k, *gold, answers=("nothing of it",)):
        write_questions(tmp_path / "q.jsonl", [Question("fig", "Which fig?", answers, gold=gold)])
        (tmp_path / "mine.yaml").write_text(yaml.safe_dump({"corpus": "fruit", "questions": "q.jsonl"}))
        options = {"suite": str(tmp_path / "mine.yaml"), "overrides": [f"retrieval.k={k}"]}
        return prepare(pipeline, cells=["base+rag"], probes=["oracle"], **options)

    return make


def texts(job):
    return [passage.text for passage in oracle(job)["fig"]]


def test_of_a_whole_document_the_oracle_shows_the_first_passages(fig_job):
    whole = texts(fig_job(5, Gold("fig.md")))
    assert len(whole) == 2 and "colour" in whole[0] and "cents" in whole[1]
    assert texts(fig_job(1, Gold("fig.md"))) == whole[:1]


def test_of_a_whole_document_with_an_answer_the_oracle_shows_the_passage_that_tells(fig_job):
    (told,) = texts(fig_job(5, Gold("fig.md"), answers=("15 cents",)))
    assert "15 cents" in told


def test_the_oracle_shows_the_passage_of_each_span_but_at_most_k(fig_job, small_corpus):
    text = small_corpus.document("fig.md").text
    spans = [Gold("fig.md", text.index(word), text.index(word) + len(word)) for word in ("cents", "colour")]
    both = texts(fig_job(2, *spans))
    assert ["cents" in both[0], "colour" in both[1]] == [True, True]
    assert texts(fig_job(1, *spans)) == both[:1]
