import pytest

from hybrid.judging.features import NAMES, features

EVIDENCE = "The Kestrel weighs 40 kilograms. Bolts of steel hold it. The Merlin weighs 90 kilograms."


def seen(claim, evidence=EVIDENCE):
    return dict(zip(NAMES, features(claim, evidence), strict=True))


def test_a_claim_that_stands_in_the_evidence_has_everything():
    found = seen("The Kestrel weighs 40 kilograms.")
    assert [found[name] for name in NAMES[:-1]] == [1.0] * 6


def test_a_number_and_a_name_that_are_missing_are_seen():
    found = seen("In all, the Osprey weighs 70 kilograms.")
    assert (found["numbers"], found["names"]) == (0.0, 0.0)


def test_words_that_stand_far_apart_are_no_pair_and_no_sentence():
    found = seen("Steel weighs")
    assert found["rare_overlap"] == 1.0
    assert found["pair_overlap"] == 0.0
    assert seen("The Kestrel weighs 90 kilograms.")["best_sentence"] < 1.0


@pytest.mark.parametrize(("claim", "evidence"), [("", ""), ("the", EVIDENCE), ("Q: What? A: 40", "")])
def test_nothing_to_compare_gives_numbers_all_the_same(claim, evidence):
    assert len(features(claim, evidence)) == len(NAMES)
