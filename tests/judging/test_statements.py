import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybrid.generation.citations import resolve
from hybrid.judging.statements import is_short, sentences, statements
from hybrid.records import Answer, Passage, Question

PASSAGES = tuple(Passage(id=10 * n, document="d", title="", text="t", start=0, end=1) for n in (1, 2, 3))
QUESTION = Question(id="q", text="How long is it?")
LONG = "The warranty of this model is valid for five whole years"


def take(raw, abstained=False):
    found = resolve(raw, PASSAGES)
    return statements(Answer(found.text, found.citations, PASSAGES, abstained, raw), QUESTION)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("A is B. C is D.", ["A is B.", "C is D."]),
        ("A is B. [1] C is D.[2][3] E", ["A is B. [1]", "C is D.[2][3]", "E"]),
        ("Dr. Smith paid 3.5 million. He left.", ["Dr. Smith paid 3.5 million.", "He left."]),
        ("Use it, e.g. here, in the U.S. Army. Yes!", ["Use it, e.g. here, in the U.S. Army.", "Yes!"]),
        ("彼は行った。[1]次！", ["彼は行った。[1]", "次！"]),
        ("- a [1]\n- b\n\nc", ["- a [1]", "- b", "c"]),
        ("John F. Kennedy wrote No. 5.", ["John F. Kennedy wrote No. 5."]),
        ('He said "no." Then he left.', ['He said "no."', "Then he left."]),
        ("", []),
    ],
)
def test_sentences(text, parts):
    assert list(sentences(text)) == parts


@given(st.text(alphabet="aB .!?。\n[1]", max_size=40))
def test_sentences_lose_no_word(text):
    assert "".join("".join(sentences(text)).split()) == "".join(text.split())


def test_markers_belong_to_the_sentence_they_stand_in_or_follow():
    found = take(f"{LONG} [2]. {LONG}. [1][3] {LONG}.")
    assert [each.cited for each in found] == [(20,), (10, 30), ()]
    assert [each.text for each in found] == [f"{LONG}."] * 3


def test_a_short_answer_carries_its_question():
    assert [(each.text, each.claim) for each in take("five years [1]")] == [
        ("five years", "Q: How long is it? A: five years")
    ]


def test_a_long_sentence_is_its_own_claim():
    assert take(f"{LONG}.")[0].claim == f"{LONG}."


@pytest.mark.parametrize(
    ("text", "short"),
    [
        ("It runs one two three four five six.", True),  # 8 words
        ("It runs one two three four five six seven.", False),  # 9 words
        ("apples, pears, plums, figs, dates, limes, kiwis, melons, nuts", True),
        ("apples and pears and plums and figs are all fruit", False),
        ("東京は日本の首都であり最大の都市である", False),  # 19 characters, 9.5 words
        ("東京は日本の首都です", True),
    ],
)
def test_is_short(text, short):
    assert is_short(text) is short


@pytest.mark.parametrize(("raw", "abstained"), [("", False), ("[1]", False), ("...", False), ("five", True)])
def test_no_statements(raw, abstained):
    assert take(raw, abstained) == ()


def test_a_marker_that_is_no_citation_cites_nothing():
    answer = Answer(f"{LONG} [4].", (), PASSAGES, False, "")
    assert [each.cited for each in statements(answer, QUESTION)] == [()]
