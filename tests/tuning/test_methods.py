import math

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoTokenizer

from hybrid.adapters import Adapter, open_adapter
from hybrid.errors import BadSpec
from hybrid.generation.device import load_model
from hybrid.generation.encode import ChatEncoder
from hybrid.generation.generator import Generator
from hybrid.models import locate
from hybrid.specs import PipelineSpec
from hybrid.tuning.encoding import encode_rows
from hybrid.tuning.lessons import training_rows
from hybrid.tuning.methods import check_start, first_weights
from hybrid.tuning.train import train
from hybrid.tuning.tune import tune

CPU = torch.device("cpu")


@pytest.fixture
def pipeline_of(pipeline):
    """The pipeline of these tests with another method; a full tuning learns at a tenth of the rate."""

    def of(method, **changes):
        data = pipeline.model_dump(exclude_defaults=True)
        data["generation"] = data.get("generation", {}) | changes.pop("generation", {})
        data["tuning"] |= {"method": method} | changes
        return PipelineSpec.model_validate(data)

    return of


@pytest.fixture
def learn(pipeline_of, suite, small_retriever, tiny_weights, tmp_path):
    """Trains by a method; gives back the losses and the model as it was when they ended."""

    def learn(method, folder="work", *, on_step=lambda step, loss: None, **changes):
        spec = pipeline_of(method, **changes)
        tokenizer = AutoTokenizer.from_pretrained(tiny_weights.path)
        made = training_rows(spec, suite, small_retriever, seed=0)
        rows = encode_rows(made, ChatEncoder(tokenizer), end_id=tokenizer.eos_token_id, max_tokens=2000)
        model = load_model(tiny_weights, spec.generation, CPU)
        place = tmp_path / folder
        losses = train(model, tokenizer, rows, spec.tuning, folder=place, seed=0, on_step=on_step).losses
        return losses, model

    return learn


def learned(folder):
    return load_file(next((folder / "adapter").glob("*.safetensors")))


@pytest.mark.parametrize(("method", "rate"), [("lora", 0.01), ("qlora", 0.01), ("full", 0.003)])
def test_every_method_lowers_the_loss(learn, method, rate):
    losses, _ = learn(method, learning_rate=rate)
    assert sum(losses[-4:]) < 0.9 * sum(losses[:4])


def test_a_full_tuning_leaves_a_model_folder_in_which_every_layer_has_changed(learn, tiny_weights, tmp_path):
    learn("full", max_steps=2)
    folder = tmp_path / "work" / "adapter"
    before, after = load_file(tiny_weights.path / "model.safetensors"), learned(tmp_path / "work")
    assert set(before) == set(after)
    assert [name for name in before if torch.equal(before[name], after[name])] == []
    assert (folder / "tokenizer.json").read_bytes() == (tiny_weights.path / "tokenizer.json").read_bytes()
    assert open_adapter(folder) == Adapter(folder, locate(str(folder)).digest, {}, whole=True)
    assert not list(folder.glob("*.bin"))


def test_a_full_tuning_keeps_the_number_format_that_is_named(learn, tmp_path):
    learn("full", max_steps=1, generation={"dtype": "bfloat16"})
    assert {weight.dtype for weight in learned(tmp_path / "work").values()} == {torch.bfloat16}


@pytest.mark.parametrize("method", ["lora", "qlora", "full"])
def test_an_interrupted_training_continues_to_the_same_weights(learn, tmp_path, method):
    def interrupt(step, loss):
        if step == 11:
            raise KeyboardInterrupt

    whole, _ = learn(method, "whole", learning_rate=0.001)
    with pytest.raises(KeyboardInterrupt):
        learn(method, "parts", learning_rate=0.001, on_step=interrupt)
    steps = []
    continued, _ = learn(method, "parts", learning_rate=0.001, on_step=lambda step, _: steps.append(step))
    assert steps[0] == 11 and continued == pytest.approx(whole, abs=1e-6)
    expected, found = learned(tmp_path / "whole"), learned(tmp_path / "parts")
    assert set(found) == set(expected)
    for name, weight in found.items():
        assert torch.allclose(weight, expected[name], rtol=0, atol=1e-6), name


def test_an_adapter_of_qlora_answers_on_the_4_bit_base_as_it_did_when_it_was_trained(
    learn, pipeline_of, tiny_weights, tmp_path
):
    _, trained = learn("qlora", max_steps=2)
    generator = Generator(tiny_weights, pipeline_of("qlora").generation)
    ids = generator.prompt("What does one fig cost?", ()).ids
    base = generator.surprisals(ids)
    generator.put_on(open_adapter(tmp_path / "work" / "adapter"))
    with torch.inference_mode():
        logits = trained.eval()(input_ids=torch.tensor([ids])).logits[0, :-1]
    nats = torch.nn.functional.cross_entropy(logits, torch.tensor(ids[1:]), reduction="none")
    bits = (nats / math.log(2)).tolist()
    assert generator.surprisals(ids, tuned=True) == pytest.approx(bits, abs=1e-4)
    assert generator.surprisals(ids) == base != generator.surprisals(ids, tuned=True)


def test_a_full_tuning_is_published_and_goes_on_from_an_earlier_one(
    pipeline_of, suite, small_retriever, tiny_weights
):
    first = tune(pipeline_of("full", max_steps=1, learning_rate=0.001), suite, small_retriever, tiny_weights)
    assert first.whole and first.manifest["precision"] == "cpu float32"
    assert first.manifest["tuning"]["method"] == "full"
    spec = pipeline_of("full", max_steps=1, learning_rate=1e-12, start_from=str(first.path))
    second = tune(spec, suite, small_retriever, tiny_weights)
    assert second.manifest["start_from"] == first.digest
    begun, ended = (load_file(made.path / "model.safetensors") for made in (first, second))
    assert all(torch.allclose(ended[name], weight, atol=1e-6) for name, weight in begun.items())


def test_the_manifest_of_qlora_names_the_precision(pipeline_of, suite, small_retriever, tiny_weights):
    made = tune(pipeline_of("qlora", max_steps=1), suite, small_retriever, tiny_weights)
    assert (made.whole, made.manifest["precision"]) == (False, "cpu float32 nf4")


def test_a_method_goes_on_only_from_what_it_leaves_itself(pipeline_of, tiny_adapter, tiny_weights):
    whole = open_adapter(tiny_weights.path)
    for method, start in (("lora", tiny_adapter), ("qlora", tiny_adapter), ("full", whole), ("full", None)):
        check_start(pipeline_of(method).tuning, start)
    with pytest.raises(
        BadSpec, match=r"holds whole weights, and tuning\.method: lora goes on from an adapter"
    ):
        check_start(pipeline_of("lora").tuning, whole)
    with pytest.raises(BadSpec, match=r"is an adapter, .*hybrid models export .* FOLDER$"):
        check_start(pipeline_of("full").tuning, tiny_adapter)


def test_the_first_weights_are_those_that_a_training_goes_on_from(tiny_weights, tiny_adapter):
    whole = open_adapter(tiny_weights.path)
    assert first_weights(tiny_weights, None) == first_weights(tiny_weights, tiny_adapter) == tiny_weights
    assert first_weights(tiny_weights, whole).path == whole.path
