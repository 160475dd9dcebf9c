import asyncio
import json
import os
import random
from dataclasses import replace

import pytest
from ragas_server import ragas_server

from hybrid.errors import EndpointError
from hybrid.evaluation.ragas_metrics import (
    PROMPTED,
    JudgedText,
    Sample,
    _playback,
    context_recall,
    faithfulness,
    prompted,
)
from hybrid.judging.judge import Judgement
from hybrid.judging.prompted import prompted_model
from hybrid.records import Status, Verdict

YES, NO = Judgement(Verdict.SUPPORTED, 1.0), Judgement(Verdict.UNVERIFIABLE, 0.0)
AGAINST, FAILED = Judgement(Verdict.CONTRADICTED, 0.0), Judgement(None, None, "ValueError: no")
SAMPLE = Sample("Q?", "It is red. It is old.", ("It is red.",), "It is red. It is new.", False)


def row(*judgements, contexts=("c", "d")):
    claims = tuple(f'claim {n} "input: \n' for n in range(len(judgements)))
    return JudgedText("Q?", "an answer\nOutput: ", contexts, claims, judgements)


@pytest.mark.parametrize("metric", [faithfulness, context_recall])
def test_it_is_supported_over_statements(metric):
    draw = random.Random(0)
    rows = [row(*draw.choices((YES, NO, AGAINST), k=draw.randint(1, 5))) for _ in range(200)]
    own = [sum(each is YES for each in one.judgements) / len(one.judgements) for one in rows]
    assert [value.value for value in metric(rows)] == own
    assert os.environ["RAGAS_DO_NOT_TRACK"] == "true"


@pytest.mark.parametrize("metric", [faithfulness, context_recall])
def test_rows_without_a_score(metric):
    values = metric([row(YES, FAILED), row(NO), row(), row(YES, contexts=())])
    assert [value.value for value in values] == [None, 0.0, None, None]
    assert [value.status for value in values] == [
        Status.JUDGE_ERROR,
        Status.OK,
        Status.NOT_APPLICABLE,
        Status.NOT_APPLICABLE,
    ]
    assert values[0].reason == "ValueError: no"


def test_it_runs_where_an_event_loop_runs_already():
    async def notebook():
        return faithfulness([row(YES)])

    assert asyncio.run(notebook())[0].value == 1.0


def test_claims_and_judgements_must_pair():
    with pytest.raises(ValueError, match="1 claims came with 2 judgements"):
        JudgedText("Q?", "a", ("c",), ("claim",), (YES, NO))


def test_verdicts_are_given_for_the_row_that_was_asked_only():
    from ragas.metrics.collections import Faithfulness

    playback = _playback()
    playback.row = row(YES)
    asked = Faithfulness(llm=playback).ascore(user_input="Q?", response="other", retrieved_contexts=["c"])
    with pytest.raises(RuntimeError, match="another row"):
        asyncio.run(asked)


def asked(said=json.dumps, **changes):
    with ragas_server(said) as url:
        model = prompted_model(f"endpoint:m@{url}")
        return {name: prompted([replace(SAMPLE, **changes)], model, name)[0] for name in PROMPTED}


def test_ragas_own_prompts():
    # One of two statements of the answer, and one of two of the reference, stand in the context. The whole
    # answer does not. Of the answer's two claims the reference has one, and the other way round: F1 is 1/2.
    assert {name: value.value for name, value in asked().items()} == {
        "faithfulness": 0.5,
        "context_recall": 0.5,
        "response_groundedness": 0.0,
        "factual_correctness": 0.5,
    }


def test_a_fence_around_the_reply_is_no_failure():
    assert asked(lambda reply: f"```json\n{json.dumps(reply)}\n```") == asked()


def one_less(reply):
    key = next(iter(reply))
    kept = reply[key][:-1] if isinstance(reply[key], list) and isinstance(reply[key][0], dict) else reply[key]
    return json.dumps({key: kept})


def other_words(reply):
    text = json.dumps(reply)
    return text.replace("It is old", "It was") if "verdict" in text else text


@pytest.mark.parametrize(
    ("said", "failing"),
    [
        (lambda reply: "Sure!", set(PROMPTED)),
        (one_less, {"faithfulness", "factual_correctness"}),
        (
            lambda reply: json.dumps(reply).replace('"verdict": 0', '"verdict": -1'),
            {"faithfulness", "factual_correctness"},
        ),
        (other_words, {"faithfulness", "factual_correctness"}),
        (lambda reply: json.dumps({"rating": 3} if "rating" in reply else reply), {"response_groundedness"}),
        (
            lambda reply: json.dumps(dict.fromkeys(reply, []) if "claims" in reply else reply),
            {"factual_correctness"},
        ),
        (lambda reply: json.dumps(reply).replace('"attributed": 1', '"attributed": -1'), {"context_recall"}),
    ],
    ids=[
        "no JSON",
        "one verdict less",
        "verdict -1",
        "other words",
        "rating 3",
        "no claims",
        "attributed -1",
    ],
)
def test_what_ragas_would_take_as_it_comes_is_a_failure(said, failing):
    values = asked(said)
    assert {name for name, value in values.items() if value.status is Status.JUDGE_ERROR} == failing
    assert all((value.value is None) == (name in failing) for name, value in values.items())


def test_nothing_is_asked_of_an_abstention_but_what_was_retrieved():
    values = asked(abstained=True)
    assert values.pop("context_recall").value == 0.5
    assert {value.status for value in values.values()} == {Status.ABSTAINED}


def test_without_passages_or_reference_a_metric_is_not_applicable():
    values = asked(contexts=(), reference=None)
    assert {value.status for value in values.values()} == {Status.NOT_APPLICABLE}


def test_a_server_that_is_not_there_ends_it(monkeypatch):
    monkeypatch.setattr("hybrid.endpoint.FIRST_WAIT", 0.001)
    with ragas_server() as url:
        pass
    with pytest.raises(EndpointError, match="Is the server running"):
        prompted([SAMPLE], prompted_model(f"m@{url}"), "response_groundedness")
