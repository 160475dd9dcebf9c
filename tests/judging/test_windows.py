from hybrid.judging.windows import windows


def words(texts):
    return [len(text.split()) for text in texts]


def test_short_evidence_is_one_window():
    assert windows("One two. Three four.", words, limit=10) == ["One two. Three four."]


def test_a_window_begins_with_the_last_sentence_of_the_one_before():
    text = "A b c. D e f. G h i. J k l."
    assert windows(text, words, limit=6) == ["A b c. D e f.", "D e f. G h i.", "G h i. J k l."]


def test_a_line_that_fills_half_a_window_closes_it():
    first, second = "A b c d e.", "F g h i j."
    assert windows(f"{first}\n{second}", words, limit=10) == [first, second]
    assert windows(f"Title\n{first}", words, limit=12) == [f"Title {first}"]


def test_a_sentence_longer_than_a_window_is_halved_at_a_blank():
    assert windows("A b. C d e f g h. I j.", words, limit=4) == ["A b.", "C d e f", "g h. I j."]


def test_no_evidence_gives_no_window():
    assert windows("", words) == []
