import pytest

from hybrid.evaluation.probes.mixture import Mixture, distractors, tells
from hybrid.records import Gold, Passage, Question

ASKED = Question("q", "How long is it?", ("18 months",), gold=(Gold("a.md", 0, 10),))


def passage(id, document="b.md", text=None, start=100, title=""):
    text = text or f"text {id}"
    return Passage(id, document, title, text, start, start + len(text))


def ids(passages):
    return [each.id for each in passages]


GOLD = (passage(1, "a.md", start=0),)
THREE = Mixture(GOLD, (passage(2), passage(3), passage(4)))


@pytest.mark.parametrize(
    ("place", "order"), [("first", [1, 2, 3, 4]), ("middle", [2, 1, 3, 4]), ("last", [2, 3, 4, 1])]
)
def test_the_gold_stands_where_it_is_put(place, order):
    assert ids(THREE.placed(place)) == order


def test_in_the_middle_of_two_the_gold_has_one_on_each_side():
    assert ids(Mixture(GOLD, (passage(2), passage(3))).placed("middle")) == [2, 1, 3]


def test_shuffled_the_gold_stands_everywhere_about_equally_often_and_the_rest_in_order():
    found = [ids(THREE.shuffled(f"{n}")) for n in range(400)]
    assert all([id for id in order if id != 1] == [2, 3, 4] for order in found)
    counts = [sum(order.index(1) == place for order in found) for place in range(4)]
    assert min(counts) > 70  # 100 are expected, with a spread of 9.
    assert ids(THREE.shuffled("1")) == ids(THREE.shuffled("1"))


def test_two_gold_passages_stay_in_their_order():
    two = Mixture((*GOLD, passage(9)), (passage(2),))
    assert {tuple(ids(two.shuffled(f"{n}"))) for n in range(50)} == {(1, 9, 2), (1, 2, 9), (2, 1, 9)}


@pytest.mark.parametrize(
    ("shown", "told"),
    [
        (passage(5, "a.md", "it is long", start=5), True),
        (passage(5, "a.md", "it is long", start=10), False),
        (passage(5, text="It lasts 18 months."), True),
        (passage(5, text="It lasts eighteen months."), True),
        (passage(5, text="It lasts 19 months."), False),
        (passage(5, text="It lasts.", title="18 months"), True),
    ],
)
def test_a_passage_tells_if_it_holds_gold_or_a_reference(shown, told):
    assert tells(ASKED, shown) is told


def test_distractors_do_not_tell_and_those_of_other_documents_come_first():
    near = [
        passage(2, "a.md", start=50),
        passage(3, text="18 months"),
        passage(4),
        passage(5, text=GOLD[0].text),
        passage(6, "a.md", start=70),
        passage(7),
        passage(8, "c.md", text="text 4"),
    ]
    # 3 holds the answer, 5 the gold's words, and 8 repeats 4.
    assert ids(distractors(ASKED, GOLD, near)) == [8, 7, 2, 6]
