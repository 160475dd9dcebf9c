import pytest

from hybrid.judging.features import features

EVIDENCE = "The Kestrel weighs 40 kilograms. Bolts of steel hold it. The Merlin weighs 90 kilograms."


def test_a_claim_that_stands_in_the_evidence_has_everything():
    assert features("The Kestrel weighs 40 kilograms.", EVIDENCE) == (1.0, 1.0)


def test_words_from_far_apart_are_no_two_sentences():
    # "kestrel" (6), "weigh" (4) and "kilogram" (7) stand together, the number (4) two sentences on.
    overlap, best = features("The Kestrel weighs 90 kilograms.", EVIDENCE)
    assert (overlap, best) == (1.0, pytest.approx(17 / 21))


def test_a_question_is_read_without_its_marks():
    assert features("Q: What does the Kestrel weigh? A: 40 kilograms", EVIDENCE)[1] == 1.0


@pytest.mark.parametrize(("claim", "evidence"), [("", ""), ("the", EVIDENCE), ("Q: What? A: 40", "")])
def test_nothing_to_compare_gives_nothing(claim, evidence):
    assert features(claim, evidence) == (0.0, 0.0)
