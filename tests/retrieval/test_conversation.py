"""The last turn of a conversation is searched with the questions before it, everywhere alike."""

import json

import pytest
import yaml

from hybrid.evaluation.answering import answer_columns, retrieve
from hybrid.evaluation.job import prepare
from hybrid.generation.generator import Generator
from hybrid.pipeline import Pipeline
from hybrid.progress import SILENT
from hybrid.records import Question, Turn

HISTORY = (Turn("Do you know the hazelnut?", "Yes, and the apple, the banana and the fig."),)
LAST = "What does one cost in cents?"
FULL = "Do you know the hazelnut? What does one cost in cents?"


@pytest.fixture
def path(tmp_path, tiny_weights, small_corpus):
    """A pipeline over the small corpus, with a suite of one conversation and one single question."""
    history = [{"question": turn.question, "answer": turn.answer} for turn in HISTORY]
    rows = [{"id": "last", "question": LAST, "history": history}, {"id": "single", "question": LAST}]
    (tmp_path / "q.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "suite.yaml").write_text("corpus: fruit\nquestions: q.jsonl\n")
    spec = {
        "suite": str(tmp_path / "suite.yaml"),
        "model": str(tiny_weights.path),
        "retrieval": {"embedder": "hashing:64", "k": 2},
        "generation": {"max_new_tokens": 4, "device": "cpu"},
    }
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(spec))
    return str(tmp_path / "mine.yaml")


def passages(hits):
    return tuple(hit.passage for hit in hits)


def test_a_pipeline_searches_with_the_earlier_questions(path):
    pipeline = Pipeline.load(path)
    shown = pipeline.ask(LAST, history=HISTORY).passages
    assert shown == passages(pipeline.retriever.retrieve(FULL))
    assert pipeline.ask(LAST).passages == passages(pipeline.retriever.retrieve(LAST)) != shown


def test_of_many_questions_each_has_its_own_history(path):
    pipeline = Pipeline.load(path)
    questions = [Question("a", LAST), Question("b", LAST, history=HISTORY), Question("c", LAST)]
    assert [answer.passages for answer in pipeline.ask_many(questions)] == [
        passages(pipeline.retriever.retrieve(text)) for text in (LAST, FULL, LAST)
    ]


def test_an_evaluation_searches_with_the_earlier_questions(path):
    job = prepare(path, cells=["base+rag"])
    assert {id: passages(hits) for id, hits in retrieve(job).items()} == {
        "last": passages(job.retriever.retrieve(FULL)),
        "single": passages(job.retriever.retrieve(LAST)),
    }


def test_the_prompt_has_the_earlier_turns_and_asks_the_last_question(path, monkeypatch):
    made = []
    original = Generator.prompt

    def prompt(self, question, passages, history=(), examples=(), *, scores=()):
        made.append((question, tuple(history)))
        return original(self, question, passages, history, examples, scores=scores)

    monkeypatch.setattr(Generator, "prompt", prompt)
    job = prepare(path, cells=["base+rag"])
    answer_columns(job, None, retrieve(job), SILENT)
    assert sorted(made) == [(LAST, ()), (LAST, HISTORY)]
