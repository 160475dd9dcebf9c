import pytest

from hybrid.judging.windows import windows


def words(text):
    return len(text.split())


def test_what_fits_is_left_as_it_is():
    assert windows("One two.\n\nThree  four.", 4, words) == ["One two.\n\nThree  four."]


def test_windows_are_whole_sentences_that_overlap_by_half():
    text = "A a. B b. C c. D d. E e."
    # Each sentence is 2 words and 1 for what joins it: two make 6, which is one window of 5 words.
    assert windows(text, 5, words) == ["A a.\nB b.", "B b.\nC c.", "C c.\nD d.", "D d.\nE e."]
    # Three make 9, one more than 8: two sentences a window, so 7 words hold no more than 5 do; 8 hold three.
    assert windows(text, 8, words) == ["A a.\nB b.\nC c.", "B b.\nC c.\nD d.", "C c.\nD d.\nE e."]


def test_a_sentence_that_is_too_long_is_divided_at_a_space():
    found = windows("one two three four five six seven", 3, words)
    assert all(words(window) <= 3 for window in found)
    assert {word for window in found for word in window.split()} == set(
        "one two three four five six seven".split()
    )


@pytest.mark.parametrize("room", [1, 2, 5])
def test_a_text_without_spaces_is_divided_as_well(room):
    text = "鱼鸟" * 6
    found = windows(text, room, len)
    assert all(len(window) <= room for window in found)
    assert "".join(dict.fromkeys("".join(found))) == "鱼鸟"


def test_no_sentence_is_lost():
    text = " ".join(f"Number {n} is {'long ' * (n % 7)}here." for n in range(60))
    found = windows(text, 12, words)
    assert all(any(f"Number {n} is" in window for window in found) for n in range(60))
    assert all(words(window) <= 12 for window in found)
