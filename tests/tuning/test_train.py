import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from hybrid.errors import HybridError
from hybrid.generation.encode import ChatEncoder
from hybrid.tuning.encoding import encode_rows
from hybrid.tuning.train import last_checkpoint, plan_training, train
from hybrid.tuning.tune import training_rows


@pytest.fixture
def tokenizer(tiny_weights):
    return AutoTokenizer.from_pretrained(tiny_weights.path)


@pytest.fixture
def rows(pipeline, suite, small_retriever, tokenizer):
    made = training_rows(pipeline, suite, small_retriever, seed=0)
    return encode_rows(made, ChatEncoder(tokenizer), end_id=tokenizer.eos_token_id, max_tokens=2000)


@pytest.fixture
def load(tiny_weights):
    return lambda: AutoModelForCausalLM.from_pretrained(tiny_weights.path)


@pytest.fixture
def learn(load, tokenizer, rows, pipeline, tmp_path):
    def learn(
        folder="work", *, model=None, on_step=lambda step, loss: None, seed=0, start_from=None, **changes
    ):
        spec = pipeline.tuning.model_copy(update=changes)
        return train(
            model or load(),
            tokenizer,
            rows,
            spec,
            folder=tmp_path / folder,
            seed=seed,
            on_step=on_step,
            start_from=start_from,
        )

    return learn


def first_loss(model, rows, pipeline):
    """The mean loss of the first batch over all its labels, a row at a time."""
    [first, *_] = plan_training(rows, model.config, pipeline.tuning, 0)
    batch = [row for sequence in first for row in sequence.rows]
    assert len(batch) > 1
    total = count = 0
    for row in batch:
        ids, labels = torch.tensor([row.ids]), torch.tensor([row.labels])
        learned = int((labels[:, 1:] >= 0).sum())
        with torch.inference_mode():
            total += float(model(input_ids=ids, labels=labels).loss) * learned
        count += learned
    return total / count


def weights_in(folder):
    return load_file(folder / "adapter" / "adapter_model.safetensors")


def test_training_lowers_the_loss_and_changes_only_the_adapter(learn, load, tmp_path):
    model, base, steps = load(), load().state_dict(), []
    losses = learn(model=model, on_step=lambda step, loss: steps.append((step, loss)))
    assert steps == list(enumerate(losses, start=1)) and len(losses) == 15
    assert sum(losses[-5:]) < 0.9 * sum(losses[:5])
    trained = {name: weight for name, weight in model.state_dict().items() if "lora_" not in name}
    assert {name.replace(".base_layer", "") for name in trained} == set(base)
    assert all(torch.equal(weight, base[name.replace(".base_layer", "")]) for name, weight in trained.items())
    learned = weights_in(tmp_path / "work")
    assert all("lora_" in name for name in learned)
    assert all(weight.abs().sum() > 0 for weight in learned.values())


def test_the_first_loss_is_the_mean_over_all_labels_of_the_batch(learn, load, rows, pipeline):
    expected = first_loss(load(), rows, pipeline)
    assert learn(max_steps=1) == pytest.approx([expected], rel=1e-3)


def test_training_goes_on_from_the_weights_of_an_adapter(learn, load, rows, pipeline, tmp_path):
    learn("first", max_steps=12)
    started = tmp_path / "first" / "adapter"
    expected = first_loss(PeftModel.from_pretrained(load(), started), rows, pipeline)
    assert expected < 0.95 * first_loss(load(), rows, pipeline)
    # The rank of the adapter stays, whatever the pipeline says.
    spec = {"lora": pipeline.tuning.lora.model_copy(update={"rank": 2})}
    assert learn("second", start_from=started, max_steps=2, **spec)[0] == pytest.approx(expected, rel=1e-3)
    before, after = weights_in(tmp_path / "first"), weights_in(tmp_path / "second")
    assert {name: weight.shape for name, weight in after.items()} == {
        name: weight.shape for name, weight in before.items()
    }
    assert any(not torch.equal(after[name], before[name]) for name in before)


def test_an_interrupted_training_continues_to_the_same_weights(learn, tmp_path):
    def interrupt(step, loss):
        if step == 12:
            raise KeyboardInterrupt

    whole = learn("whole")
    with pytest.raises(KeyboardInterrupt):
        learn("parts", on_step=interrupt)
    assert not (tmp_path / "parts" / "adapter").exists()
    steps = []
    assert learn("parts", on_step=lambda step, loss: steps.append(step)) == pytest.approx(whole, abs=1e-6)
    assert steps == [11, 12, 13, 14, 15]
    expected = weights_in(tmp_path / "whole")
    for name, weight in weights_in(tmp_path / "parts").items():
        assert torch.allclose(weight, expected[name], rtol=0, atol=1e-6), name


def test_another_seed_learns_other_weights(learn, tmp_path):
    learn("one", max_steps=2)
    learn("other", max_steps=2, seed=1)
    one, other = weights_in(tmp_path / "one"), weights_in(tmp_path / "other")
    assert any(not torch.equal(one[name], other[name]) for name in one)


def test_a_loss_that_is_no_number_stops_and_saves_no_adapter(learn, tmp_path):
    with pytest.raises(
        HybridError, match=r"^Training stopped at step \d+: the loss is (nan|inf)\. Lower the rate"
    ):
        learn(learning_rate=1e30, warmup_steps=0)
    assert not (tmp_path / "work" / "adapter").exists()


def test_a_checkpoint_that_was_not_finished_is_passed_over(tmp_path):
    for name, complete in (("checkpoint-9", True), ("checkpoint-10", True), ("checkpoint-20", False)):
        (tmp_path / name).mkdir()
        if complete:
            (tmp_path / name / "COMPLETE").touch()
    assert last_checkpoint(tmp_path) == str(tmp_path / "checkpoint-10")
    assert last_checkpoint(tmp_path / "none") is None
