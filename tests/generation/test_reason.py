import pytest

from hybrid.generation.answers import Generated
from hybrid.generation.fitting import Prompt
from hybrid.generation.reason import with_quote, without_quote
from hybrid.pipeline import read_answer
from hybrid.records import Passage


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        (with_quote("It lasts five years.", "five years [1]"), "five years [1]"),
        (with_quote("He said “five” and left.", "five [1]"), "five [1]"),
        ("five years [1]", "five years [1]"),
        ("He said: Quote: “five”", "He said: Quote: “five”"),
        ("Quote: “It lasts five years.” five years [1]", "five years [1]"),
        ("Quote: “It lasts five years.”", ""),
        ("Quote: “It lasts five years.” Answer:", ""),
        # Cut off inside the quote: what it holds was not answered.
        ("Quote: “It lasts five years", ""),
        ("Quote: “Two\nlines.” Answer: two", "two"),
    ],
)
def test_a_quote_is_no_part_of_the_answer(text, answer):
    assert without_quote(text) == answer


def test_an_answer_is_read_without_its_quote():
    passage = Passage(7, "a.md", "", "It lasts five years [3].", 0, 24)
    said = with_quote("It lasts five years [3].", "five years [1]")
    answer = read_answer(Prompt((1,), (passage,)), Generated(said, 9))
    assert (answer.text, answer.raw, answer.phantom_markers) == ("five years [1]", said, 0)
    assert [citation.passage for citation in answer.citations] == [7]
    silent = read_answer(Prompt((1,), (passage,)), Generated(with_quote("five", "I don't know."), 9))
    assert silent.abstained
