from hybrid.judging.mixture import MOST_WORDS, mixture, shortened
from hybrid.judging.pairs import LabelledPair

PAIRS = [
    LabelledPair(
        f"The K{n} costs {n}7 euros.",
        (f"The K{n} is new.", f"The K{n} costs {n}7 euros.", f"One K{n + 1} costs {n}9 euros."),
        True,
        "prices",
        str(n),
    )
    for n in range(10, 60)
]


def test_a_mixture_holds_every_pair_and_what_is_made_of_them_and_is_the_same_again():
    made = mixture(PAIRS, seed=1)
    assert set(PAIRS) <= set(made)
    assert len(made) > 1.5 * len(PAIRS)
    assert made == mixture(PAIRS, seed=1) != mixture(PAIRS, seed=2)


def test_made_pairs_are_of_both_labels_and_keep_their_source_and_group():
    made = [pair for pair in mixture(PAIRS, seed=1) if pair not in PAIRS]
    assert {pair.supported for pair in made} == {True, False}
    assert {pair.source for pair in made} == {"prices"}
    assert {pair.group for pair in made} <= {pair.group for pair in PAIRS}


def test_unsupported_pairs_are_kept_and_nothing_is_made_of_them():
    wrong = [LabelledPair("The K1 costs 3 euros.", ("The K1 costs 4 euros.",), False, "prices", "1")]
    assert mixture(wrong, seed=0) == wrong


def test_long_evidence_is_cut_around_what_the_claim_speaks_of():
    filler = tuple(f"Filler number {n} " + "and so on " * 5 + "." for n in range(40))
    told = "The Kestrel weighs forty kilograms."
    found = shortened(LabelledPair("The Kestrel weighs forty kilograms.", (*filler, told, *filler), True))
    assert told in found.evidence
    assert sum(len(part.split()) for part in found.evidence) <= MOST_WORDS
    assert shortened(PAIRS[0]) is PAIRS[0]
