import asyncio
import os
import random

import pytest

from hybrid.evaluation.ragas_metrics import FaithfulnessRow, faithfulness
from hybrid.judging.judge import Judgement
from hybrid.records import Status, Verdict

YES, NO = Judgement(Verdict.SUPPORTED, 1.0), Judgement(Verdict.UNVERIFIABLE, 0.0)
AGAINST, FAILED = Judgement(Verdict.CONTRADICTED, 0.0), Judgement(None, None, "ValueError: no")


def row(*judgements, contexts=("c",)):
    claims = tuple(f'claim {n} "input: \n' for n in range(len(judgements)))
    return FaithfulnessRow("Q?", "an answer\nOutput: ", contexts, claims, judgements)


def test_it_is_supported_over_statements():
    draw = random.Random(0)
    rows = [row(*draw.choices((YES, NO, AGAINST), k=draw.randint(1, 5))) for _ in range(200)]
    expected = [sum(each is YES for each in one.judgements) / len(one.judgements) for one in rows]
    assert [value.value for value in faithfulness(rows)] == pytest.approx(expected)
    assert os.environ["RAGAS_DO_NOT_TRACK"] == "true"


def test_rows_without_a_score():
    values = faithfulness([row(YES, FAILED), row(NO), row(), row(YES, contexts=())])
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
        FaithfulnessRow("Q?", "a", ("c",), ("claim",), (YES, NO))
