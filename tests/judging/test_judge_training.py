"""A judge learned from made-up pairs on a tiny random encoder."""

import json

import numpy as np
import pytest

from hybrid.errors import BadInput
from hybrid.judging.grounding import ADAPTER, CARD, HEADS, GroundingJudge
from hybrid.judging.pairs import LabelledPair, held_out
from hybrid.judging.train import Recipe, _check, fit, train_judge

FRUIT = ("apple", "banana", "cherry", "damson", "fig", "grape", "hazelnut", "lemon")
COLOURS = ("red", "blue", "green", "black")


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """A one-layer BERT over the words of the pairs."""
    from transformers import BertConfig, BertModel, BertTokenizerFast

    folder = tmp_path_factory.mktemp("encoder")
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "is", "not", "and", ",", ".", ";"]
    (folder / "vocab.txt").write_text("\n".join([*words, *FRUIT, *COLOURS]))
    BertTokenizerFast(vocab_file=str(folder / "vocab.txt")).save_pretrained(folder)
    config = BertConfig(
        vocab_size=len(words) + len(FRUIT) + len(COLOURS),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
    )
    BertModel(config).save_pretrained(folder)
    return str(folder)


def pairs():
    """Each fruit in each colour, by evidence that says so and by evidence that says another colour."""
    for fruit in FRUIT:
        for colour in COLOURS:
            for said in COLOURS[:2]:
                evidence = (f"The {fruit} is {said}.",)
                yield LabelledPair(f"The {fruit} is {colour}.", evidence, said == colour, "fruit", fruit)


@pytest.fixture(scope="module")
def trained(base, tmp_path_factory):
    folder = tmp_path_factory.mktemp("judge")
    recipe = Recipe(base=base, rank=2, batch_pieces=200, calibration=0.25)
    card = train_judge(list(pairs()), [LabelledPair("The plum is red.", ("x",), True)], folder, recipe=recipe)
    return folder, card


def test_a_trained_judge_is_a_folder_that_opens_again_and_judges(trained):
    folder, card = trained
    judge = GroundingJudge(folder)
    said = judge.verdicts([("The fig is red.", "The fig is red."), ("The fig is red.", "The grape is blue.")])
    assert [judgement.failed for judgement in said] == [False, False]
    assert said[0].score > said[1].score
    assert (judge.threshold, judge.name, judge.validated) == (card["threshold"], "grounding", True)
    assert judge.digest == GroundingJudge(folder).digest


def test_the_card_counts_what_was_learned_and_keeps_the_recipe(trained):
    folder, card = trained
    assert json.loads((folder / CARD).read_text()) == json.loads(json.dumps(card))
    assert card["pairs"]["given"] == card["pairs"]["kept"] == len(list(pairs()))
    assert card["recipe"]["rank"] == 2 and card["sources"] == {"fruit": card["pairs"]["kept"]}


def test_verdicts_do_not_depend_on_what_is_judged_beside(trained):
    judge = GroundingJudge(trained[0])
    asked = [(f"The {fruit} is red.", f"The {fruit} is blue. The fig is red.") for fruit in FRUIT]
    alone = [judge.verdicts([pair])[0].score for pair in asked]
    assert [said.score for said in judge.verdicts(asked)] == pytest.approx(alone, abs=1e-3)


def test_pairs_of_the_validation_are_never_learned(base, tmp_path):
    with pytest.raises(BadInput, match="too few"):
        train_judge(list(pairs()), list(pairs()), tmp_path, recipe=Recipe(base=base))


def test_training_fails_if_a_row_of_the_validation_remains():
    validation = [LabelledPair("The plum is violet.", ("Plums are violet.",), True)]
    with pytest.raises(BadInput, match="1 of them hold text of the validation"):
        _check([*pairs(), LabelledPair("the PLUM is violet", ("x",), False)], held_out(validation))


@pytest.mark.parametrize("missing", [CARD, ADAPTER, HEADS])
def test_a_folder_without_a_part_is_no_judge(trained, tmp_path, missing):
    for name in {CARD, ADAPTER, HEADS} - {missing}:
        (tmp_path / name).write_bytes((trained[0] / name).read_bytes())
    with pytest.raises(BadInput, match=missing):
        GroundingJudge(tmp_path)


def test_other_base_weights_are_refused(trained, tmp_path):
    for path in trained[0].iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    card = json.loads((tmp_path / CARD).read_text())
    card["base"]["digest"] = "0"
    (tmp_path / CARD).write_text(json.dumps(card))
    with pytest.raises(BadInput, match="other weights"):
        GroundingJudge(tmp_path)


def test_the_combination_finds_the_signal_that_tells():
    rng = np.random.default_rng(0)
    label = rng.random(300) < 0.5
    found = np.stack([label + 0.1 * rng.normal(size=300), rng.normal(size=300), np.ones(300)], axis=1)
    combination = fit(found, label, np.ones(300), 1e-3)
    assert combination.weights[0] > 10 * abs(combination.weights[1])
    chance = combination.probability(found)
    assert chance[label].min() > 0.5 > chance[~label].max()
