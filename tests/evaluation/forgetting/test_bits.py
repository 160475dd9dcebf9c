"""Bits of a text, in windows, against a sum by hand and against one pass over the whole."""

import math

import pytest

from hybrid.evaluation.forgetting.bits import Window, bits, windows


def test_windows_by_hand():
    assert list(windows(10, width=4, stride=2)) == [
        Window(0, 1, 4),
        Window(2, 4, 6),
        Window(4, 6, 8),
        Window(6, 8, 10),
    ]
    assert list(windows(5, width=8, stride=4)) == [Window(0, 1, 5)]
    assert list(windows(9, width=8, stride=4)) == [Window(0, 1, 8), Window(4, 8, 9)]
    assert list(windows(1, width=8, stride=4)) == list(windows(0, width=8, stride=4)) == []


@pytest.mark.parametrize("length", range(2, 40))
@pytest.mark.parametrize(("width", "stride"), [(2, 1), (7, 3), (8, 4), (8, 7)])
def test_every_token_but_the_first_is_scored_once_and_with_context(length, width, stride):
    cut = list(windows(length, width=width, stride=stride))
    scored = [position for window in cut for position in range(window.scored, window.end)]
    assert scored == list(range(1, length))
    assert all(window.end - window.start <= width for window in cut)
    assert all(window.scored - window.start >= width - stride for window in cut[1:])


class Counting:
    """Token n costs n / 8 bits with the base, twice that tuned, whatever stands before it."""

    context = 6
    start_id = 0

    def __init__(self):
        self.encoder = self
        self.read = []

    def text(self, text):
        return [int(letter) for letter in text]

    def surprisals(self, ids, *, tuned=False):
        self.read.append(len(ids))
        return [(1 + tuned) * i / 8 for i in ids[1:]]


def test_bits_are_the_sum_over_tokens_each_counted_once():
    generator = Counting()
    # 1 + 2 + … + 9 = 45 eighths, of eleven tokens with the start, six at a time.
    assert bits(generator, "1234567890", tuned=False, stride=3) == 45 / 8
    assert generator.read == [6, 6, 5]
    assert bits(generator, "1234567890", tuned=True) == 45 / 4
    assert bits(generator, "", tuned=False) == 0


def test_surprisals_are_those_of_the_model_itself(tiny_generator):
    import torch

    ids = [tiny_generator.encoder.start_id, *tiny_generator.encoder.text("A small boat.")]
    with torch.inference_mode():
        chances = tiny_generator.model(torch.tensor([ids])).logits[0].double().softmax(-1)
    by_hand = [-math.log2(chances[i, token]) for i, token in enumerate(ids[1:])]
    assert tiny_generator.surprisals(ids) == pytest.approx(by_hand, rel=1e-4)


def test_windows_that_reach_back_far_enough_change_nothing_and_narrow_ones_little(tiny_generator):
    text = "The boats came in late that evening, and nobody asked why."
    ids = [tiny_generator.encoder.start_id, *tiny_generator.encoder.text(text)]
    direct = sum(tiny_generator.surprisals(ids))
    assert bits(tiny_generator, text, tuned=False) == pytest.approx(direct)
    narrow = bits(tiny_generator, text, tuned=False, width=24, stride=8)
    assert narrow != pytest.approx(direct, rel=1e-9)
    assert narrow == pytest.approx(direct, rel=0.25)
