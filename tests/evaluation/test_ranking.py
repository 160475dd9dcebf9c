import pytest

from hybrid.evaluation.ranking import holds, recall, reciprocal_rank
from hybrid.records import Gold, Passage


def passage(start, end, document="d"):
    return Passage(id=start, document=document, title="", text="x" * (end - start), start=start, end=end)


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [(0, 30, True), (0, 15, True), (0, 14, False), (15, 30, True), (16, 30, False), (20, 30, False)],
)
def test_a_hit_holds_half_of_the_gold(start, end, expected):
    assert holds(passage(start, end), Gold("d", 10, 20)) is expected


def test_another_document_holds_nothing_and_any_part_holds_a_document():
    assert not holds(passage(0, 30, "e"), Gold("d", 10, 20))
    assert holds(passage(0, 1), Gold("d"))


def test_several_golds_share_the_recall():
    ranked = [passage(50, 60), passage(10, 20), passage(30, 40)]
    gold = [Gold("d", 12, 18), Gold("d", 70, 80)]
    assert recall(ranked, gold) == 0.5  # one of two
    assert reciprocal_rank(ranked, gold) == 0.5  # at the second place
    assert reciprocal_rank(ranked[:1], gold) == 0.0
