from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, TrainerControl, TrainerState

from hybrid.errors import NoTrainingQuestions
from hybrid.records import Answer, Question
from hybrid.specs import TuningSpec
from hybrid.tuning.held_out import EarlyStop, HeldOut, hold_out, is_right, share_right
from hybrid.tuning.lessons import held_out_rows, training_rows
from hybrid.tuning.rows import TrainingRow
from hybrid.tuning.tune import tune

QUESTION = Question("q", "What does one fig cost?", ("15 cents",))


@pytest.fixture
def holding(pipeline):
    """A third of the questions is held out, asked at every second of six steps."""
    changes = {"held_out": 0.34, "check_every": 2, "max_steps": 6, "patience": 9}
    return pipeline.model_copy(update={"tuning": pipeline.tuning.model_copy(update=changes)})


@pytest.fixture
def make(holding, suite, small_retriever, tiny_weights, monkeypatch):
    """Tunes while the held-out questions seem to be answered as well as the shares say, check by check."""

    def make(shares, *, at_check=lambda model: None, **changes):
        shares = iter(shares)

        def measured(held_out, model, weights, spec):
            at_check(model)
            return next(shares)

        monkeypatch.setattr("hybrid.tuning.tune.share_right", measured)
        tuning = holding.tuning.model_copy(update=changes)
        return tune(
            holding.model_copy(update={"tuning": tuning}), suite, small_retriever, tiny_weights, seed=0
        )

    return make


def weights_of(model):
    return {
        name.replace(".default", ""): weight.detach().clone()
        for name, weight in model.named_parameters()
        if "lora_" in name
    }


def same(adapter, weights):
    found = load_file(adapter.path / "adapter_model.safetensors")
    return all(torch.equal(found[name], weight) for name, weight in weights.items()) and len(found) == len(
        weights
    )


@pytest.mark.parametrize("seed", range(5))
def test_whole_groups_of_documents_are_held_out(small_corpus, training, seed):
    learned, held_out = hold_out(training, small_corpus, 0.34, seed)
    assert len(held_out) == 4  # 0.34 · 9 = 3.06
    assert sorted(q.id for q in (*learned, *held_out)) == sorted(q.id for q in training)
    pair = replace(training[0], id="pair", gold=(*training[0].gold, *training[1].gold))
    learned, held_out = hold_out((*training, pair), small_corpus, 0.34, seed)
    told = {gold.document for question in learned for gold in question.gold}
    assert not any({gold.document for gold in question.gold} & told for question in held_out)
    ids = {question.id for question in held_out}
    assert ("pair" in ids) == bool({training[0].id, training[1].id} & ids)


def test_no_share_holds_nothing_out_and_all_is_refused(small_corpus, training):
    assert hold_out(training, small_corpus, 0.0, 0) == (list(training), [])
    with pytest.raises(NoTrainingQuestions, match=r"tuning\.held_out: 0\.95 leaves none of 9 questions"):
        hold_out(training, small_corpus, 0.95, 0)
    with pytest.raises(NoTrainingQuestions, match="All ask about one group of documents: set it to 0"):
        hold_out(training[:1] * 2, small_corpus, 0.1, 0)


def test_what_is_held_out_is_in_no_row_that_is_learned(holding, suite, small_retriever):
    learned = training_rows(holding, suite, small_retriever, seed=0)
    held_out = held_out_rows(holding, suite, small_retriever, seed=0).rows
    assert len(held_out) == 4
    assert not {row.question.id for row in held_out} & {row.question.id for row in learned}
    documents = {gold.document for row in held_out for gold in row.question.gold}
    assert documents
    assert not documents & {passage.document for row in learned for passage in row.passages}
    assert len(held_out_rows(holding, suite, small_retriever, seed=0, most=2).rows) == 2


def test_held_out_questions_are_asked_as_a_pipeline_asks(holding, suite, small_retriever):
    changes = {"form": "ra-dit", "passages": (3, 4), "markers": "random", "template_variation": 1.0}
    spec = holding.model_copy(update={"tuning": holding.tuning.model_copy(update=changes)})
    asked = held_out_rows(spec, suite, small_retriever, seed=0).rows
    shown = {len(row.passages) for row in asked if row.kind != "no_context"}
    assert shown == {spec.retrieval.k}
    assert {(row.numbers, row.wording) for row in asked} == {((), 0)}


@pytest.mark.parametrize(
    ("text", "abstained", "wanted", "right"),
    [
        ("It costs 15 cents [1].", False, "15 cents", True),
        ("14 cents", False, "15 cents", False),
        ("I don't know.", True, "15 cents", False),
        ("I don't know.", True, "I don't know.", True),
        ("15 cents", False, "I don't know.", False),
    ],
)
def test_an_answer_is_right_by_its_reference_or_by_its_silence(text, abstained, wanted, right):
    answer = Answer(text, (), (), abstained, text)
    assert is_right(answer, TrainingRow(QUESTION, "gold", (), (wanted,))) is right


def test_the_model_itself_is_asked_and_left_in_its_mode(tiny_weights, tiny_generator, holding, small_corpus):
    passages = tuple(small_corpus.passages()[:2])
    prompt = tiny_generator.prompt(QUESTION.text, passages)
    [said] = tiny_generator.generate([prompt]).outputs
    right = replace(QUESTION, answers=(said.text,))
    rows = tuple(TrainingRow(q, "gold", passages, ("x",)) for q in (right, QUESTION, QUESTION))
    model = AutoModelForCausalLM.from_pretrained(tiny_weights.path).train()
    assert share_right([HeldOut(rows, "short")], model, tiny_weights, holding.generation) == 1 / 3
    assert model.training
    with torch.no_grad():
        model.lm_head.weight.neg_()
    assert share_right([HeldOut(rows, "short")], model, tiny_weights, holding.generation) == 0


def test_the_weights_of_the_best_step_are_saved(make):
    seen = []
    adapter = make([0.25, 0.5, 0.5], at_check=lambda model: seen.append(weights_of(model)))
    assert adapter.manifest["held_out"]["curve"] == [[2, 0.25], [4, 0.5], [6, 0.5]]
    assert len(adapter.manifest["losses"]) == 6
    assert len(adapter.manifest["held_out"]["questions"]) == 4
    assert same(adapter, seen[1]) and not same(adapter, seen[2])


def test_training_stops_when_nothing_is_gained(make):
    adapter = make([0.5, 0.5, 0.25], patience=1)
    assert adapter.manifest["held_out"]["curve"] == [[2, 0.5], [4, 0.5]]
    assert len(adapter.manifest["losses"]) == 4


def test_the_best_step_outlasts_an_interruption(make, monkeypatch):
    seen = []

    def interrupt(model):
        seen.append(weights_of(model))
        if len(seen) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make([0.5, 0.25, 0.25], at_check=interrupt)
    adapter = make([0.25, 0.25])
    assert adapter.manifest["held_out"]["curve"] == [[2, 0.5], [4, 0.25], [6, 0.25]]
    assert same(adapter, seen[0])


def test_a_training_that_had_stopped_stops_again(make, monkeypatch):
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("hybrid.tuning.tune.publish", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        make([0.5, 0.25], patience=1)
    adapter = make([0.25], patience=1)
    assert adapter.manifest["held_out"]["curve"] == [[2, 0.5], [4, 0.25]]
    assert len(adapter.manifest["losses"]) == 4


def test_a_check_comes_five_times_and_at_the_end():
    checked = []
    stop = EarlyStop(lambda model: checked.append(state.global_step) or 0.0, TuningSpec(patience=9))
    state = TrainerState(max_steps=52)
    for step in range(1, 53):
        state.global_step = step
        stop.on_step_end(None, state, TrainerControl())
    assert checked == [10, 20, 30, 40, 50, 52]


def test_held_out_questions_are_answered_by_the_model_in_training(
    holding, suite, small_retriever, tiny_weights
):
    adapter = tune(holding, suite, small_retriever, tiny_weights, seed=0)
    curve = adapter.manifest["held_out"]["curve"]
    assert [step for step, _ in curve] == [2, 4, 6]
    assert all(0 <= share <= 1 for _, share in curve)
