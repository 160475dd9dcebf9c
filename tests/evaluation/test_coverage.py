import pytest

from hybrid.evaluation.coverage import curves, equal_coverages


def row(question, *, right, score=None, abstained=False, answerable=True, cell="base"):
    correct = (1.0 if right else 0.0) if answerable else None
    return {
        "question_id": question,
        "cell": cell,
        "group": question,
        "answerable": answerable,
        "abstained": abstained,
        "statements": [] if abstained else [{"pool_score": 1.0}, {"pool_score": score}],
        "metrics": {"correct": {"value": correct, "status": "ok", "reason": ""}},
    }


ROWS = [
    row("a", right=False, score=0.4),
    row("b", right=True, score=0.9),
    row("c", right=False, score=0.6, answerable=False),
    row("d", right=False, abstained=True),
    row("e", right=True, score=0.4),
]


def test_the_surest_answers_come_first_and_silence_is_not_covered():
    (curve,) = curves(ROWS, ["base"])
    # b is right; c answers what has no answer; a and e are equally sure; d is silent.
    assert curve.points == ((0.2, 0.0), (0.4, 0.5), (0.8, 0.5))
    assert (curve.reach, curve.ranked) == (0.8, True)


def test_of_equally_sure_answers_each_counts_in_part():
    (curve,) = curves(ROWS, ["base"])
    # Three answers: b, c and half of a and of e, of which a is wrong: (0 + 1 + 0.5) / 3
    assert curve.risk(0.6).mean == pytest.approx(0.5)
    assert curve.risk(0.2).mean == 0.0
    assert curve.risk(0.9) is None


def test_without_scores_a_column_is_one_point():
    rows = [row("a", right=True), row("b", right=False), row("c", right=False, abstained=True)]
    (curve,) = curves(rows, ["base"])
    assert curve.points == ((2 / 3, 0.5),)
    assert not curve.ranked


def test_questions_of_which_nobody_knows_the_answer_do_not_count():
    unknown = row("x", right=True, score=0.99)
    unknown["metrics"]["correct"]["value"] = None
    assert curves([unknown, *ROWS], ["base"]) == curves(ROWS, ["base"])


def test_columns_are_compared_where_all_of_them_answer():
    silent = [
        row("a", right=True, score=0.5, cell="tuned"),
        row("b", right=True, abstained=True, cell="tuned"),
    ]
    found = curves([*ROWS, *silent], ["base", "tuned"])
    assert equal_coverages(found) == [0.25, 0.5, 0.75, 1.0]
    assert [curve.reach for curve in found] == [0.8, 0.5]
    assert 0.8 in equal_coverages(found[:1])
