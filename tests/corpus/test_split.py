import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybrid.corpus.split import Piece, first_heading, split

PARTS = [
    "# Title\n",
    "## Part\n",
    "Name\n****\n",
    "Sub\n---\n",
    "```\n",
    "~~~\n",
    "term\n",
    "   indented. ",
    "\n\n",
    "\r\n",
    "A sentence. ",
    "Ein Wort? ",
    "这是一句话。",
    "谁说：「好！」",
    "（真的？）",
    "  ",
    "\u2028",
    "\f",
    "longwordwithoutanyspace" * 3,
    "x",
]
texts = st.lists(st.sampled_from(PARTS) | st.text(max_size=5), max_size=30).map("".join)


def cut(text, max_chars):
    return [text[piece.start : piece.end] for piece in split(text, max_chars)]


@given(texts, st.integers(1, 120))
def test_pieces_cover_every_character_once_and_fit(text, max_chars):
    pieces = split(text, max_chars)
    found = [text[piece.start : piece.end] for piece in pieces]
    assert all(piece and piece == piece.strip() and len(piece) <= max_chars for piece in found)
    assert all(a.end <= b.start for a, b in zip(pieces, pieces[1:], strict=False))
    assert "".join("".join(found).split()) == "".join(text.split())
    assert not any("\f" in piece for piece in found)


def test_short_paragraphs_of_a_section_share_a_piece():
    assert cut("One.\n\nTwo.\n\nThree, which is longer.", 12) == [
        "One.\n\nTwo.",
        "Three, which",
        "is longer.",
    ]


@pytest.mark.parametrize(
    "heading", ["## Exceptions", "Exceptions\n----------", "==========\nExceptions\n=========="]
)
def test_a_heading_starts_a_piece_and_is_its_locator(heading):
    text = f"Free text.\n\n{heading}\n\nBatteries."
    assert split(text, 100) == [Piece(0, 10, ""), Piece(12, len(text), "Exceptions")]


def test_the_locator_is_the_path_of_headings():
    text = "# Warranty\na\n## Exceptions\nb\n# Service\nc"
    assert [piece.locator for piece in split(text, 99)] == ["Warranty", "Warranty > Exceptions", "Service"]


def test_a_page_ends_a_piece_and_is_named_before_the_headings():
    text = "Cover.\f# Warranty\n\nFive years.\f\fBatteries: one."
    assert [(text[piece.start : piece.end], piece.locator) for piece in split(text, 99)] == [
        ("Cover.", "page 1"),
        ("# Warranty\n\nFive years.", "page 2 > Warranty"),
        ("Batteries: one.", "page 4 > Warranty"),
    ]


def test_a_heading_at_the_end_of_a_page_stays_on_it():
    assert cut("# Warranty\f## Exceptions\n\nBatteries.", 99) == ["# Warranty", "## Exceptions\n\nBatteries."]


def test_underlines_get_their_depth_in_order_of_first_use():
    text = "Top\n***\n\na\n\nSub\n---\n\nb\n\nNext\n****\n\nc"
    assert [piece.locator for piece in split(text, 99)] == ["Top", "Top > Sub", "Next"]


def test_a_heading_stays_with_the_text_below_it():
    assert cut("# Long warranty\n\n## Exceptions\n\nOne two three. Four five six.", 50) == [
        "# Long warranty\n\n## Exceptions\n\nOne two three.",
        "Four five six.",
    ]


def test_a_term_stays_with_its_definition():
    text = "An introduction.\n\nstr.lower()\n\n   Return a copy."
    assert cut(text, 35) == ["An introduction.", "str.lower()\n\n   Return a copy."]


def test_a_rule_and_a_table_border_are_no_headings():
    text = "a\n\n---\n\nb\n\n===\nwide cells\n==========\nc"
    assert {piece.locator for piece in split(text, 99)} == {""}


def test_long_paragraphs_are_cut_at_sentence_ends_into_equal_shares():
    # 53 characters in two parts of at most 40: the first sentence end past 26.5 is that at 27.
    assert cut("One two three. Four fivesix. Seven eight. Nine te. El.", 40) == [
        "One two three. Four fivesix.",
        "Seven eight. Nine te. El.",
    ]


def test_a_point_within_a_number_ends_no_sentence():
    assert cut("It is 3.14159 wide", 8) == ["It is", "3.14159", "wide"]


def test_chinese_sentences_end_without_a_space():
    assert cut("今天很好。明天也好。", 7) == ["今天很好。", "明天也好。"]


@pytest.mark.parametrize(
    ("text", "max_chars", "pieces"),
    [
        # 13 characters in two parts, share 6.5: the last end that fits is that at 5.
        ("茶是绿的！谁种茶？我们种。", 8, ["茶是绿的！", "谁种茶？我们种。"]),
        # 15 in two, share 7.5: the quote ends at 9, its sentence at 8.
        ("她说：「茶好了。」我们喝茶吧。", 10, ["她说：「茶好了。」", "我们喝茶吧。"]),
        ("（茶好了！）我们喝茶吧。", 8, ["（茶好了！）", "我们喝茶吧。"]),
        ("他问：“谁种茶？”我们都去种茶。", 10, ["他问：“谁种茶？”", "我们都去种茶。"]),
        # Signs in a row stay together.
        ("真的吗？！茶好了。", 7, ["真的吗？！", "茶好了。"]),
        # A point within a number ends none, and neither does a comma.
        ("每包重3.5公斤，共10包。茶好了。", 16, ["每包重3.5公斤，共10包。", "茶好了。"]),
    ],
)
def test_chinese_passages_end_where_sentences_and_their_quotes_do(text, max_chars, pieces):
    assert cut(text, max_chars) == pieces


def test_offsets_count_characters_whatever_their_bytes():
    assert split("# 茶 😀\n\n茶是绿的！我们种。", 5) == [
        Piece(0, 5, "茶 😀"),
        Piece(7, 12, "茶 😀"),
        Piece(12, 16, "茶 😀"),
    ]


def test_fenced_code_is_kept_whole_and_holds_no_headings():
    text = "# Setup\n\nRun this now.\n\n```sh\n# not a heading\n\nls\n```\n\nDone."
    assert cut(text, 30) == ["# Setup\n\nRun this now.", "```sh\n# not a heading\n\nls\n```", "Done."]
    assert {piece.locator for piece in split(text, 30)} == {"Setup"}


def test_code_that_fits_without_its_heading_only_is_not_cut():
    assert cut("# A long heading\n\n```\none two\nthree\n```", 25) == [
        "# A long heading",
        "```\none two\nthree\n```",
    ]


def test_long_code_is_cut_at_line_ends():
    assert cut("```\na. b\nc. d\n```", 10) == ["```\na. b", "c. d\n```"]


def test_an_unclosed_fence_is_no_code():
    assert [piece.locator for piece in split("```\nfree\n\n# Heading\ntext", 99)] == ["", "Heading"]


def test_a_huge_line_is_cut_in_linear_time():
    assert len(split("word " * 400_000, 400)) == 5000


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("intro\n\n# Setup #\n", "Setup"),
        ("The end\n*******\n", "The end"),
        ("```\n# no\n```\n## Yes", "Yes"),
        ("Cover\f# Setup", "Setup"),
        ("a", ""),
    ],
)
def test_first_heading(text, title):
    assert first_heading(text) == title
