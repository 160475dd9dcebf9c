from dataclasses import replace

import pytest

from hybrid.evaluation.answering import answer_columns, retrieve
from hybrid.evaluation.job import prepare
from hybrid.generation.generator import Generator
from hybrid.progress import SILENT


@pytest.fixture
def job(at_home, pipeline):
    return prepare(pipeline, cells=["base", "base+rag"], limit=4)


@pytest.fixture
def asked(monkeypatch):
    """The prompts that were made, as the pieces they were made of."""
    made = []
    original = Generator.prompt

    def prompt(self, question, passages, history=(), examples=()):
        made.append((question, tuple(passages), tuple(examples)))
        return original(self, question, passages, history, examples)

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
        assert answers["base+rag"][question.id].passages == ranked[question.id]
        assert len(ranked[question.id]) == 2


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
