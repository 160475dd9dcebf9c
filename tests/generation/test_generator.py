import gc
import json
import random
import shutil
import weakref

import pytest
import torch
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import LlamaConfig, LlamaForCausalLM

from hybrid import models
from hybrid.adapters import open_adapter
from hybrid.errors import BadSpec, ModelMismatch, PromptTooLong
from hybrid.generation.answers import AnswerStore
from hybrid.generation.device import load_model, pick_device, precision
from hybrid.generation.fitting import Prompt
from hybrid.generation.generator import Generator
from hybrid.generation.prompt import Example
from hybrid.records import Passage, Turn
from hybrid.specs import GenerationSpec

SPEC = GenerationSpec(max_new_tokens=8, batch_tokens=4000)
PASSAGES = tuple(Passage(i, f"{i}.md", "", f"{i} " * 150, 0, 300) for i in range(10))


def prompts(generator, n):
    """Questions of different length."""
    chooser = random.Random(0)
    return [
        generator.prompt("".join(chooser.choices("abc de", k=chooser.randint(1, 90))), ()) for _ in range(n)
    ]


def save_adapter(model, folder):
    """An adapter with random weights that change what the model says."""
    config = LoraConfig(r=4, target_modules="all-linear", task_type="CAUSAL_LM", init_lora_weights=False)
    with torch.random.fork_rng():
        torch.manual_seed(1)
        get_peft_model(model, config).save_pretrained(folder)
    return open_adapter(folder)


@pytest.fixture(scope="module")
def adapter(tiny_weights, tmp_path_factory):
    model = load_model(tiny_weights, SPEC, torch.device("cpu"))
    return save_adapter(model, tmp_path_factory.mktemp("adapter"))


@pytest.fixture(scope="module")
def tuned_generator(tiny_weights, adapter):
    generator = Generator(tiny_weights, SPEC)
    generator.put_on(adapter)
    return generator


def test_batched_answers_are_those_of_single_prompts(tiny_generator):
    asked = prompts(tiny_generator, 60)
    batched = tiny_generator.generate(asked).outputs
    single = [tiny_generator.generate([prompt]).outputs[0] for prompt in asked]
    # Sums in another order may turn a rare near-tie.
    assert sum(a == b for a, b in zip(batched, single, strict=True)) >= 59
    assert len(set(single)) > 10


def test_answers_stand_in_the_order_of_the_prompts_for_every_seed(tiny_weights):
    generator = Generator(tiny_weights, GenerationSpec(max_new_tokens=4, batch_tokens=500))
    asked = prompts(generator, 8)
    assert generator.generate(asked, seed=1).outputs == generator.generate(asked, seed=2).outputs


def test_no_prompts_no_answers(tiny_generator):
    assert tiny_generator.generate([]).outputs == ()


def test_progress_counts_prompts_to_their_end(tiny_generator):
    counts = []
    tiny_generator.generate(prompts(tiny_generator, 5), done=lambda done, note: counts.append(done))
    assert counts == sorted(set(counts)) and counts[-1] == 5


def test_the_text_ends_at_the_first_end_token(tiny_generator):
    end, written = tiny_generator.tokenizer.eos_token_id, tiny_generator.encoder.text(" Five. ")
    output = tiny_generator._read([*written, end, *written])
    assert (output.text, output.tokens) == ("Five.", 7)


def test_an_answer_ends_where_tokenizer_or_model_say(tiny_weights, tmp_path):
    folder = shutil.copytree(tiny_weights.path, tmp_path / "model")
    (folder / "generation_config.json").write_text('{"eos_token_id": [7, 8]}')
    generator = Generator(models.locate(str(folder)), SPEC)
    assert generator.stop_ids() == [7, 8, generator.tokenizer.eos_token_id]
    assert generator._read([1, 2, 8, 3]).tokens == 2


def test_base_answers_are_the_same_with_an_adapter_loaded(tiny_generator, tuned_generator):
    asked = prompts(tiny_generator, 12)
    base = tiny_generator.generate(asked).outputs
    assert tuned_generator.generate(asked, tuned=True).outputs != base
    assert tuned_generator.generate(asked, tuned=False).outputs == base
    assert tuned_generator.generate(asked, tuned=True).outputs != base


def test_an_adapter_changes_no_weight_of_the_base(tiny_generator, tuned_generator):
    tuned_generator.generate(prompts(tiny_generator, 2), tuned=True)
    kept = tuned_generator.model.get_base_model().state_dict()
    for name, weight in tiny_generator.model.state_dict().items():
        wrapped = name.replace("_proj.weight", "_proj.base_layer.weight")
        assert torch.equal(kept[wrapped], weight), name


def test_an_adapter_of_another_shape_is_refused(tiny_weights, tmp_path):
    config = LlamaConfig.from_pretrained(tiny_weights.path, hidden_size=16, intermediate_size=32)
    other = save_adapter(LlamaForCausalLM(config), tmp_path)
    with pytest.raises(ModelMismatch, match=r"does not fit .*: [^\n]*$"):
        Generator(tiny_weights, SPEC).put_on(other)


def test_stored_answers_are_not_generated_again(tiny_weights, tmp_path, monkeypatch):
    generator, store = Generator(tiny_weights, SPEC), AnswerStore(tmp_path)
    asked = prompts(generator, 6)
    first = generator.generate(asked, store=store)
    monkeypatch.setattr(generator.model, "generate", lambda **_: pytest.fail("generated again"))
    again = generator.generate(asked, store=store)
    assert (again.outputs, again.seconds) == (first.outputs, first.seconds)


def test_stored_answers_of_the_base_are_not_taken_for_tuned_ones(tuned_generator, tmp_path):
    store = AnswerStore(tmp_path)
    asked = prompts(tuned_generator, 6)
    tuned = tuned_generator.generate(asked, tuned=True).outputs
    tuned_generator.generate(asked, tuned=False, store=store)
    assert tuned_generator.generate(asked, tuned=True, store=store).outputs == tuned


def test_texts_are_drawn_from_the_base_by_their_seed_alone(
    tuned_generator, tiny_weights, tmp_path, monkeypatch
):
    openings, store = ["The sea", "A dog and"], AnswerStore(tmp_path)
    state = torch.random.get_rng_state()
    texts = tuned_generator.sampled(openings, tokens=12, seed=3, store=store)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert texts == Generator(tiny_weights, SPEC).sampled(
        openings, tokens=12, seed=3, store=AnswerStore(tmp_path / "other")
    )
    assert texts != tuned_generator.sampled(openings, tokens=12, seed=4, store=store)
    monkeypatch.setattr(tuned_generator.model, "generate", lambda **_: pytest.fail("drawn again"))
    assert texts == tuned_generator.sampled(openings, tokens=12, seed=3, store=store)


def test_everything_that_decides_an_answer_is_in_its_setup(tiny_weights, tuned_generator):
    other = Generator(tiny_weights, GenerationSpec(max_new_tokens=9))
    eager = Generator(tiny_weights, GenerationSpec(attention="eager"))
    setups = [tuned_generator.setup(True), tuned_generator.setup(False)]
    setups += [other.setup(False), eager.setup(False)]
    assert len(set(setups)) == 4


@pytest.fixture(scope="module")
def tuned_weights(tiny_weights, tmp_path_factory):
    """A folder of whole weights that say something else than the base."""
    folder = shutil.copytree(tiny_weights.path, tmp_path_factory.mktemp("whole") / "tuned")
    weights = load_file(folder / "model.safetensors")
    with torch.random.fork_rng():
        torch.manual_seed(2)
        changed = {name: weight + 0.1 * torch.randn_like(weight) for name, weight in weights.items()}
    save_file(changed, folder / "model.safetensors", metadata={"format": "pt"})
    return open_adapter(folder)


def test_whole_weights_take_turns_with_the_base(tiny_generator, tiny_weights, tuned_weights):
    generator = Generator(tiny_weights, SPEC)
    generator.put_on(tuned_weights)
    asked = prompts(tiny_generator, 8)
    alone = Generator(models.locate(str(tuned_weights.path)), SPEC)
    base, tuned = (each.generate(asked).outputs for each in (tiny_generator, alone))
    assert base != tuned
    for _ in range(2):
        assert generator.generate(asked, tuned=True).outputs == tuned
        assert generator.generate(asked, tuned=False).outputs == base
    ids = asked[0].ids
    assert generator.surprisals(ids, tuned=True) == alone.surprisals(ids) != generator.surprisals(ids)


def test_of_base_and_whole_weights_one_is_in_memory(tiny_weights, tuned_weights):
    generator = Generator(tiny_weights, SPEC)
    generator.put_on(tuned_weights)
    base = weakref.ref(generator.model)
    generator.generate(prompts(generator, 1), tuned=True)
    gc.collect()
    assert base() is None
    kept = generator.model
    generator.generate(prompts(generator, 1), tuned=True)
    assert generator.model is kept


def test_answers_of_whole_weights_are_kept_apart(tiny_weights, tuned_weights, tmp_path):
    generator, store = Generator(tiny_weights, SPEC), AnswerStore(tmp_path)
    generator.put_on(tuned_weights)
    asked = prompts(generator, 4)
    base = generator.generate(asked, store=store).outputs
    assert generator.generate(asked, tuned=True, store=store).outputs != base
    assert generator.setup(True) != generator.setup(False)


@pytest.fixture(scope="module")
def nf4_generator(tiny_weights):
    """As on a CPU for which bitsandbytes has a way of its own to evaluate."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bitsandbytes.nn.modules.has_avx512bf16", lambda: True)
        return Generator(tiny_weights, SPEC.model_copy(update={"quantization": "nf4"}))


def test_a_base_in_4_bits_is_doubly_quantised_nf4_in_every_linear_layer(nf4_generator):
    from bitsandbytes.nn import Linear4bit

    layers = {name: m for name, m in nf4_generator.model.named_modules() if isinstance(m, torch.nn.Linear)}
    plain = [name for name, layer in layers.items() if not isinstance(layer, Linear4bit)]
    assert plain == ["lm_head"] and len(layers) == 15
    states = [layer.weight.quant_state for layer in layers.values() if isinstance(layer, Linear4bit)]
    assert {(state.quant_type, state.nested, state.dtype) for state in states} == {
        ("nf4", True, torch.float32)
    }


def test_a_base_in_4_bits_computes_in_evaluation_as_in_training(nf4_generator):
    ids = torch.tensor([prompts(nf4_generator, 1)[0].ids])
    evaluated = nf4_generator.model(ids).logits
    try:
        trained = nf4_generator.model.train()(ids).logits
    finally:
        nf4_generator.model.eval()
    assert torch.equal(evaluated, trained) and evaluated.dtype == torch.float32


def test_a_base_in_4_bits_has_answers_of_its_own(nf4_generator, tiny_generator):
    asked = prompts(tiny_generator, 12)
    assert nf4_generator.generate(asked).outputs != tiny_generator.generate(asked).outputs
    unquantised = Generator(tiny_generator.weights, SPEC)
    assert nf4_generator.setup(False) != unquantised.setup(False)


def test_the_precision_names_device_format_and_quantisation():
    spec = GenerationSpec(device="cpu")
    assert precision(spec) == "cpu float32"
    assert precision(spec.model_copy(update={"dtype": "bfloat16"})) == "cpu bfloat16"
    assert precision(spec.model_copy(update={"quantization": "nf4"})) == "cpu float32 nf4"


def test_a_device_that_cannot_quantise_is_named(tiny_weights):
    with pytest.raises(BadSpec, match=r"generation\.quantization: nf4 runs on cpu and cuda, not on meta\."):
        load_model(tiny_weights, SPEC.model_copy(update={"quantization": "nf4"}), torch.device("meta"))


@pytest.fixture
def narrow(tiny_weights):
    """A generator with room for about three of PASSAGES; a token is a byte."""
    generator = Generator(tiny_weights, SPEC)
    generator.context = 1600
    return generator


def test_the_weakest_passages_are_dropped_and_counted(narrow):
    prompt = narrow.prompt("Why?", PASSAGES)
    assert prompt.shown == PASSAGES[: len(prompt.shown)]
    assert (len(prompt.shown) > 0, len(prompt.shown) + prompt.dropped) == (True, 10)
    assert prompt == Prompt(narrow.prompt("Why?", prompt.shown).ids, prompt.shown, prompt.dropped)
    one_more = narrow.prompt("Why?", PASSAGES[: len(prompt.shown) + 1])
    assert (one_more.ids, one_more.dropped) == (prompt.ids, 1)
    assert len(prompt.ids) + SPEC.max_new_tokens <= narrow.context


def test_the_farthest_examples_are_dropped_before_any_passage(narrow):
    far, near = Example("So?", PASSAGES[:3], "No."), Example("Who?", (), "She.")
    assert narrow.prompt("Why?", PASSAGES[:2], (), [far, near]) == narrow.prompt(
        "Why?", PASSAGES[:2], (), [near]
    )
    assert narrow.prompt("Why?", PASSAGES, (), [near]) == narrow.prompt("Why?", PASSAGES)


def test_a_prompt_may_fill_the_context_to_the_last_token(narrow):
    narrow.context = len(narrow.prompt("Why?", PASSAGES[:1]).ids) + SPEC.max_new_tokens
    assert narrow.prompt("Why?", PASSAGES[:1]).dropped == 0
    narrow.context -= 1
    assert narrow.prompt("Why?", PASSAGES[:1]).dropped == 1


@pytest.mark.parametrize(
    "request_",
    [
        {"question": "Why? " * 400},
        {"question": "Why?", "history": [Turn("So?", "no " * 600)]},
    ],
)
def test_a_request_that_does_not_fit_even_without_passages_is_refused(narrow, request_):
    with pytest.raises(PromptTooLong, match="without any passage; .* has room for 1592 beside the answer"):
        narrow.prompt(passages=PASSAGES, **request_)


def test_settings_of_the_model_do_not_change_the_decoding(tiny_weights, tiny_generator, tmp_path):
    folder = shutil.copytree(tiny_weights.path, tmp_path / "model")
    own = {"do_sample": True, "temperature": 9.0, "repetition_penalty": 5.0}
    (folder / "generation_config.json").write_text(json.dumps(own))
    generator = Generator(models.locate(str(folder)), SPEC)
    asked = prompts(generator, 4)
    assert generator.generate(asked).outputs == tiny_generator.generate(asked).outputs


def test_a_device_is_picked_by_name():
    assert pick_device("cpu") == torch.device("cpu")
    assert pick_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")
    with pytest.raises(BadSpec, match=r'^generation\.device: "abacus" cannot be used here: [^\n]*$'):
        pick_device("abacus")


@pytest.mark.slow
def test_the_bundled_model_reads_an_answer_from_a_passage(smollm2):
    generator = Generator(smollm2, GenerationSpec(max_new_tokens=24))
    passage = Passage(1, "w", "Warranty", "The warranty lasts five years.", 0, 30)
    output = generator.generate(
        [generator.prompt("How many years does the warranty last?", [passage])]
    ).outputs[0]
    assert models.BUNDLED[smollm2.name].sha256 == generator.weights.digest
    assert "five" in output.text.lower()
