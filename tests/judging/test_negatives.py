import random

import pytest

from hybrid.judging.negatives import (
    amid,
    elsewhere,
    joined,
    negated,
    reordered,
    swapped_evidence,
    swapped_value,
    without_support,
)
from hybrid.judging.pairs import LabelledPair

WARRANTY = LabelledPair(
    "The warranty of the Kestrel ended in 1998.",
    ("The firm began in 1975.", "The warranty of the Kestrel ended in 1998.", "The Merlin has none."),
    True,
    group="w",
)
OTHER = LabelledPair("Figs are blue.", ("Figs are blue in May.",), True, group="o")


@pytest.fixture
def rng():
    return random.Random(0)


def wrong_text(pair):
    return [pair.claim[start:end] for start, end in pair.wrong]


def test_a_value_of_the_claim_becomes_another_of_its_kind_from_the_evidence(rng):
    made = [swapped_value(WARRANTY, rng) for _ in range(20)]
    assert {pair.claim for pair in made} == {
        "The warranty of the Kestrel ended in 1975.",
        "The warranty of the Merlin ended in 1998.",
    }
    assert all(pair.supported is False and pair.evidence == WARRANTY.evidence for pair in made)
    assert all(wrong_text(pair) in (["1975"], ["Merlin"]) for pair in made)


def test_a_value_of_the_evidence_changes_wherever_it_stands(rng):
    made = next(pair for _ in range(20) if wrong_text(pair := swapped_evidence(WARRANTY, rng)) == ["1998"])
    assert made.claim == WARRANTY.claim
    assert "1998" not in made.text and made.supported is False


def test_without_a_value_in_both_nothing_is_swapped(rng):
    assert swapped_value(OTHER, rng) is None
    assert swapped_evidence(OTHER, rng) is None


def test_a_claim_is_negated_at_its_verb_or_turned_into_the_opposite(rng):
    assert negated(OTHER, rng).claim == "Figs are not blue."
    assert wrong_text(negated(OTHER, rng)) == ["are not"]
    assert negated(LabelledPair("It came first.", ("x",), True), rng).claim == "It came last."
    assert negated(LabelledPair("Figs grow.", ("x",), True), rng) is None


def test_the_part_that_tells_is_taken_out_of_the_evidence(rng):
    made = without_support(WARRANTY, rng)
    assert made.evidence == ("The firm began in 1975.", "The Merlin has none.")
    assert made.supported is False
    assert without_support(OTHER, rng) is None


def test_other_evidence_and_order_change_only_what_they_should(rng):
    assert elsewhere(OTHER, WARRANTY).supported is False
    assert amid(OTHER, WARRANTY, rng).supported is True
    assert set(amid(OTHER, WARRANTY, rng).evidence) == {*OTHER.evidence, *WARRANTY.evidence}
    assert sorted(reordered(WARRANTY, rng).evidence) == sorted(WARRANTY.evidence)
    assert reordered(OTHER, rng) is None


def test_two_claims_in_one_need_the_evidence_of_both(rng):
    half, whole = (joined(OTHER, WARRANTY, whole=whole, rng=rng) for whole in (False, True))
    assert half.supported is False and half.evidence == OTHER.evidence
    assert wrong_text(half) == [WARRANTY.claim]
    assert whole.supported is True and set(whole.evidence) > set(OTHER.evidence)
