"""The general prompts for training are many, plain, and none of those by which forgetting is measured."""

import json
import re

import pytest

from hybrid import library
from hybrid.evaluation.forgetting.material import read_tasks

FUNCTION_WORDS = set("a an and are at by did do does for how in is it of on or the to what which who".split())
CLOSE = 0.6


def lines(name):
    path = library.builtin_folder("eval") / name
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


PROMPTS = [row["prompt"] for row in lines("general/training.jsonl")]
TESTED = [
    *(task.prompt for task in read_tasks()),
    *(task.text for task in read_tasks()),
    *(row["question"] for row in lines("common-knowledge/questions.jsonl")),
]


def words(text):
    return re.findall(r"\w+", text.casefold())


def closeness(one, other):
    """Content words that two texts share ÷ content words of either."""
    a, b = (set(words(text)) - FUNCTION_WORDS for text in (one, other))
    return len(a & b) / len(a | b)


def test_there_are_240_different_prompts_without_answers():
    rows = lines("general/training.jsonl")
    assert {tuple(row) for row in rows} == {("id", "prompt")}
    assert len(rows) == len({row["id"] for row in rows}) == 240
    assert len({tuple(words(prompt)) for prompt in PROMPTS}) == 240


def test_a_quarter_are_plain_questions_of_fact():
    first = re.compile(r"(what|which|who|how many|where|in which|on which|do|is)\b", re.IGNORECASE)
    assert sum(bool(first.match(prompt)) and prompt.endswith("?") for prompt in PROMPTS) >= 60


@pytest.mark.parametrize("prompt", PROMPTS)
def test_a_prompt_is_not_near_to_any_that_is_tested(prompt):
    assert [tested for tested in TESTED if closeness(prompt, tested) >= CLOSE] == []


def test_closeness_finds_a_prompt_that_was_hardly_changed():
    # {bees, make} of {bees, make, tell, me}
    assert closeness("What do bees make?", "Tell me, what do bees make?") == 0.5
    assert closeness("List four animals on one line.", "List four animals on one line, please!") >= CLOSE
