import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybrid.generation.citations import find_markers, marker, renumbered, resolve, strip_markers
from hybrid.records import Citation, Passage

OFFERED = tuple(Passage(id=10 * n, document="d", title="", text="t", start=0, end=1) for n in (1, 2, 3))
TEXTS = st.text(alphabet="a[]123 ,-.\n", max_size=40)


@pytest.mark.parametrize(
    ("raw", "text", "passages", "phantoms"),
    [
        ("Five years [1].", "Five years [1].", [10], 0),
        ("five years[1]", "five years[1]", [10], 0),
        ("A [2][1] b [ 2 ].", "A [2][1] b [2].", [20, 10], 0),
        ("A [1, 3].", "A [1][3].", [10, 30], 0),
        ("A [1] [2].", "A [1][2].", [10, 20], 0),
        ("A [1-3].", "A [1][2][3].", [10, 20, 30], 0),
        ("A [2-4].", "A [2][3].", [20, 30], 1),
        ("A [7].", "A.", [], 1),
        ("A [0][1] b.", "A [1] b.", [10], 1),
        ("[7] A", "A", [], 1),
        ("A [3-1].", "A [3][1].", [30, 10], 0),
        ("A [[9]1].", "A [1].", [10], 1),
        ("A [[9]8].", "A.", [], 2),
        ("see [below] and a[i]", "see [below] and a[i]", [], 0),
        ("Beethoven [1770-1827]", "Beethoven [1770-1827]", [], 0),
        ("A [" + "9" * 5000 + "].", "A.", [], 1),
    ],
)
def test_resolve(raw, text, passages, phantoms):
    found = resolve(raw, OFFERED)
    assert (found.text, [each.passage for each in found.citations]) == (text, passages)
    assert found.phantom_markers == phantoms


def test_with_nothing_offered_every_marker_is_a_phantom():
    assert resolve("A [1]. B [2][1].", ()).phantom_markers == 3


def test_a_citation_names_its_marker():
    assert resolve("A [2].", OFFERED).citations == (Citation(marker(2), 20),)


@given(TEXTS)
def test_what_remains_was_offered(raw):
    found = resolve(raw, OFFERED)
    assert {each.marker for each in found.citations} == set(find_markers(found.text)) <= {"[1]", "[2]", "[3]"}
    again = resolve(found.text, OFFERED)
    assert (again.text, again.citations, again.phantom_markers) == (found.text, found.citations, 0)


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("Five years [1].", "Five years [2]."),
        ("five[1] years [1, 3].", "five[2] years [2][4]."),
        ("A [0] b [9].", "A [4] b [4]."),
        ("A [" + "9" * 5000 + "].", "A [4]."),
        ("see [below]", "see [below]"),
    ],
)
def test_the_only_passage_gets_its_number_among_several(raw, text):
    assert renumbered(raw, 2, 3) == text


@given(st.lists(st.sampled_from(["a", "b.", "[1]", "[2]", "[3]", "[1, 2]", "[7]"]), max_size=12))
def test_a_new_number_changes_neither_what_is_cited_nor_how_much_was_never_offered(words):
    raw = " ".join(words)
    alone, among = resolve(raw, OFFERED[1:2]), resolve(renumbered(raw, 2, 3), OFFERED)
    assert among.text == alone.text.replace("[1]", "[2]")
    assert [each.passage for each in among.citations] == [each.passage for each in alone.citations]
    assert among.phantom_markers == alone.phantom_markers


@given(TEXTS)
def test_nothing_is_left_after_stripping(raw):
    assert find_markers(strip_markers(raw)) == ()


@given(st.text(alphabet="ab[] c", max_size=30))
def test_text_without_markers_is_kept(raw):
    assert resolve(raw, OFFERED).text == raw.strip()
