import json

import pytest

from hybrid.errors import BadInput, RunError, UnknownName
from hybrid.evaluation.regression import held_regressions, open_baseline
from hybrid.evaluation.rows import values_of
from hybrid.specs import RegressionSpec


def rows(right, n=100, *, cell="tuned+rag", metric="correct"):
    """The first ``right`` of n questions have the value 1."""
    return [
        {
            "question_id": f"q{i}",
            "cell": cell,
            "group": f"q{i}",
            "metrics": {metric: {"value": float(i < right), "status": "ok", "reason": ""}},
        }
        for i in range(n)
    ]


def held(old, new, *, bound=0.05, metric="correct", **keys):
    spec = RegressionSpec(baseline="accepted", most={f"tuned+rag.{metric}": bound}, **keys)
    (threshold,) = held_regressions(
        spec, values_of(rows(old, metric=metric)), values_of(rows(new, metric=metric))
    )
    return threshold


def test_a_drop_wholly_above_the_bound_breaks_it():
    broken = held(80, 40)
    assert (broken["zone"], broken["passed"]) == ("broken", False)
    assert broken["mean"] == pytest.approx(0.4) and broken["low"] > 0.05
    assert broken["text"].startswith("at most 5 points worse than accepted: +40 (+")
    assert broken["text"].endswith("n 100), broken")


def test_a_drop_wholly_beneath_the_bound_holds_it():
    assert (held(80, 80)["zone"], held(80, 80)["passed"]) == ("held", True)
    assert held(40, 80)["zone"] == "held"


@pytest.mark.parametrize(("on_undecided", "passed"), [("pass", True), ("fail", False)])
def test_where_nobody_can_tell_the_suite_decides(on_undecided, passed):
    open_ = held(80, 74, on_undecided=on_undecided)
    assert open_["low"] < 0.05 < open_["high"]
    assert (open_["zone"], open_["passed"]) == ("undecided", passed)
    assert f"about {open_['more_questions']:,} more questions; counts as {on_undecided}" in open_["text"]


def test_where_less_is_better_more_is_the_drop():
    assert held(10, 60, metric="hallucination_rate")["zone"] == "broken"
    assert held(60, 10, metric="hallucination_rate")["zone"] == "held"


def test_only_columns_that_were_run_are_held_to_their_bounds():
    spec = RegressionSpec(baseline="x", most={"base.correct": 0.05})
    assert held_regressions(spec, values_of(rows(1, cell="base")), values_of(rows(1))) == []
    assert held_regressions(None, None, values_of(rows(1))) == []


@pytest.fixture
def accepted(tmp_path):
    folder = tmp_path / "accepted"
    folder.mkdir()
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows(3, 4)))
    return tmp_path


def opened(folder, asked=("q0",), baseline="accepted", **most):
    spec = RegressionSpec(baseline=baseline, most={name.replace("__", "."): 0.05 for name in most})
    return open_baseline(spec, folder, asked)


def test_a_baseline_is_found_beside_the_suite(accepted):
    assert opened(accepted) == values_of(rows(3, 4))
    assert open_baseline(None, accepted, ["q0"]) is None


def test_what_is_wrong_with_a_baseline_is_told_before_any_work(accepted):
    with pytest.raises(BadInput, match="neither rows.jsonl nor values.jsonl.gz"):
        opened(accepted, baseline="missing")
    with pytest.raises(RunError, match="shares no question"):
        opened(accepted, asked=["other"])
    with pytest.raises(UnknownName, match="metric in the regression"):
        opened(accepted, **{"tuned+rag__corect": 0})
    with pytest.raises(UnknownName, match="column in the regression"):
        opened(accepted, **{"tunde__correct": 0})
    with pytest.raises(RunError, match='has no column "base"; it has: tuned\\+rag'):
        opened(accepted, base__correct=0)
