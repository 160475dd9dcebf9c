import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from hybrid import models
from hybrid.adapters import open_adapter
from hybrid.corpus.store import Corpus
from hybrid.errors import (
    BadSpec,
    CorpusError,
    ModelMismatch,
    ModelMissing,
    NoTrainingQuestions,
    PromptTooLong,
    RunError,
    StaleAdapter,
    UnknownName,
)
from hybrid.evaluation.job import prepare
from hybrid.progress import Silent
from hybrid.questions import write_questions
from hybrid.records import Gold, Question

UNTUNED = ["base", "base+rag"]


def adapter_of(finished):
    (manifest,) = finished.home.glob("adapters/*/*/MANIFEST.json")
    return manifest.parent


def own_suite(folder, questions, **keys):
    write_questions(folder / "questions.jsonl", questions)
    spec = {"corpus": "warranty", "questions": "questions.jsonl"} | keys
    (folder / "mine.yaml").write_text(yaml.safe_dump(spec))
    return str(folder / "mine.yaml")


def names(job):
    return [column.name for column in job.columns]


def test_all_columns_are_run_by_default(warranty, pipeline):
    job = prepare(pipeline)
    assert names(job) == ["base", "base+rag", "tuned", "tuned+rag", "few-shot", "few-shot+rag"]
    assert job.tunes
    assert not prepare(pipeline, cells=UNTUNED).tunes


def test_a_given_adapter_is_not_made(at_home, pipeline):
    job = prepare(pipeline, adapter=adapter_of(at_home))
    assert not job.tunes
    assert job.settings()["adapter_given"] == open_adapter(adapter_of(at_home)).digest


def test_what_an_adapter_to_start_from_has_learned_is_told(at_home, pipeline, tmp_path):
    folder = tmp_path / "started"
    shutil.copytree(adapter_of(at_home), folder)
    manifest = json.loads((folder / "MANIFEST.json").read_text())
    unseen = [question for question in prepare(pipeline).questions if question.split == "unseen"]
    manifest["sources"][0]["documents"] += [gold.document for question in unseen for gold in question.gold]
    (folder / "MANIFEST.json").write_text(json.dumps(manifest))
    started = [f"tuning.start_from={folder}"]
    assert "has learned from" in " ".join(prepare(pipeline, overrides=started).warnings)
    assert "has learned from" in " ".join(prepare(pipeline, adapter=folder).warnings)
    assert not prepare(pipeline, cells=UNTUNED, overrides=started).warnings
    assert not prepare(pipeline, adapter=adapter_of(at_home)).warnings


def test_without_training_questions_the_ways_out_are_named(warranty, pipeline, tmp_path):
    suite = own_suite(tmp_path, [Question("a", "What?")])
    with pytest.raises(NoTrainingQuestions, match=r"--adapter FOLDER.*--cells base,base\+rag"):
        prepare(pipeline, suite=suite)
    assert names(prepare(pipeline, suite=suite, cells=UNTUNED)) == UNTUNED
    with pytest.raises(NoTrainingQuestions):
        prepare(pipeline, suite=suite, cells=["few-shot"])


def test_without_few_shot_in_the_pipeline_there_are_four_columns(warranty, pipeline):
    job = prepare(pipeline, overrides=["references.few_shot=false"])
    assert names(job) == ["base", "base+rag", "tuned", "tuned+rag"]


def test_an_ensemble_is_run_in_four_columns_and_says_so(warranty, pipeline):
    ensemble = ["generation.mode=ensemble"]
    job = prepare(pipeline, overrides=ensemble)
    assert names(job) == ["base", "base+rag", "tuned", "tuned+rag"]
    assert [line for line in job.warnings if "few-shot columns are left out" in line]
    assert not prepare(pipeline, cells=UNTUNED, overrides=ensemble).warnings
    with pytest.raises(BadSpec, match=r"generation\.mode"):
        prepare(pipeline, cells=["few-shot+rag"], overrides=ensemble)


def test_an_ensemble_of_a_model_on_a_server_is_refused_before_its_suite_is_looked_for(pipeline):
    overrides = ["model=endpoint:m@http://127.0.0.1:1/v1", "generation.mode=ensemble"]
    with pytest.raises(BadSpec, match=r"^generation\.mode: [^\n]*generation\.mode=together"):
        prepare(pipeline, suite="no such suite", overrides=overrides)


def test_settings_follow_whatever_decides_a_figure(warranty, pipeline):
    changes = [{}, {"seed": 1}, {"limit": 5}, {"cells": UNTUNED}, {"overrides": ["retrieval.k=1"]}]
    settings = [prepare(pipeline, **change).settings() for change in changes]
    assert all(a != b for i, a in enumerate(settings) for b in settings[:i])
    assert prepare(pipeline).settings() == settings[0]


def test_settings_follow_the_corpus(warranty, pipeline):
    before = prepare(pipeline).settings()
    with Corpus.open("warranty") as corpus:
        corpus.remove(["x10"])
    assert prepare(pipeline).settings() != before


def test_part_and_limit_choose_the_questions(warranty, pipeline, tmp_path):
    questions = [Question(f"q{n}", "What?", part="test" if n < 4 else "dev") for n in range(10)]
    suite = own_suite(tmp_path, questions)
    asked = prepare(pipeline, suite=suite, cells=UNTUNED, part="test", limit=3).questions
    assert len(asked) == 3
    assert {question.id for question in asked} <= {"q0", "q1", "q2", "q3"}
    with pytest.raises(CorpusError, match='no questions for the cells in its part "test"'):
        prepare(pipeline, suite=own_suite(tmp_path, questions[4:]), cells=UNTUNED, part="test")


HERE = (Gold("x1", 0, 10),)
PROBED = [
    Question("told", "What?", ("1 year",), gold=HERE),
    Question("open", "Why?"),
    Question("nowhere", "Who?", (), answerable=False, gold=()),
    Question("bound", "When?", (), answerable=False, gold=HERE),
]


def ids(questions):
    return {question.id for question in questions}


def test_a_probe_asks_what_has_gold_and_the_cells_all_but_the_bound(warranty, pipeline, tmp_path):
    job = prepare(pipeline, suite=own_suite(tmp_path, PROBED), cells=UNTUNED, probes=["oracle"])
    assert names(job) == [*UNTUNED, "oracle/base+rag"]
    asked = {column.name: ids(job.asked(column)) for column in job.columns}
    assert asked["base"] == asked["base+rag"] == ids(job.questions) == {"told", "open", "nowhere"}
    assert asked["oracle/base+rag"] == {"told", "bound"}
    assert (ids(job.bound), ids(job.all_questions)) == ({"bound"}, ids(PROBED))


def test_without_a_probe_nobody_asks_a_bound_question(warranty, pipeline, tmp_path):
    suite = own_suite(tmp_path, PROBED)
    job = prepare(pipeline, suite=suite, cells=UNTUNED)
    assert (job.bound, ids(job.all_questions)) == ((), {"told", "open", "nowhere"})
    assert job.settings() != prepare(pipeline, suite=suite, cells=UNTUNED, probes=["oracle"]).settings()


def test_a_suite_of_nothing_but_bound_questions_has_none_for_the_cells(warranty, pipeline, tmp_path):
    with pytest.raises(CorpusError, match="no questions for the cells"):
        prepare(pipeline, suite=own_suite(tmp_path, PROBED[3:]), cells=UNTUNED, probes=["oracle"])


def test_a_probe_needs_a_question_with_gold(warranty, pipeline, tmp_path):
    with pytest.raises(CorpusError, match='--probe: no question of suite "mine" has gold'):
        prepare(pipeline, suite=own_suite(tmp_path, PROBED[1:3]), cells=UNTUNED, probes=["oracle"])


def test_the_limit_holds_for_bound_questions_too(warranty, pipeline, tmp_path):
    bound = [Question(f"b{n}", "When?", (), answerable=False, gold=HERE) for n in range(5)]
    suite = own_suite(tmp_path, [*PROBED, *bound])
    job = prepare(pipeline, suite=suite, cells=UNTUNED, probes=["oracle"], limit=2)
    assert (len(job.questions), len(job.bound)) == (2, 2)


class Heard(Silent):
    """Progress that keeps what is said."""

    def __init__(self):
        self.lines = []

    def say(self, line):
        self.lines.append(line)


@pytest.fixture
def english_parts(monkeypatch, tiny_weights):
    """The names of the tiny model and its embedder, which pass for bundled ones that know English only."""
    parts = [str(tiny_weights.path), "hashing:64"]
    for name, bundled in zip(parts, list(models.BUNDLED.values()), strict=True):
        monkeypatch.setitem(models.BUNDLED, name, replace(bundled, languages=frozenset({"en"})))
    return parts


def test_in_another_language_model_and_embedder_are_warned_of(warranty, pipeline, tmp_path, english_parts):
    model, embedder = english_parts
    heard = Heard()
    suite = own_suite(tmp_path, PROBED, language="zh")
    job = prepare(pipeline, suite=suite, cells=UNTUNED, progress=heard)
    assert job.warnings == (
        f"not validated for zh: the model {model}",
        f"not validated for zh: the embedder {embedder}",
    )
    assert set(job.warnings) <= set(heard.lines)
    assert prepare(pipeline, suite=own_suite(tmp_path, PROBED), cells=UNTUNED).warnings == ()


def test_only_bundled_models_are_known_to_know_english_only(warranty, pipeline, tmp_path):
    assert prepare(pipeline, suite=own_suite(tmp_path, PROBED, language="zh"), cells=UNTUNED).warnings == ()
    for name in models.BUNDLED:
        assert models.fits_language(name, "en") and not models.fits_language(name, "zh")


def test_an_empty_corpus_is_refused(warranty, pipeline):
    Corpus.create("nothing").close()
    with pytest.raises(CorpusError, match="hybrid corpus add nothing PATH"):
        prepare(pipeline, corpus="nothing")


def test_a_question_longer_than_the_context_is_refused(warranty, pipeline, tmp_path):
    suite = own_suite(tmp_path, [Question("short", "What?"), Question("long", "what " * 2000)])
    with pytest.raises(PromptTooLong, match="takes 10[0-9]{3} tokens .*'what what"):
        prepare(pipeline, suite=suite, cells=UNTUNED)


def test_a_folder_without_an_adapter_is_refused(warranty, pipeline, tmp_path):
    with pytest.raises(ModelMissing, match="holds no adapter"):
        prepare(pipeline, adapter=tmp_path)


@pytest.mark.parametrize("change", [{"hidden_size": 16}, {"num_hidden_layers": 1}, {"head_dim": 4}])
def test_an_adapter_of_another_architecture_is_refused(at_home, pipeline, tmp_path, change):
    other = tiny_model(tmp_path / "other", **change)
    with pytest.raises(ModelMismatch, match="does not fit"):
        prepare(pipeline, adapter=adapter_of(at_home), overrides=[f"model={other}"])


def test_an_adapter_on_other_weights_of_its_architecture_is_said(at_home, pipeline, tmp_path, capsys):
    from hybrid.cli.terminal import TerminalProgress

    other = tiny_model(tmp_path / "other")
    job = prepare(
        pipeline,
        adapter=adapter_of(at_home),
        overrides=[f"model={other}"],
        progress=TerminalProgress(),
    )
    assert job.adapter and "and is put on" in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"cells": ["tunde"]}, UnknownName),
        ({"probes": ["orcale"]}, UnknownName),
        ({"suite": "waranty"}, UnknownName),
        ({"corpus": "waranty"}, UnknownName),
        ({"overrides": ["retrieval.embedder=hashing:none"]}, BadSpec),
        ({"overrides": ["tuning.rows=[1"]}, BadSpec),
        ({"overrides": ["model=/no/such/folder"]}, ModelMissing),
    ],
)
def test_what_cannot_be_found_or_read_is_refused(warranty, pipeline, change, error):
    with pytest.raises(error):
        prepare(pipeline, **change)
    assert {path.name for path in warranty.iterdir()} == {"corpora", "suites"}


def tiny_model(folder, **change):
    """A random Llama of another shape or seed, with the tokenizer of the tiny one."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    from hybrid.testing import byte_tokenizer

    shape = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}
    tokenizer = byte_tokenizer()
    config = LlamaConfig(vocab_size=len(tokenizer), num_key_value_heads=2, **(shape | change))
    torch.manual_seed(1)
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return Path(folder)


@pytest.mark.parametrize(("probe", "k"), [("distractors", 2), ("position", 3)])
def test_a_probe_needs_room_for_what_it_shows(warranty, pipeline, probe, k):
    with pytest.raises(RunError, match=rf"--probe {probe} shows at least {k} .*--set retrieval.k={k}"):
        prepare(pipeline, cells=UNTUNED, probes=[probe], overrides=[f"retrieval.k={k - 1}"])
    enough = [f"retrieval.k={k}"]
    assert prepare(pipeline, cells=UNTUNED, probes=[probe], overrides=enough).probes == (probe,)


def test_regurgitation_needs_no_gold_and_asks_every_question(warranty, pipeline, tmp_path):
    job = prepare(pipeline, cells=["few-shot"], probes=["regurgitation"], limit=3)
    planted = job.columns[-1]
    assert planted.name == "regurgitation/few-shot" and job.asked(planted) == job.questions
    assert job.bound == ()


def test_a_stale_adapter_is_told_and_with_strict_refused(at_home, pipeline, tmp_path, monkeypatch):
    home = tmp_path / "copy"
    shutil.copytree(at_home.home, home)
    monkeypatch.setenv("HYBRID_HOME", str(home))
    adapter = adapter_of(at_home)
    assert not prepare(pipeline, adapter=adapter, strict=True).warnings
    learned = json.loads((adapter / "MANIFEST.json").read_text())["sources"][0]["documents"]
    with Corpus.open("warranty") as corpus:
        corpus.remove(learned[:1])
    (warning,) = prepare(pipeline, adapter=adapter).warnings
    assert warning.startswith("Stale: ") and warning.endswith(f"such as {learned[0]}.")
    with pytest.raises(StaleAdapter, match="leave out --strict"):
        prepare(pipeline, adapter=adapter, strict=True)
    assert prepare(pipeline, adapter=adapter, corpus="warranty@1", strict=True).adapter
