import random
from types import SimpleNamespace

import pytest
import torch
from transformers import AutoModelForCausalLM

from hybrid.tuning.encoding import IGNORED, EncodedRow
from hybrid.tuning.sequences import RowSequence, plan_steps, share_beginnings, tensors
from hybrid.tuning.train import _AnswerTrainer, sees_everything

BEGINNING = tuple(range(40, 60))


def row(name, *own, answer=(7, 8, 9), beginning=BEGINNING):
    prompt = (*beginning, *own)
    return EncodedRow(name, (*prompt, *answer), (*[IGNORED] * len(prompt), *answer))


TOGETHER = (row("a", 1, 2, 3), row("b", 4, answer=(5,)), row("c", 6, 6, 6, 6, 6, answer=(3, 1)))
ALONE = row("d", 11, 12, answer=(13, 14), beginning=tuple(range(90, 99)))


def loss_of(model, *sequences):
    return _AnswerTrainer.compute_loss(None, model, tensors(sequences))


def gradients(model, loss):
    model.zero_grad()
    loss.backward()
    return {name: weight.grad.clone() for name, weight in model.named_parameters()}


@pytest.fixture(params=["sdpa", "eager"])
def model(request, tiny_weights):
    return AutoModelForCausalLM.from_pretrained(tiny_weights.path, attn_implementation=request.param)


def test_shared_rows_have_the_loss_and_the_gradients_of_the_rows_one_by_one(model):
    shared = share_beginnings([*TOGETHER, ALONE], 1000)
    assert [len(sequence.rows) for sequence in shared] == [3, 1]
    # The second sequence is shorter, so that padding stands beside a mask of token pairs.
    loss = loss_of(model, *shared)
    every = (*TOGETHER, ALONE)
    labels = [sum(label != IGNORED for label in each.labels) for each in every]
    single = sum(loss_of(model, RowSequence((each,))) * n for each, n in zip(every, labels, strict=True))
    apart = single / sum(labels)
    assert loss.item() == pytest.approx(apart.item(), abs=1e-5)
    found, wanted = gradients(model, loss), gradients(model, apart)
    assert set(found) == set(wanted)
    for name, gradient in found.items():
        assert torch.isfinite(gradient).all(), name
        assert torch.allclose(gradient, wanted[name], rtol=1e-4, atol=1e-5), name


def test_a_row_does_not_see_the_one_before_it(model):
    other = row("a", 30, 31, 32, answer=(33,))
    [shared], [changed] = (share_beginnings(rows, 1000) for rows in (TOGETHER[:2], (other, TOGETHER[1])))
    with torch.inference_mode():
        logits = [
            model(
                input_ids=batch["input_ids"],
                position_ids=batch["position_ids"],
                attention_mask=torch.zeros(batch["attention_mask"].shape).masked_fill(
                    ~batch["attention_mask"], torch.finfo(torch.float32).min
                ),
            ).logits[0, -2:]
            for batch in (tensors([shared]), tensors([changed]))
        ]
    assert torch.allclose(*logits, atol=1e-5)


def test_what_is_shared_is_read_once_and_positions_go_on_from_there():
    [sequence] = share_beginnings(TOGETHER, 1000)
    assert (sequence.shared, len(sequence)) == (20, 20 + 6 + 2 + 7)
    assert sequence.ids == [*BEGINNING, 1, 2, 3, 7, 8, 9, 4, 5, 6, 6, 6, 6, 6, 3, 1]
    assert sequence.positions == [*range(20), *range(20, 26), *range(20, 22), *range(20, 27)]
    assert sequence.labels[20:] == [*[IGNORED] * 3, 7, 8, 9, IGNORED, 5, *[IGNORED] * 5, 3, 1]
    assert sequence.owners == [0] * 20 + [1] * 6 + [2] * 2 + [3] * 7


def test_the_last_token_of_a_prompt_is_never_shared():
    [sequence] = share_beginnings([row("a", answer=(1,)), row("b", answer=(2,))], 1000)
    assert sequence.shared == len(BEGINNING) - 1
    assert len(share_beginnings([ALONE, ALONE], 1000)[0].rows) == 2


@pytest.mark.parametrize(
    ("rows", "most", "sizes"),
    [
        (TOGETHER, 1000, [3]),
        (TOGETHER, 28, [2, 1]),
        ((TOGETHER[0], ALONE, TOGETHER[1]), 1000, [1, 1, 1]),
        ((ALONE, *TOGETHER), 1000, [1, 3]),
    ],
)
def test_neighbours_share_while_they_are_alike_and_fit(rows, most, sizes):
    shared = share_beginnings(rows, most)
    assert [len(sequence.rows) for sequence in shared] == sizes
    assert [each for sequence in shared for each in sequence.rows] == list(rows)


def lengths(count, seed=0):
    chooser = random.Random(seed)
    return [RowSequence((row(str(n), *range(chooser.randint(1, 300)), beginning=()),)) for n in range(count)]


def padding(steps):
    return sum(max(map(len, batch)) * len(batch) - sum(map(len, batch)) for batch in steps)


@pytest.mark.parametrize("seed", range(3))
def test_every_sequence_is_learned_once_within_the_budget(seed):
    sequences = lengths(200, seed)
    steps = plan_steps(sequences, 700, seed)
    names = [each.rows[0].question for batch in steps for each in batch]
    assert sorted(names) == sorted(each.rows[0].question for each in sequences)
    assert all(max(map(len, batch)) * len(batch) <= 700 for batch in steps)
    assert plan_steps(sequences, 700, seed) == steps != plan_steps(sequences, 700, seed + 1)


def test_batches_of_like_length_pad_less_and_come_in_no_order_of_length():
    sequences = lengths(400)
    steps = plan_steps(sequences, 1500, 0)
    plain, batch = [], []
    for sequence in sequences:
        if max(map(len, [*batch, sequence])) * (len(batch) + 1) > 1500:
            plain.append(batch)
            batch = []
        batch.append(sequence)
    assert padding(steps) < padding([*plain, batch]) / 4
    longest = [max(map(len, batch)) for batch in steps]
    assert longest != sorted(longest) and max(longest[: len(longest) // 3]) > 200


def test_a_sequence_over_the_budget_is_one_batch():
    long, short = RowSequence((row("long", *range(200)),)), RowSequence((row("short"),))
    assert [long] in plan_steps([short, long, short], 100, 0)


@pytest.mark.parametrize(
    ("config", "everything"),
    [
        ({}, True),
        ({"layer_types": ["full_attention"] * 2}, True),
        ({"layer_types": ["full_attention", "sliding_attention"]}, False),
        ({"layer_types": ["linear_attention", "full_attention"]}, False),
        ({"sliding_window": 128}, False),
        ({"sliding_window": 128, "use_sliding_window": False}, True),
        ({"sliding_window": None}, True),
        ({"_attn_implementation": "flash_attention_2"}, False),
        ({"_attn_implementation": "eager"}, True),
    ],
)
def test_models_that_do_not_see_everything_do_not_share(config, everything):
    every = {"_attn_implementation": "sdpa"} | config
    assert sees_everything(SimpleNamespace(**every)) == everything
