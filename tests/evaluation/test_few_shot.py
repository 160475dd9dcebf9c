import re

import pytest

from hybrid.errors import NoTrainingQuestions
from hybrid.evaluation.few_shot import open_book
from hybrid.retrieval.embed import HashingEmbedder
from hybrid.retrieval.retriever import Retriever
from hybrid.suites import load_suite

MARKER = re.compile(r"\[\d+\]")


@pytest.fixture
def suite(warranty):
    return load_suite("warranty")


@pytest.fixture
def book(suite):
    return open_book(suite, Retriever(suite.corpus, HashingEmbedder(64), 2), seed=0)


@pytest.mark.parametrize("retrieval", [True, False])
def test_a_question_is_never_its_own_example(book, suite, retrieval):
    everything = book.nearest(suite.training, 100, retrieval=retrieval)
    for question, examples in zip(suite.training, everything, strict=True):
        assert len(examples) == len(book.rows) - 1
        assert question.text not in {example.question for example in examples}


def test_the_nearest_stands_last(book, suite):
    for question, examples in zip(
        suite.questions, book.nearest(suite.questions, 3, retrieval=True), strict=True
    ):
        texts = [question.text, *(example.question for example in examples)]
        asked, *near = book.embedder.encode(texts)
        assert list(near @ asked) == sorted(near @ asked)
        assert max(book.vectors @ asked) == pytest.approx(near[-1] @ asked)


def test_with_retrieval_an_example_cites_its_own_passages(book, suite):
    (examples,) = book.nearest(suite.questions[:1], 3, retrieval=True)
    for example in examples:
        assert len(example.passages) == 2
        (cited,) = MARKER.findall(example.answer)
        reference = example.answer.removesuffix(cited).strip()
        assert reference in example.passages[int(cited[1:-1]) - 1].text


def test_without_retrieval_there_are_no_passages_and_no_markers(book, suite):
    for examples in book.nearest(suite.questions, 3, retrieval=False):
        assert [example.passages for example in examples] == [(), (), ()]
        assert not any(MARKER.search(example.answer) for example in examples)
        assert all(example.answer for example in examples)


def test_there_are_as_many_as_asked_for(book, suite):
    assert [len(found) for found in book.nearest(suite.questions[:2], 2, retrieval=True)] == [2, 2]


def test_the_same_seed_makes_the_same_book(book, suite):
    again = open_book(suite, Retriever(suite.corpus, HashingEmbedder(64), 2), seed=0)
    assert again.rows == book.rows


def test_without_training_questions_there_is_no_book(suite):
    from dataclasses import replace

    with pytest.raises(NoTrainingQuestions):
        open_book(replace(suite, training=()), Retriever(suite.corpus, HashingEmbedder(64), 2), seed=0)
