import pytest

from hybrid.generation.abstention import ABSTENTION, abstains
from hybrid.generation.prompt import WITH_SOURCES, WITHOUT_SOURCES, Example, Message, chat, user_turn
from hybrid.records import Passage, Turn

FIG = Passage(7, "fig.md", "Fig", "It is green.", 0, 12)
NOTE = Passage(3, "note.md", "", "It costs 15 cents.", 0, 18)


def test_passages_are_numbered_in_the_order_given():
    assert user_turn("Which colour?", [FIG, NOTE]) == (
        "[1] Fig: It is green.\n\n[2] It costs 15 cents.\n\nQuestion: Which colour?"
    )


def test_without_passages_the_question_stands_alone():
    assert chat("Which colour?", ()) == [
        Message("system", WITHOUT_SOURCES["short"]),
        Message("user", "Question: Which colour?"),
    ]


def test_examples_come_before_the_conversation_and_this_before_the_question():
    example = Example("What does it cost?", (NOTE,), "15 cents [1]")
    messages = chat("Which colour?", [FIG], [Turn("What is a fig?", "A fruit.")], [example])
    assert messages == [
        Message("system", WITH_SOURCES["short"]),
        Message("user", user_turn("What does it cost?", [NOTE])),
        Message("assistant", "15 cents [1]"),
        Message("user", "Question: What is a fig?"),
        Message("assistant", "A fruit."),
        Message("user", user_turn("Which colour?", [FIG])),
    ]


@pytest.mark.parametrize("passages", [(), (FIG,)])
def test_a_style_changes_the_instruction_alone(passages):
    short, long = (chat("Which colour?", passages, style=style) for style in ("short", "long"))
    assert short[0] != long[0]
    assert short[1:] == long[1:]


def test_all_instructions_ask_for_the_phrase_that_is_understood():
    for instruction in (*WITH_SOURCES.values(), *WITHOUT_SOURCES.values()):
        assert instruction.endswith(ABSTENTION)
    assert abstains(ABSTENTION)
