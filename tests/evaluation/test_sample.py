from collections import Counter

import pytest

from hybrid.evaluation.sample import stratified_sample
from hybrid.records import Question


def questions(**counts):
    """``seen_fact=3`` makes three questions of that split and kind."""
    return [
        Question(f"{stratum}{n}", "?", split=stratum.split("_")[0], kind=stratum.split("_")[1])
        for stratum, count in counts.items()
        for n in range(count)
    ]


MIXED = questions(seen_fact=20, unseen_fact=50, unseen_number=30)


def shares(sample):
    return Counter((question.split, question.kind) for question in sample)


def test_each_stratum_keeps_its_share():
    # 10 of 100: 20/10, 50/10, 30/10.
    sample = stratified_sample(MIXED, 10, 0)
    assert shares(sample) == {("seen", "fact"): 2, ("unseen", "fact"): 5, ("unseen", "number"): 3}


def test_the_largest_remainders_get_the_last_seats():
    # 7 of 100: 1.4, 3.5, 2.1 are 1, 3, 2, and the seventh seat goes to 3.5.
    sample = stratified_sample(MIXED, 7, 0)
    assert shares(sample) == {("seen", "fact"): 1, ("unseen", "fact"): 4, ("unseen", "number"): 2}


@pytest.mark.parametrize("limit", range(1, 100))
def test_there_are_exactly_as_many_as_asked_for(limit):
    assert len({question.id for question in stratified_sample(MIXED, limit, 3)}) == limit


def test_the_order_is_kept():
    mixed = MIXED[::3] + MIXED[1::3]
    sample = stratified_sample(mixed, 20, 1)
    assert sample == [question for question in mixed if question in sample]


def test_the_seed_decides():
    assert stratified_sample(MIXED, 10, 1) == stratified_sample(MIXED, 10, 1)
    assert stratified_sample(MIXED, 10, 1) != stratified_sample(MIXED, 10, 2)


@pytest.mark.parametrize("limit", [None, 100, 1000])
def test_a_limit_that_is_no_limit_keeps_all(limit):
    assert stratified_sample(MIXED, limit, 0) == MIXED
