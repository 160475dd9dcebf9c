import pytest

from hybrid.records import Answer, Citation, Document, Gold, Passage, Question, Turn

HISTORY = (Turn("What does the fig cost?", "15 cents"), Turn("Where does it grow?", "In the garden."))


def test_the_full_text_of_a_single_question_is_its_text():
    assert Question("q", "And its colour?").full_text == "And its colour?"


def test_the_full_text_has_the_question_before_and_no_answers():
    question = Question("q", "And its colour?", history=HISTORY)
    assert question.full_text == "Where does it grow? And its colour?"
    assert question.text == "And its colour?"


@pytest.mark.parametrize(
    ("answerable", "gold", "bound"),
    [
        (False, (Gold("fig.md", 0, 9),), True),
        (False, (Gold("fig.md"),), True),
        (False, (), False),
        (False, None, False),
        (True, (Gold("fig.md", 0, 9),), False),
        (True, None, False),
    ],
)
def test_bound_is_what_is_unanswerable_from_a_known_place(answerable, gold, bound):
    assert Question("q", "Why?", answerable=answerable, gold=gold).bound is bound


def test_the_group_of_a_document_is_itself_unless_it_names_one():
    assert Document("fig.md", "Fig", "Green.").group == "fig.md"
    assert Document("fig.md", "Fig", "Green.", {"group": 7}).group == "7"


def test_an_answer_as_json_has_its_parts_by_name():
    answer = Answer(
        "15 [1].", (Citation("[1]", 7),), (Passage(7, "fig.md", "Fig", "15", 0, 2),), False, "15 [1]."
    )
    data = answer.to_json()
    assert data["citations"] == ({"marker": "[1]", "passage": 7},)
    assert (data["passages"][0]["document"], data["abstained"], data["phantom_markers"]) == (
        "fig.md",
        False,
        0,
    )
