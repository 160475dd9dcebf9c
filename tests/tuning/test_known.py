from dataclasses import replace

import pytest

from hybrid.generation.generator import Generator
from hybrid.pipeline import Request, answer_all
from hybrid.progress import SILENT
from hybrid.tuning.known import known_unaided


@pytest.fixture
def wanting(pipeline):
    tuning = pipeline.tuning.model_copy(update={"no_context": "from_memory"})
    return pipeline.model_copy(update={"tuning": tuning})


def test_the_base_is_asked_only_if_such_rows_are_wanted(pipeline, suite, tiny_weights, monkeypatch):
    monkeypatch.setattr(Generator, "__init__", lambda *_: pytest.fail("loaded"))
    assert known_unaided(pipeline, suite, tiny_weights, SILENT) == frozenset()


@pytest.mark.parametrize("policy", ["no_context", "absent"])
def test_either_policy_asks_the_base(pipeline, suite, tiny_weights, monkeypatch, policy):
    tuning = pipeline.tuning.model_copy(update={policy: "from_memory"})
    monkeypatch.setattr(Generator, "__init__", lambda *_: pytest.fail("loaded"))
    with pytest.raises(pytest.fail.Exception, match="loaded"):
        known_unaided(pipeline.model_copy(update={"tuning": tuning}), suite, tiny_weights, SILENT)


def test_what_the_base_answers_right_without_passages_is_known(wanting, suite, tiny_weights, tiny_generator):
    fig = suite.training[5]
    requests = [Request(replace(fig, text=f"{fig.text} {n}")) for n in range(20)]
    said = answer_all(tiny_generator, requests, tuned=False)[0]
    known = next(
        replace(request.question, answers=(answer.text,))
        for request, answer in zip(requests, said, strict=True)
        if any(letter.isalnum() for letter in answer.text)
    )
    asked = replace(suite, training=(suite.training[0], known))
    assert known_unaided(wanting, asked, tiny_weights, SILENT) == {fig.id}
