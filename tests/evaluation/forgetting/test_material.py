"""The general tasks and the general text that ship."""

import re
from collections import Counter

import pytest

from hybrid import library
from hybrid.errors import BadInput
from hybrid.evaluation.forgetting.figures import Reply, read_reply
from hybrid.evaluation.forgetting.material import Task, read_paragraphs, read_tasks

STOCK = "Of course, I am happy to help you with that; tell me a little more about what you have in mind."


@pytest.mark.parametrize("task", read_tasks(), ids=lambda task: task.id)
def test_a_task_accepts_its_example_and_neither_silence_nor_a_stock_reply(task):
    reply = read_reply(task.example, task)
    assert reply.passed and not reply.abstained
    for silence in ("", "I don't know.", "The sources do not say."):
        assert read_reply(silence, task) == Reply(silence, abstained=True, passed=False)
    assert not read_reply(STOCK, task).passed


def test_there_are_enough_of_each_kind_and_half_of_the_questions_have_a_passage():
    tasks = read_tasks()
    kinds = Counter(task.kind for task in tasks)
    assert min(kinds["instruction"], kinds["question"]) >= 40
    passages = sum(bool(task.passage) for task in tasks if task.kind == "question")
    assert passages == kinds["question"] / 2
    assert len({task.text for task in tasks}) == len(tasks)


def test_passages_hold_an_answer_to_their_question():
    for task in read_tasks():
        if task.passage:
            assert read_reply(task.passage, task).passed, task.id


def test_the_text_is_long_varied_and_none_of_it_stands_twice():
    paragraphs = read_paragraphs()
    assert 40 <= len(paragraphs) == len({paragraph.genre for paragraph in paragraphs})
    assert 3000 <= sum(len(paragraph.text.split()) for paragraph in paragraphs) <= 4500
    assert all(60 <= len(paragraph.text.split()) <= 120 for paragraph in paragraphs)
    runs = Counter(run for paragraph in paragraphs for run in runs_of(paragraph.text, 8))
    assert max(runs.values()) == 1


def test_no_sentence_of_the_general_text_is_of_a_corpus_or_of_a_suite():
    general = {run for paragraph in read_paragraphs() for run in runs_of(paragraph.text, 8)}
    for kind in ("corpora", "eval"):
        for path in library.builtin_folder(kind).rglob("*"):
            if path.is_file() and path.suffix != ".gz" and "general" not in path.parts:
                assert general.isdisjoint(runs_of(path.read_text(encoding="utf-8"), 8)), path


def test_a_size_is_in_bytes():
    (paragraph,) = (each for each in read_paragraphs() if each.id == "t07")
    # Of its letters only the é of "café" takes two bytes.
    assert paragraph.size == len(paragraph.text) + 1


def test_a_question_without_answers_is_refused(tmp_path):
    path = tmp_path / "tasks.jsonl"
    path.write_text(
        '{"id": "q", "kind": "question", "prompt": "Why?", "check": {"lines": 1}, "example": "So"}'
    )
    with pytest.raises(BadInput, match="tasks.jsonl:1: check.answers belongs to every question"):
        read_tasks(path)


def test_a_passage_stands_before_its_question():
    task = Task(
        id="q",
        kind="question",
        prompt="Who?",
        passage="It was Ann.",
        check={"answers": ("Ann",)},
        example="Ann",
    )
    assert task.text == "It was Ann.\n\nWho?"


def runs_of(text, length):
    """Every run of so many words."""
    words = re.findall(r"\w+", text.casefold())
    return {" ".join(words[start : start + length]) for start in range(len(words) - length + 1)}
