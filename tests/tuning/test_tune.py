import json
import os
from collections import Counter
from contextlib import contextmanager
from dataclasses import replace
from itertools import count
from types import SimpleNamespace

import pytest
import yaml
from peft import PeftModel
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

from hybrid.corpus.store import Corpus
from hybrid.errors import BadRows, BadSpec, HybridError, ModelMismatch, NoTrainingQuestions
from hybrid.generation.encode import ChatEncoder
from hybrid.progress import Silent
from hybrid.questions import write_questions
from hybrid.records import Document, Gold, Question
from hybrid.specs import PartSpec
from hybrid.suites import Suite
from hybrid.testing import byte_tokenizer
from hybrid.tuning import lessons as lessons_module
from hybrid.tuning import tune as tuning
from hybrid.tuning import watch as watch_module
from hybrid.tuning.lessons import make_lessons, training_rows, unseen_documents
from hybrid.tuning.lint.checks import lint_training
from hybrid.tuning.tune import tune, tune_pipeline


class Watch(Silent):
    """Remembers lines and steps, and presses Ctrl-C at a step."""

    def __init__(self, interrupt_at=None):
        self.lines, self.steps, self.notes = [], [], []
        self.interrupt_at = interrupt_at

    def say(self, line):
        self.lines.append(line)

    @contextmanager
    def track(self, label, total):
        self.lines.append(f"{label}: {total}")

        def done(step, note):
            if step == self.interrupt_at:
                raise KeyboardInterrupt
            self.steps.append(step)
            self.notes.append(note)

        yield done


@pytest.fixture
def make(pipeline, suite, small_retriever, tiny_weights):
    def make(progress=None, seed=0, suite=suite, **changes):
        tuning = pipeline.tuning.model_copy(update={"max_steps": 3} | changes)
        spec = pipeline.model_copy(update={"tuning": tuning})
        return tune(spec, suite, small_retriever, tiny_weights, seed=seed, progress=progress or Watch())

    return make


def folders(state_folder):
    return sorted(path.name for path in (state_folder / "adapters" / "fruit").glob("*"))


def test_the_adapter_is_a_plain_peft_folder_with_a_manifest(make, suite, tiny_weights, state_folder):
    adapter = make()
    model = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(tiny_weights.path), adapter.path)
    assert set(model.peft_config) == {"default"}
    assert adapter.manifest == json.loads((adapter.path / "MANIFEST.json").read_text())
    assert adapter.manifest["base"]["digest"] == tiny_weights.digest
    [source] = adapter.manifest["sources"]
    assert (source["suite"], source["corpus"]["digest"]) == ("fruit", suite.corpus.digest)
    documents = sorted(document.id for document in suite.corpus.documents())
    assert source["documents"] == source["shown"] == documents
    assert (adapter.manifest["rows"]["n"], len(adapter.manifest["losses"])) == (60, 3)
    assert folders(state_folder) == [adapter.path.name]


def test_steps_are_shown_with_their_loss(make):
    watch = Watch()
    make(watch)
    assert watch.lines[-1] == "Tuning on 60 rows: 3"
    assert watch.steps == [1, 2, 3]
    assert all(note.startswith("loss ") for note in watch.notes)


def test_the_same_recipe_is_found_again_and_not_trained(make, monkeypatch):
    first, watch = make(), Watch()
    monkeypatch.setattr(tuning, "train", lambda *_, **__: pytest.fail("trained again"))
    assert make(watch) == first
    assert watch.lines == [f"Adapter found: {first.path}"]


@pytest.mark.parametrize("change", [{"seed": 1}, {"rows": 59}, {"learning_rate": 0.02}])
def test_another_recipe_is_another_adapter(make, monkeypatch, change):
    first = make()

    def stop(*_, folder, **__):
        raise KeyboardInterrupt(folder)

    monkeypatch.setattr(tuning, "train", stop)
    with pytest.raises(KeyboardInterrupt) as caught:
        make(**change)
    assert first.path.name not in str(caught.value)


def test_a_folder_without_a_manifest_is_no_adapter(make):
    first = make()
    (first.path / "MANIFEST.json").unlink()
    watch = Watch()
    assert make(watch).digest == first.digest
    assert watch.steps == [1, 2, 3]


def test_an_interruption_publishes_nothing_and_is_continued(make, state_folder, monkeypatch):
    monkeypatch.setattr(watch_module, "time", SimpleNamespace(perf_counter=count().__next__))
    with pytest.raises(KeyboardInterrupt):
        make(Watch(interrupt_at=12), max_steps=None)
    [unfinished] = folders(state_folder)
    assert unfinished.endswith(".training")
    watch = Watch()
    adapter = make(watch, max_steps=None)
    assert watch.steps == list(range(11, len(adapter.manifest["losses"]) + 1))
    assert folders(state_folder) == [adapter.path.name] == [unfinished.removesuffix(".training")]
    # Those of the first process are counted; each step takes one tick of this clock.
    assert adapter.manifest["seconds"] == len(adapter.manifest["losses"])


def test_a_second_process_is_refused_while_one_trains(make, state_folder):
    class Second(Watch):
        def say(self, line):
            pass

        @contextmanager
        def track(self, label, total):
            # The same adapter is asked for while the first training is under way.
            make()
            yield lambda step, note: None

    with pytest.raises(HybridError, match=rf"\.training is being trained in by process {os.getpid()}; wait"):
        make(Second())
    assert make().manifest["losses"]


def test_what_a_kill_left_behind_after_publishing_is_removed(make, state_folder):
    adapter = make()
    left = adapter.path.with_name(f"{adapter.path.name}.training")
    left.mkdir()
    assert make() == adapter
    assert folders(state_folder) == [adapter.path.name]


def test_a_loss_that_is_no_number_publishes_nothing(make, state_folder):
    with pytest.raises(HybridError, match="the loss is"):
        make(learning_rate=1e30, warmup_steps=0, max_steps=None)
    assert [name for name in folders(state_folder) if not name.endswith(".training")] == []


def test_what_cannot_be_trained_on_is_left_out_or_refused(make, pipeline, suite, small_retriever):
    without = Question("bare", "What is a fruit?", ("food",), part="train")
    mixed = Suite("fruit", suite.spec, suite.corpus, (), (*suite.training, without), ())
    rows = training_rows(pipeline, mixed, small_retriever, seed=0)
    assert {row.question.id for row in rows} == {question.id for question in suite.training}
    bare = Suite("fruit", suite.spec, suite.corpus, (), (without,), ())
    with pytest.raises(NoTrainingQuestions, match="has both a reference and gold"):
        make(suite=bare)


def test_documents_that_only_the_evaluation_asks_about_are_never_read(pipeline, suite, small_retriever):
    fig, grape, *_ = suite.training[5:]
    asked = replace(suite, questions=(fig, grape), training=(*suite.training[:5], grape))
    assert unseen_documents(asked) == {"fig.md"}
    rows = training_rows(pipeline, asked, small_retriever, seed=0)
    shown = {passage.document for row in rows for passage in row.passages}
    assert "fig.md" not in shown and {"grape.md", "hazelnut.md"} <= shown


def test_rows_that_are_all_too_long_name_the_way_out(make):
    with pytest.raises(NoTrainingQuestions, match="fits into 40 tokens. Raise tuning.max_row_tokens"):
        make(max_row_tokens=40)


def test_a_suite_without_training_questions_names_the_way_out(make, suite):
    empty = Suite("fruit", suite.spec, suite.corpus, (), (), ())
    with pytest.raises(NoTrainingQuestions, match="--adapter FOLDER.*--cells base,base"):
        make(suite=empty)


def test_a_pipeline_file_is_tuned_with_its_overrides(pipeline_file):
    adapter = tune_pipeline(str(pipeline_file), seed=4, overrides=["tuning.max_steps=1", "tuning.rows=8"])
    assert ([source["suite"] for source in adapter.manifest["sources"]], adapter.manifest["seed"]) == (
        ["mine"],
        4,
    )
    assert (adapter.manifest["rows"]["n"], len(adapter.manifest["losses"])) == (8, 1)


def write_suite(folder, name, questions):
    """A suite file over the fruit; gives back its path."""
    write_questions(folder / f"{name}.jsonl", questions)
    write_questions(folder / "asked.jsonl", [Question("other", "Who sells figs?")])
    files = {"questions": "asked.jsonl", "training": f"{name}.jsonl"}
    (folder / f"{name}.yaml").write_text(yaml.safe_dump({"corpus": "fruit"} | files))
    return str(folder / f"{name}.yaml")


def test_a_mixture_is_learned_from_several_suites(make, training, tmp_path):
    halves = {"one": training[:4], "other": training[4:8]}
    paths = {name: write_suite(tmp_path, name, each) for name, each in halves.items()}
    adapter = make(
        mixture={paths["one"]: PartSpec(rows=8), paths["other"]: PartSpec(rows=4)}, max_steps=1, canaries=2
    )
    told = {source["suite"]: source for source in adapter.manifest["sources"]}
    assert {name: source["rows"] for name, source in told.items()} == {"one": 8, "other": 4}
    for name, each in halves.items():
        assert set(told[name]["documents"]) <= {question.id for question in each}
    assert adapter.manifest["rows"]["n"] == 12
    assert adapter.path.parent.name == "one+other"
    # Planted into the rows of the first suite alone.
    assert adapter.manifest["canaries"] == 2


@pytest.mark.parametrize(("corpus", "leaks"), [("fruit", True), ("other", False)])
def test_suites_of_a_mixture_may_name_documents_alike(
    pipeline, suite, small_corpus, small_retriever, tiny_weights, training, tmp_path, corpus, leaks
):
    paths = [
        write_suite(tmp_path, name, each) for name, each in (("one", training[:4]), ("two", training[4:8]))
    ]
    unseen = Question("of two", "Who sells plums?", ("Ann",), gold=(Gold(training[0].gold[0].document),))
    write_questions(tmp_path / "kept.jsonl", [replace(unseen, split="unseen")])
    Corpus.create("other", documents=list(small_corpus.documents()), passage_chars=60).close()
    (tmp_path / "two.yaml").write_text(
        yaml.safe_dump({"corpus": corpus, "questions": "kept.jsonl", "training": "two.jsonl"})
    )
    tuning = pipeline.tuning.model_copy(update={"mixture": dict.fromkeys(paths, PartSpec(rows=6))})
    spec = pipeline.model_copy(update={"tuning": tuning})
    encoder = ChatEncoder(byte_tokenizer())
    lessons = make_lessons(spec, suite, small_retriever, tiny_weights, encoder, seed=0)
    found = lint_training(lessons, tuning, suite).found
    assert ("unseen-document" in {finding.rule for finding in found}) == leaks


def test_a_mixture_is_held_against_the_suite_that_is_asked(
    pipeline, suite, small_retriever, tiny_weights, training, tmp_path
):
    path = write_suite(tmp_path, "copy", training[:8])
    tuning = pipeline.tuning.model_copy(update={"mixture": {path: PartSpec(rows=20)}})
    spec = pipeline.model_copy(update={"tuning": tuning})
    encoder = ChatEncoder(byte_tokenizer())
    lessons = make_lessons(spec, suite, small_retriever, tiny_weights, encoder, seed=0)
    leaking = replace(suite, questions=tuple(training[:2]))
    rules = {finding.rule for finding in lint_training(lessons, tuning, leaking).of("error")}
    assert "evaluation-question" in rules
    clean = replace(suite, questions=())
    assert not lint_training(lessons, tuning, clean).of("error")


def test_a_mixture_goes_without_a_suite(tmp_path):
    with pytest.raises(BadSpec, match="learns from the suites of tuning.mixture, not from marrowick"):
        tune_pipeline("grounded-training", suite="marrowick")


def test_each_suite_of_a_mixture_has_its_own_known_questions(
    pipeline, suite, small_retriever, tiny_weights, training, tmp_path, monkeypatch
):
    paths = [write_suite(tmp_path, name, training[:8]) for name in ("one", "other")]
    known = {"one": frozenset(question.id for question in training), "other": frozenset()}
    monkeypatch.setattr(lessons_module, "known_unaided", lambda spec, suite, *_: known[suite.name])
    part = PartSpec(rows=20)
    changes = {"mixture": dict.fromkeys(paths, part), "no_context": "from_memory", "no_context_rows": 0.5}
    spec = pipeline.model_copy(update={"tuning": pipeline.tuning.model_copy(update=changes)})
    encoder = ChatEncoder(byte_tokenizer())
    lessons = make_lessons(spec, suite, small_retriever, tiny_weights, encoder, seed=0).rows
    silent = [lesson.target == "I don't know." for lesson in lessons if lesson.row.kind == "no_context"]
    assert silent == [False] * 10 + [True] * 10


def test_a_suite_of_a_mixture_may_have_a_policy_of_its_own(
    pipeline, suite, small_retriever, tiny_weights, training, tmp_path, monkeypatch
):
    names = ("one", "other")
    one, other = (write_suite(tmp_path, name, training[:8]) for name in names)
    asked = []

    def all_known(spec, suite, *_):
        asked.append((suite.name, spec.tuning.absent))
        return frozenset(question.id for question in training)

    monkeypatch.setattr(lessons_module, "known_unaided", all_known)
    own = PartSpec(rows=10, distractors_only=0.4, absent="from_memory", no_context_rows=0.2)
    mixture = {one: PartSpec(rows=10), other: own}
    changes = {"mixture": mixture, "distractors_only": 0.1, "no_context_rows": 0.0}
    spec = pipeline.model_copy(update={"tuning": pipeline.tuning.model_copy(update=changes)})
    encoder = ChatEncoder(byte_tokenizer())
    lessons = make_lessons(spec, suite, small_retriever, tiny_weights, encoder, seed=0)
    kinds = [Counter(row.kind for row in each.rows) for each in lessons.taught]
    assert kinds == [{"gold": 9, "distractors": 1}, {"gold": 4, "distractors": 4, "no_context": 2}]
    silent = [row.kind for each in lessons.taught for row in each.rows if row.target == "I don't know."]
    # What is known is answered beside passages that do not tell, by the second suite alone.
    assert sorted(silent) == ["distractors", "no_context", "no_context"]
    assert asked == [("one", "abstain"), ("other", "from_memory")]


def test_an_adapter_to_start_from_is_part_of_the_recipe(make):
    first = make(max_steps=1)
    second = make(max_steps=1, start_from=str(first.path))
    assert (first.manifest["start_from"], second.manifest["start_from"]) == (None, first.digest)
    assert second.path != first.path
    (first.path / "MANIFEST.json").rename(first.path / "kept.json")
    weights = load_file(first.path / "adapter_model.safetensors")
    save_file(
        {name: weight[:1] for name, weight in weights.items()}, first.path / "adapter_model.safetensors"
    )
    with pytest.raises(ModelMismatch, match="does not fit"):
        make(max_steps=1, start_from=str(first.path))


def test_training_leaves_the_corpus_as_it_was(make, small_corpus):
    before = small_corpus.digest
    make(max_steps=1)
    with Corpus.open("fruit") as corpus:
        assert corpus.digest == before
        corpus.add([Document("new", "", "New.")])


def test_rows_are_checked_before_they_are_learned(make, suite, state_folder, monkeypatch):
    asked = Suite("fruit", suite.spec, suite.corpus, suite.training[:1], suite.training, ())
    watch = Watch()
    with pytest.raises(BadRows, match="Nothing was trained: error: evaluation-question: rows? .*apple.md"):
        make(watch, suite=asked)
    assert any(line.startswith("warning: general-share: ") for line in watch.lines)
    assert folders(state_folder) == []
    unchecked = Watch()
    monkeypatch.setattr(tuning, "train", lambda *_, **__: pytest.fail("trained"))
    with pytest.raises(pytest.fail.Exception):
        make(unchecked, suite=asked, lint=False)
    assert unchecked.lines == ["Tuning on 60 rows: 3"]


def test_checking_rows_makes_no_other_adapter(make, monkeypatch):
    first = make()
    monkeypatch.setattr(tuning, "train", lambda *_, **__: pytest.fail("trained again"))
    assert make(lint=False) == first
