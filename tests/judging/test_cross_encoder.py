import pytest
import torch

from hybrid.judging.cross_encoder import CrossEncoder, EncodedPair, batches


class Embedding(torch.nn.Module):
    """Gives each token id as its hidden state, in both of two dimensions."""

    def forward(self, input_ids, attention_mask, token_type_ids):
        self.segments = token_type_ids
        hidden = torch.stack([input_ids, input_ids], dim=2).float()
        return type("Output", (), {"last_hidden_state": hidden})


@pytest.fixture
def model():
    made = CrossEncoder(Embedding(), 2)
    with torch.no_grad():
        for head in (made.whole, made.word):
            head.weight.fill_(0.5)
            head.bias.zero_()
    return made


def test_a_claim_is_scored_by_its_best_window_and_its_words_by_theirs(model):
    # Two windows of a claim of two pieces; the hidden state of a piece is its id, and so is its logit.
    pair = EncodedPair(inputs=((1, 3, 7, 2, 9, 2), (1, 5, 4, 2, 2)), claim=2)
    scores = model([pair], pad=0)
    # [CLS] and the mean, each twice by one half: 1 + 24/6 and 1 + 14/5.
    assert scores.window.tolist() == pytest.approx([5.0, 3.8])
    assert scores.whole.tolist() == pytest.approx([5.0])
    assert scores.words.tolist() == [[5.0, 7.0]]
    # −log(e⁻⁵ + e⁻⁷)
    assert scores.least.item() == pytest.approx(4.8731, abs=1e-3)


def test_padding_changes_nothing(model):
    short = EncodedPair(inputs=((1, 3, 2, 9, 2),), claim=1)
    long = EncodedPair(inputs=((1, 3, 7, 4, 2, 9, 8, 8, 8, 2),), claim=3)
    alone, beside = model([short], pad=0), model([long, short], pad=0)
    assert beside.whole[1].item() == pytest.approx(alone.whole[0].item())
    assert beside.least[1].item() == pytest.approx(alone.least[0].item())


def test_the_second_segment_begins_after_the_claim(model):
    model([EncodedPair(inputs=((1, 3, 7, 2, 9, 2),), claim=2)], pad=0)
    assert model.encoder.segments.tolist() == [[0, 0, 0, 0, 1, 1]]


def test_batches_keep_to_their_budget_and_hold_every_row_once():
    pairs = [EncodedPair(inputs=((0,) * size,), claim=1) for size in (3, 4, 9, 2)]
    assert list(batches(pairs, [3, 0, 1, 2], budget=6)) == [[3, 0], [1], [2]]
