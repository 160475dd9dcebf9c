from dataclasses import replace
from types import SimpleNamespace

import pytest

from hybrid.errors import BadSpec, PromptTooLong
from hybrid.evaluation.columns import CELLS, REFERENCES
from hybrid.evaluation.fit import (
    check_examples,
    check_price,
    check_questions,
    check_tuned,
    has_tuned,
    leak_warnings,
)
from hybrid.generation.budget import Budget
from hybrid.models import Served
from hybrid.records import Gold, Question
from hybrid.specs import PipelineSpec

SERVED = Served("endpoint:m@http://127.0.0.1:1/v1", "m", "http://127.0.0.1:1/v1")


def spec(**generation):
    return PipelineSpec(suite="s", generation=generation)


def test_a_folder_is_for_a_model_here_and_a_name_for_one_on_a_server(tiny_weights, tiny_adapter):
    with pytest.raises(BadSpec, match="--adapter.*generation.tuned_model=NAME"):
        check_tuned(spec(), SERVED, tiny_adapter, ())
    with pytest.raises(BadSpec, match="is for a model on a server"):
        check_tuned(spec(tuned_model="t"), tiny_weights, None, ())
    check_tuned(spec(tuned_model="t"), SERVED, None, CELLS)
    check_tuned(spec(by_model={"m": {"tuned_model": "t"}}), tiny_weights, tiny_adapter, CELLS)


def test_a_server_without_a_tuned_model_has_no_tuned_cells():
    assert not has_tuned(SERVED, spec())
    assert has_tuned(SERVED, spec(by_model={"m": {"tuned_model": "t"}}))
    with pytest.raises(BadSpec, match="--cells base,base\\+rag"):
        check_tuned(spec(), SERVED, None, CELLS)


def test_an_adapter_that_learned_from_unseen_documents_is_told(tiny_adapter):
    unseen, seen = Gold("unseen.md"), Gold("seen.md")
    questions = (
        Question("one", "Who?", ("Ann",), gold=(unseen,), split="unseen"),
        Question("two", "Where?", ("Here",), gold=(seen,), split="seen"),
    )
    suite = SimpleNamespace(questions=questions, corpus=SimpleNamespace(name="fruit"))

    def made_on(corpus, *documents):
        source = {"suite": "s", "corpus": {"name": corpus}, "documents": list(documents)}
        return replace(tiny_adapter, manifest={"sources": [source]})

    clean = [made_on("fruit", "seen.md"), made_on("nuts", "unseen.md"), tiny_adapter]
    assert leak_warnings(clean, suite) == []
    [warning] = leak_warnings([*clean, made_on("fruit", "seen.md", "unseen.md")], suite)
    assert (
        "has learned from 1 documents of fruit whose questions are called unseen, such as unseen.md"
        in warning
    )


def test_an_ensemble_has_no_few_shot_columns():
    with pytest.raises(BadSpec, match=r"^generation\.mode: [^\n]*--cells base,base\+rag,tuned,tuned\+rag\.$"):
        check_examples(spec(mode="ensemble"), [*CELLS, *REFERENCES])
    check_examples(spec(mode="ensemble"), CELLS)
    check_examples(spec(), REFERENCES)


def test_a_limit_of_money_needs_a_price(tiny_weights):
    with pytest.raises(BadSpec, match="price of m"):
        check_price(spec(), SERVED, Budget(1.0))
    for budget, model, generation in (
        (Budget(), SERVED, {}),
        (Budget(1.0), tiny_weights, {}),
        (Budget(1.0), SERVED, {"price": {"prompt": 1, "output": 1}}),
    ):
        check_price(spec(**generation), model, budget)


def test_a_question_that_cannot_fit_is_found_before_anything_is_sent():
    with pytest.raises(PromptTooLong):
        check_questions(SERVED, spec(context=64, max_new_tokens=8), [Question("q", "why " * 100)])
