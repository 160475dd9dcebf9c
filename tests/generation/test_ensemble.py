import math
import random
import shutil

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from hybrid import models
from hybrid.generation.answers import AnswerStore
from hybrid.generation.ensemble import Mixture, weights
from hybrid.generation.fitting import Prompt, Row
from hybrid.generation.generator import Generator
from hybrid.records import Passage
from hybrid.specs import GenerationSpec

SPEC = GenerationSpec(max_new_tokens=8, mode="ensemble", ensemble_temperature=0.5)
CPU = torch.device("cpu")
END = 2


def passage(n):
    text = "".join(random.Random(n).choices("abc de. ", k=20 + 7 * n))
    return Passage(n, f"{n}.md", f"Title {n}", text, 0, len(text))


PASSAGES = tuple(passage(n) for n in range(4))
SCORES = (0.9, 0.2, 0.7, 0.4)


@pytest.fixture(scope="module")
def ensemble(tiny_weights):
    return Generator(tiny_weights, SPEC)


@pytest.fixture(scope="module")
def stopping(tiny_weights, tmp_path_factory):
    """A model of which a quarter of the vocabulary ends an answer, so that groups end at different steps."""
    folder = shutil.copytree(tiny_weights.path, tmp_path_factory.mktemp("stopping") / "model")
    (folder / "generation_config.json").write_text(f'{{"eos_token_id": {list(range(0, 256, 4))}}}')
    return Generator(models.locate(str(folder)), SPEC)


def questions(n):
    chooser = random.Random(0)
    return ["".join(chooser.choices("abc de?", k=chooser.randint(3, 40))) for _ in range(n)]


def asked(generator, n=8, passages=PASSAGES, scores=SCORES):
    return [generator.prompt(question, passages, scores=scores) for question in questions(n)]


def row_scores(*shares):
    return torch.tensor(shares).log()


def groups(*sizes_and_weights):
    return [[Row((1,), weight) for weight in group] for group in sizes_and_weights]


def test_weights_are_the_softmax_of_scores_over_the_temperature():
    # e^(0.1/0.1) : e^(0.2/0.1) = 1 : e
    assert weights([0.1, 0.2], 0.1) == pytest.approx([1 / (1 + math.e), math.e / (1 + math.e)])


@given(st.lists(st.floats(-1000, 1000), min_size=1, max_size=50), st.floats(0.001, 10))
def test_weights_sum_to_one_and_follow_the_scores(scores, temperature):
    found = weights(scores, temperature)
    assert sum(found) == pytest.approx(1)
    assert found[scores.index(max(scores))] == max(found)


def test_all_rows_of_a_group_get_its_mixture_and_a_single_row_keeps_its_own():
    mixture = Mixture(groups([0.25, 0.75], [1.0]), [END], CPU)
    scores = row_scores([0.6, 0.3, 0.1], [0.1, 0.3, 0.6], [0.2, 0.5, 0.3])
    mixed = mixture(torch.zeros(3, 1), scores)
    # 0.25 × 0.6 + 0.75 × 0.1 = 0.225; 0.3; 0.25 × 0.1 + 0.75 × 0.6 = 0.475
    expected = torch.tensor([0.225, 0.3, 0.475])
    assert torch.allclose(mixed[0].exp(), expected) and torch.equal(mixed[0], mixed[1])
    assert torch.equal(mixed[2], scores[2])


def test_the_leader_has_the_largest_product_of_weight_and_answer():
    mixture = Mixture(groups([0.4, 0.6], [1.0]), [END], CPU)
    assert mixture.leaders() == [1, None]
    # Token 0 is chosen: 0.4 × 0.9 = 0.36, 0.6 × 0.5 = 0.30.
    mixture(torch.zeros(3, 1), row_scores([0.9, 0.05, 0.05], [0.5, 0.3, 0.2], [0.2, 0.5, 0.3]))
    assert mixture.leaders() == [0, None]
    # Again: 0.36 × 0.6 = 0.22, 0.30 × 0.8 = 0.24.
    mixture(torch.zeros(3, 1), row_scores([0.6, 0.2, 0.2], [0.8, 0.1, 0.1], [0.2, 0.5, 0.3]))
    assert mixture.leaders() == [1, None]


def test_what_comes_after_the_end_says_nothing_about_the_leader():
    mixture = Mixture(groups([0.5, 0.5]), [END], CPU)
    # The end counts: 0.5 × 0.9 against 0.5 × 0.6.
    mixture(torch.zeros(2, 1), row_scores([0.05, 0.05, 0.9], [0.2, 0.2, 0.6]))
    assert mixture.leaders() == [0]
    mixture(torch.zeros(2, 1), row_scores([0.05, 0.9, 0.05], [0.98, 0.01, 0.01]))
    assert mixture.leaders() == [0]


def step_by_step(generator, prompt):
    """The ids of an ensemble's answer with the place of its leader, without batch or cache."""
    posterior = [math.log(row.weight) for row in prompt.alone]
    written = []
    while len(written) < SPEC.max_new_tokens:
        apart = [
            generator.model(torch.tensor([[*row.ids, *written]])).logits[0, -1].log_softmax(-1)
            for row in prompt.alone
        ]
        mixed = sum(row.weight * each.exp() for row, each in zip(prompt.alone, apart, strict=True))
        token = int(mixed.argmax())
        written.append(token)
        posterior = [sofar + float(each[token]) for sofar, each in zip(posterior, apart, strict=True)]
        if token in generator.stop_ids():
            break
    return written, posterior.index(max(posterior))


@torch.inference_mode()
def test_answers_are_those_of_mixing_step_by_step(stopping):
    prompts = asked(stopping)
    outputs = stopping.generate(prompts).outputs
    expected = [step_by_step(stopping, prompt) for prompt in prompts]
    read = [stopping._read(ids) for ids, _ in expected]
    assert [(each.text, each.tokens) for each in outputs] == [(each.text, each.tokens) for each in read]
    assert [each.leader for each in outputs] == [leader for _, leader in expected]
    assert len({each.tokens for each in outputs}) > 2 and len({each.leader for each in outputs}) > 1


@pytest.mark.parametrize("count", [0, 1])
def test_with_one_passage_or_none_it_is_plain_decoding(ensemble, tiny_generator, count):
    prompts = asked(ensemble, passages=PASSAGES[:count], scores=SCORES[:count])
    plain = [tiny_generator.prompt(question, PASSAGES[:count]) for question in questions(8)]
    assert prompts == plain
    assert ensemble.generate(prompts).outputs == tiny_generator.generate(plain).outputs


def test_single_rows_are_decoded_plainly_beside_groups(ensemble, tiny_generator):
    singles = asked(ensemble, passages=PASSAGES[:1], scores=SCORES[:1])
    mixed = ensemble.generate([*singles, *asked(ensemble)]).outputs
    assert mixed[:8] == tiny_generator.generate(singles).outputs


def test_equal_passages_answer_like_one(ensemble, tiny_generator):
    twice = ensemble.generate(asked(ensemble, passages=PASSAGES[:1] * 3, scores=SCORES[:3])).outputs
    once = tiny_generator.generate(asked(tiny_generator, passages=PASSAGES[:1], scores=())).outputs
    assert [each.text for each in twice] == [each.text for each in once]


def test_several_passages_answer_otherwise_than_any_alone(ensemble):
    texts = [each.text for each in ensemble.generate(asked(ensemble)).outputs]
    for passage, score in zip(PASSAGES, SCORES, strict=True):
        alone = ensemble.generate(asked(ensemble, passages=[passage], scores=[score])).outputs
        assert texts != [each.text for each in alone]


def test_the_order_of_the_passages_changes_nothing(ensemble):
    first = ensemble.generate(asked(ensemble, 16)).outputs
    order = [2, 0, 3, 1]
    turned = ensemble.generate(
        asked(ensemble, 16, [PASSAGES[i] for i in order], [SCORES[i] for i in order])
    ).outputs
    assert [each.text for each in first] == [each.text for each in turned]
    assert [each.leader for each in first] == [order[each.leader] for each in turned]
    assert len({each.leader for each in first}) > 1


def test_a_passage_of_no_weight_changes_no_answer(ensemble):
    without = ensemble.generate(asked(ensemble, passages=PASSAGES[:2], scores=(0.9, 0.7))).outputs
    beside = ensemble.generate(asked(ensemble, passages=PASSAGES[:3], scores=(0.9, 0.7, -900.0))).outputs
    assert beside == without


def test_passages_without_scores_weigh_the_same(ensemble):
    prompt = ensemble.prompt("Why?", PASSAGES)
    assert [row.weight for row in prompt.alone] == [0.25] * 4


def test_batches_of_different_groups_answer_as_one_by_one(tiny_weights):
    generator = Generator(tiny_weights, SPEC.model_copy(update={"batch_tokens": 10_000}))
    prompts = [
        generator.prompt(question, PASSAGES[: n % 5], scores=SCORES[: n % 5])
        for n, question in enumerate(questions(20))
    ]
    batched = generator.generate(prompts).outputs
    single = tuple(generator.generate([prompt]).outputs[0] for prompt in prompts)
    # Sums in another order may turn a rare near-tie.
    assert sum(a == b for a, b in zip(batched, single, strict=True)) >= 19
    assert len({each.text for each in single}) > 5


def test_the_text_that_is_read_is_that_of_all_prompts(ensemble, tiny_generator):
    prompt = ensemble.prompt("Why?", PASSAGES, scores=SCORES)
    alone = [tiny_generator.prompt("Why?", [each]) for each in PASSAGES]
    assert [row.ids for row in prompt.alone] == [each.ids for each in alone]
    assert (prompt.tokens, prompt.shown) == (sum(each.tokens for each in alone), PASSAGES)


def test_a_passage_that_is_too_long_by_itself_is_dropped_and_the_others_share_its_weight(tiny_weights):
    generator = Generator(tiny_weights, SPEC)
    long = Passage(9, "long.md", "", "long " * 300, 0, 1500)
    generator.context = generator.prompt("Why?", [PASSAGES[3]]).tokens + SPEC.max_new_tokens
    shown = (PASSAGES[0], PASSAGES[3])
    prompt = generator.prompt("Why?", [PASSAGES[0], long, PASSAGES[3]], scores=[0.5, 0.9, 0.1])
    assert (prompt.shown, prompt.dropped) == (shown, 1)
    assert prompt.alone == generator.prompt("Why?", shown, scores=[0.5, 0.1]).alone
    for passages, fitting in (([long, PASSAGES[0]], shown[:1]), ([long, long], ())):
        prompt = generator.prompt("Why?", passages, scores=[0.5, 0.1])
        assert (prompt.shown, prompt.dropped) == (fitting, 2 - len(fitting))
        assert prompt.ids == generator.prompt("Why?", fitting).ids


def test_stored_answers_are_found_again_but_not_for_other_weights(tiny_weights, tmp_path):
    generator, store = Generator(tiny_weights, SPEC), AnswerStore(tmp_path)
    first = generator.generate(asked(generator), store=store)
    kept = sorted(tmp_path.rglob("*.json"))
    # Seconds differ from one generation to the next.
    assert generator.generate(asked(generator), store=store) == first
    assert sorted(tmp_path.rglob("*.json")) == kept
    generator.generate(asked(generator, scores=SCORES[::-1]), store=store)
    assert len(sorted(tmp_path.rglob("*.json"))) == 2 * len(kept)


def test_what_decides_an_answer_is_rows_weights_and_grouping(ensemble):
    prompt = ensemble.prompt("Why?", PASSAGES[:2], scores=SCORES[:2])
    first, second = (Prompt(row.ids, ()) for row in prompt.alone)
    other = ensemble.prompt("Why?", PASSAGES[:2], scores=SCORES[1::-1])
    assert prompt.content != other.content
    assert [prompt.content] != [first.content, second.content]
