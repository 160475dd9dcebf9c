import json
from collections import Counter

import pytest

from hybrid.generation.answers import Generated
from hybrid.generation.encode import ChatEncoder
from hybrid.generation.generator import Generation, Generator
from hybrid.progress import SILENT
from hybrid.specs import GenerationSpec, TuningSpec
from hybrid.testing import byte_tokenizer
from hybrid.tuning import replay
from hybrid.tuning.encoding import IGNORED
from hybrid.tuning.replay import (
    ANSWER_TOKENS,
    TEXT_TOKENS,
    TEXTS_AT_ONCE,
    replay_generator,
    replay_prompts,
    replay_rows,
    replay_texts,
    stand_ins,
)
from hybrid.tuning.tune import tune

END = byte_tokenizer().eos_token_id
SAID = {"g0": Generated("Yes.", 4), "g1": Generated("o" * 64, ANSWER_TOKENS), "g2": Generated("", 0)}


@pytest.fixture
def prompts(tmp_path, monkeypatch):
    """Five general prompts of which the base answers one shortly, one without end, and one not at all."""
    rows = [{"id": f"g{n}", "prompt": f"What is {n}?"} for n in range(5)]
    (tmp_path / "general.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    monkeypatch.setattr(replay, "PROMPTS", str(tmp_path / "general.jsonl"))
    return {row["id"]: row["prompt"] for row in rows}


@pytest.fixture
def answered(monkeypatch):
    def generate(generator, asked, *, store, done, tuned=False):
        assert not tuned
        texts = [byte_tokenizer().decode(prompt.ids) for prompt in asked]
        names = [text.partition("What is ")[2][0] for text in texts]
        return Generation(tuple(SAID.get(f"g{name}", Generated("No.", 3)) for name in names), 0.0, None)

    monkeypatch.setattr(Generator, "generate", generate)


def test_no_prompt_comes_again_before_all_were_used(prompts):
    drawn = replay_prompts(12, seed=0)
    assert len(drawn) == 12 and dict(drawn) == prompts
    assert set(drawn[:5]) == set(drawn[5:10]) == set(prompts.items())
    assert sorted(Counter(drawn).values()) == [2, 2, 2, 3, 3]
    assert replay_prompts(12, seed=0) == drawn != replay_prompts(12, seed=1)


def test_the_own_answer_is_learned_with_its_end_unless_it_was_cut_off(prompts, answered, tiny_weights):
    spec = GenerationSpec(device="cpu")
    drawn = [(id, prompts[id]) for id in ("g0", "g1", "g2", "g1")]
    lessons = replay_rows(drawn, replay_generator(tiny_weights, spec), max_tokens=1000, progress=SILENT)
    assert [lesson.encoded.question for lesson in lessons] == ["g0", "g1", "g1"]
    assert [lesson.ends for lesson in lessons] == [True, False, False]
    for lesson in lessons:
        learned = [label for label in lesson.encoded.labels if label != IGNORED]
        assert (learned[-1] == END) == lesson.ends
        assert byte_tokenizer().decode(learned[: 4 if lesson.ends else None]) == lesson.target
        assert lesson.row is None and lesson.messages[-1].content == prompts[lesson.encoded.question]


def test_the_manifest_counts_the_rows_of_replay(
    prompts, answered, pipeline, suite, small_retriever, tiny_weights
):
    tuning = pipeline.tuning.model_copy(update={"rows": 8, "replay": 0.5, "max_steps": 1})
    spec = pipeline.model_copy(update={"tuning": tuning})
    adapter = tune(spec, suite, small_retriever, tiny_weights)
    silent = sum(id == "g2" for id, _ in replay_prompts(4, 0))
    assert adapter.manifest["rows"]["n"] == 8 + 4 - silent
    assert adapter.manifest["sources"][0]["rows"] == 8


def test_a_text_of_the_base_is_learned_whole_but_its_first_token_and_without_an_end(tiny_weights):
    generator = replay_generator(tiny_weights, GenerationSpec(device="cpu"))

    def written(count, seed):
        return replay_texts(count, seed, generator, progress=SILENT)

    lessons = written(TEXTS_AT_ONCE + 3, seed=1)
    assert len(lessons) == TEXTS_AT_ONCE + 3
    for lesson in lessons:
        start, *ids = lesson.encoded.ids
        assert lesson.encoded.labels == (IGNORED, *ids) and lesson.messages == () and not lesson.ends
        assert start == byte_tokenizer().bos_token_id
        assert byte_tokenizer().decode(ids) == lesson.target
    assert written(TEXTS_AT_ONCE + 3, seed=1) == lessons != written(TEXTS_AT_ONCE + 3, seed=2)


def test_an_opening_that_comes_again_goes_on_otherwise(tiny_weights, tmp_path, monkeypatch):
    (tmp_path / "openings.jsonl").write_text('{"id": "o", "text": "The sea was"}\n')
    monkeypatch.setattr(replay, "OPENINGS", str(tmp_path / "openings.jsonl"))
    lessons = replay_texts(
        4, 0, replay_generator(tiny_weights, GenerationSpec(device="cpu")), progress=SILENT
    )
    assert len({lesson.target for lesson in lessons}) == 4
    assert all(lesson.target.startswith("The sea was") for lesson in lessons)


def test_stand_ins_are_as_long_as_what_the_base_may_write(prompts):
    rows = stand_ins(TuningSpec(replay=0.2, replay_texts=0.1), 20, ChatEncoder(byte_tokenizer()), seed=0)
    labels = [sum(label != IGNORED for label in row.labels) for row in rows]
    assert labels[:4] == [ANSWER_TOKENS] * 4 and len(labels) == 6 and min(labels[4:]) > TEXT_TOKENS
    assert all(len(row.ids) == len(row.labels) for row in rows)


def test_texts_are_a_share_of_the_other_rows(pipeline, suite, small_retriever, tiny_weights):
    tuning = pipeline.tuning.model_copy(update={"rows": 8, "replay_texts": 0.25, "max_steps": 1})
    adapter = tune(pipeline.model_copy(update={"tuning": tuning}), suite, small_retriever, tiny_weights)
    assert adapter.manifest["rows"]["n"] == 8 + 2
