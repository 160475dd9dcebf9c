from dataclasses import replace
from pathlib import Path

import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from hybrid.errors import HybridError
from hybrid.generation.encode import ChatEncoder
from hybrid.tuning.encoding import encode_rows
from hybrid.tuning.lessons import training_rows
from hybrid.tuning.train import plan_training, train


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
        ).losses

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


def same_weights(one, other):
    expected = weights_in(other)
    return all(torch.allclose(w, expected[name], rtol=0, atol=1e-6) for name, w in weights_in(one).items())


def interrupted_in(name):
    """``save_pretrained`` that is interrupted when it writes into a folder of that name."""
    save = PeftModel.save_pretrained

    def interrupted(model, folder, **options):
        if Path(folder).name == name:
            raise KeyboardInterrupt
        save(model, folder, **options)

    return interrupted


def test_training_lowers_the_loss_and_changes_only_the_adapter(learn, load, tmp_path):
    model, base, steps = load(), load().state_dict(), []
    losses = learn(model=model, on_step=lambda step, loss: steps.append((step, loss)))
    assert steps == list(enumerate(losses, start=1)) and 12 < len(losses) < 20
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
    assert steps == list(range(11, len(whole) + 1))
    assert same_weights(tmp_path / "parts", tmp_path / "whole")


def test_another_seed_learns_other_weights(learn, tmp_path):
    learn("one", max_steps=2)
    learn("other", max_steps=2, seed=1)
    one, other = weights_in(tmp_path / "one"), weights_in(tmp_path / "other")
    assert any(not torch.equal(one[name], other[name]) for name in one)


def test_a_loss_that_is_no_number_stops_and_saves_no_adapter(learn, tmp_path):
    with pytest.raises(HybridError, match=r"^Training stopped at step \d+: the loss is (nan|inf)\."):
        learn(learning_rate=1e30, warmup_steps=0)
    assert not (tmp_path / "work" / "adapter").exists()


def test_a_weight_that_is_no_number_stops_at_its_step(learn, tmp_path):
    steps = []
    with pytest.raises(HybridError, match=r"^Training stopped at step 1: a weight of \S*lora_\S+ is no"):
        learn(learning_rate=1e39, warmup_steps=0, on_step=lambda step, loss: steps.append(step))
    assert steps == []
    assert list((tmp_path / "work").rglob("*.safetensors")) == []


def test_a_row_that_makes_the_loss_no_number_is_named(learn, load, rows, pipeline, tokenizer, tmp_path):
    [poison] = tokenizer.encode("~")
    assert not any(poison in row.ids for row in rows)
    rows[20] = replace(rows[20], question="the poisoned one", ids=(poison, *rows[20].ids[1:]))
    model = load()
    with torch.no_grad():
        model.get_input_embeddings().weight[poison] = torch.inf
    steps = plan_training(rows, model.config, pipeline.tuning, 0)
    names = [[row.question for sequence in batch for row in sequence.rows] for batch in steps]
    [place] = [i for i, step in enumerate(names) if "the poisoned one" in step]
    with pytest.raises(HybridError) as caught:
        learn(model=model)
    assert str(caught.value) == (
        f"Training stopped at step {place + 1}: the loss is nan. Nothing was published. "
        f"Look at the rows of this step ({', '.join(dict.fromkeys(names[place]))}), "
        "or lower tuning.learning_rate."
    )
    assert not (tmp_path / "work" / "adapter").exists()


def test_a_training_that_was_killed_after_its_last_step_learns_nothing_more(learn, monkeypatch, tmp_path):
    learn("whole", max_steps=4)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(PeftModel, "save_pretrained", interrupted_in("adapter"))
        learn("parts", max_steps=4)
    steps = []
    learn("parts", max_steps=4, on_step=lambda step, loss: steps.append(step))
    assert steps == []
    assert same_weights(tmp_path / "parts", tmp_path / "whole")


def test_more_steps_than_batches_go_over_the_rows_again(load, rows, pipeline):
    once = plan_training(rows, load().config, pipeline.tuning, 0)
    more = pipeline.tuning.model_copy(update={"max_steps": len(once) + 2})
    assert plan_training(rows, load().config, more, 0) == once + once[:2]
