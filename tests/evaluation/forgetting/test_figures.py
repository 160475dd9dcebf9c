"""From replies and bits to figures, by hand."""

import pytest

from hybrid.evaluation.forgetting.figures import Arm, Reply, read_reply, rows, summed_up
from hybrid.evaluation.forgetting.material import Paragraph, Task

TASKS = [
    Task(id="i1", kind="instruction", prompt="Write YES.", check={"equals": "YES"}, example="YES"),
    Task(id="i2", kind="instruction", prompt="One word.", check={"exact_words": 1}, example="Go"),
    Task(id="q1", kind="question", prompt="2 + 2?", check={"answers": ("4",)}, example="4"),
    Task(id="q2", kind="question", prompt="Is it?", check={"answers": ("no",)}, example="no"),
]
PARAGRAPHS = [
    Paragraph(id="t1", genre="letter", text="a" * 10),
    # Fifteen letters of two bytes: 30 bytes.
    Paragraph(id="t2", genre="poem", text="é" * 15),
]


def arm(replies, bits):
    texts = zip(TASKS, replies, strict=True)
    return Arm(
        {task.id: read_reply(text, task) for task, text in texts}, dict(zip(("t1", "t2"), bits, strict=True))
    )


ARMS = {
    "base": arm(["YES", "Go", "It is 4.", "No."], (10, 60)),
    "tuned": arm(["Yes, I do", "Go", "I don't know.", "No."], (20, 90)),
}


def means(metric):
    return [
        summed_up(ARMS, TASKS, PARAGRAPHS)[metric][name]["mean"] for name in ("base", "tuned", "difference")
    ]


def test_bits_per_byte_are_all_bits_by_all_bytes():
    # (10 + 60) / (10 + 30) = 1.75 and (20 + 90) / 40 = 2.75, not the means of 1 and 2, 2 and 3.
    assert means("bits_per_byte") == pytest.approx([1.75, 2.75, 1.0])


def test_only_questions_count_for_over_abstention_and_only_instructions_for_following():
    assert means("over_abstention") == [0.0, 0.5, 0.5]
    assert means("instruction_following") == [1.0, 0.5, -0.5]


def test_every_figure_is_one_of_the_contract():
    found = summed_up(ARMS, TASKS, PARAGRAPHS)
    for figures in found.values():
        for figure in figures.values():
            assert set(figure) >= {"mean", "low", "high", "n", "status", "reason"}
            assert (figure["status"], figure["n"]) == ("ok", 2)
            assert figure["low"] <= figure["mean"] <= figure["high"]


@pytest.mark.parametrize(
    ("text", "abstained", "passed"),
    [
        ("4", False, True),
        ("5", False, False),
        ("I don't know.", True, False),
        ("", True, False),
        (" \n", True, False),
    ],
)
def test_silence_is_no_answer(text, abstained, passed):
    assert read_reply(text, TASKS[2]) == Reply(text, abstained, passed)


def test_rows_tell_every_reply_and_every_paragraph():
    found = rows(ARMS, TASKS, PARAGRAPHS)
    assert found["tasks"][2] == {
        "id": "q1",
        "kind": "question",
        "prompt": "2 + 2?",
        "base": {"text": "It is 4.", "abstained": False, "passed": True},
        "tuned": {"text": "I don't know.", "abstained": True, "passed": False},
    }
    assert found["paragraphs"][1] == {"id": "t2", "genre": "poem", "base": 2.0, "tuned": 3.0}
