import json

import pytest
import yaml
from datasets import Dataset
from transformers import AutoModelForCausalLM, AutoTokenizer
from trl import SFTConfig, SFTTrainer

from hybrid.errors import RunError
from hybrid.generation.encode import ChatEncoder
from hybrid.progress import SILENT
from hybrid.questions import write_questions
from hybrid.records import Passage, Question
from hybrid.specs import GenerationSpec
from hybrid.testing import byte_tokenizer
from hybrid.tuning.encoding import fit_rows
from hybrid.tuning.lessons import training_rows
from hybrid.tuning.lint.files import read_file
from hybrid.tuning.replay import replay_generator, replay_texts
from hybrid.tuning.rows import TrainingRow
from hybrid.tuning.rows_file import row_line, write_rows_file

KINDS = {"gold", "distractors", "no_context"}


@pytest.fixture
def named(pipeline, training, small_corpus, tmp_path):
    """The path of a pipeline file over the suite of these tests."""
    write_questions(tmp_path / "questions.jsonl", training)
    suite = {"corpus": "fruit", "questions": "questions.jsonl", "training": "questions.jsonl"}
    (tmp_path / "fruit.yaml").write_text(yaml.safe_dump(suite))
    spec = pipeline.model_dump(mode="json") | {"suite": str(tmp_path / "fruit.yaml")}
    (tmp_path / "p.yaml").write_text(yaml.safe_dump(spec))
    return str(tmp_path / "p.yaml")


@pytest.fixture
def lessons(pipeline, suite, small_retriever):
    tokenizer = byte_tokenizer()
    rows = training_rows(pipeline, suite, small_retriever, seed=0)
    return fit_rows(rows, ChatEncoder(tokenizer), end_id=tokenizer.eos_token_id, max_tokens=1000)


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_the_file_holds_what_would_be_learned(named, tmp_path, state_folder):
    written = write_rows_file(tmp_path / "rows.jsonl", named, overrides=["tuning.rows=30"])
    rows = lines(tmp_path / "rows.jsonl")
    assert rows == written.rows and len(rows) == 30 and written.left_out == 0
    assert not (state_folder / "adapters").exists()
    for row in rows:
        *asked, answer = row["messages"]
        assert row["prompt"].endswith(f"{asked[-1]['content']}<|im_end|>\n<|im_start|>assistant\n")
        assert row["completion"] == f"{answer['content']}<|im_end|>"
        shown = {passage["id"]: passage["text"] for passage in row["passages"]}
        assert set(row["cited"]) <= set(shown) and all(text in row["prompt"] for text in shown.values())
    assert written.to_json()["kinds"].keys() == KINDS == {row["kind"] for row in written.examples()}


def test_encoded_by_itself_the_text_gives_the_ids_that_are_trained_on(lessons):
    encoder = ChatEncoder(byte_tokenizer())
    assert {lesson.row.kind for lesson in lessons} == KINDS
    for lesson in lessons:
        row = row_line(lesson, encoder)
        ids = encoder.tokenizer(row["prompt"] + row["completion"], add_special_tokens=False)["input_ids"]
        assert tuple(ids) == lesson.encoded.ids


def test_a_text_of_the_base_begins_with_the_first_token_of_the_model(tiny_weights, tmp_path):
    encoder = ChatEncoder(byte_tokenizer())
    [lesson] = replay_texts(
        1, 0, replay_generator(tiny_weights, GenerationSpec(device="cpu")), progress=SILENT
    )
    row = row_line(lesson, encoder)
    ids = encoder.tokenizer(row["prompt"] + row["completion"], add_special_tokens=False)["input_ids"]
    assert tuple(ids) == lesson.encoded.ids and row["completion"] == lesson.target
    assert row["messages"] is None
    (tmp_path / "rows.jsonl").write_text(json.dumps(row))
    [checked] = read_file(tmp_path / "rows.jsonl", encoder, max_tokens=1000)
    assert (checked.kind, checked.target) == ("replay", lesson.target)


def test_trl_reads_the_same_ids_and_learns_the_same_part(lessons, tiny_weights, tmp_path):
    encoder = ChatEncoder(AutoTokenizer.from_pretrained(tiny_weights.path))
    rows = [row_line(lesson, encoder) for lesson in lessons[:6]]
    trainer = SFTTrainer(
        model=AutoModelForCausalLM.from_pretrained(tiny_weights.path),
        args=SFTConfig(output_dir=str(tmp_path), max_length=None, use_cpu=True, bf16=False, report_to="none"),
        train_dataset=Dataset.from_list(rows).select_columns(["prompt", "completion"]),
        processing_class=encoder.tokenizer,
    )
    for lesson, read in zip(lessons, trainer.train_dataset, strict=False):
        assert tuple(read["input_ids"]) == lesson.encoded.ids
        assert tuple(read["labels"]) == lesson.encoded.labels


def test_a_row_with_the_text_of_a_control_token_is_left_out(named, training, tmp_path):
    sly = Question("sly", "Who is <|im_end|>?", (), answerable=False, gold=(), part="train")
    write_questions(tmp_path / "questions.jsonl", [*training[:4], sly])
    written = write_rows_file(tmp_path / "rows.jsonl", named, overrides=["tuning.rows=10"])
    assert written.left_out == 2 == 10 - len(written.rows)
    assert not any("sly" in row["question_id"] for row in written.rows)


def test_the_line_of_a_row_that_was_too_long_is_that_of_the_shorter_one():
    tokenizer = byte_tokenizer()
    passages = tuple(Passage(i, f"{i}.md", "", f"Text {i}.", 0, 7) for i in range(4))
    row = TrainingRow(Question("q", "?"), "gold", passages, ("x",), frozenset({2}))
    options = {"end_id": tokenizer.eos_token_id}
    [whole] = fit_rows([row], ChatEncoder(tokenizer), max_tokens=10**6, **options)
    [lesson] = fit_rows([row], ChatEncoder(tokenizer), max_tokens=len(whole.encoded.ids) - 1, **options)
    assert len(row_line(lesson, ChatEncoder(tokenizer))["passages"]) == 3


def test_a_file_that_is_there_is_not_overwritten_unasked(named, tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text("mine")
    with pytest.raises(RunError, match=r"rows\.jsonl exists already; name another file, or add --replace"):
        write_rows_file(path, named)
    assert path.read_text() == "mine"
    write_rows_file(path, named, replace=True, overrides=["tuning.rows=3"])
    assert len(lines(path)) == 3
    with pytest.raises(RunError, match="no place for a file"):
        write_rows_file(tmp_path / "none" / "rows.jsonl", named)
