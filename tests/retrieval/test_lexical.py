import pytest

from hybrid.corpus.store import Corpus
from hybrid.records import Document, Passage
from hybrid.retrieval.lexical import WordIndex, fused, terms, word_index


def index_of(*texts, title=""):
    """An index over passages with ids 10, 11, 12, …"""
    return WordIndex(
        [Passage(id, f"{id}.md", title, text, 0, len(text)) for id, text in enumerate(texts, 10)]
    )


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Error E-42: NOT found.", ["error", "e", "42", "not", "found"]),
        ("Straße", ["strasse"]),
        ("茶", ["茶"]),
        ("K3青岚茶,2公斤", ["k3", "青", "岚", "茶", "青岚", "岚茶", "2", "公", "斤", "公斤"]),
        ("お茶 차", ["お", "茶", "お茶", "차"]),
        ("… — !", []),
    ],
)
def test_terms_are_words_and_of_cjk_characters_and_pairs(text, found):
    assert terms(text) == found


def test_only_passages_that_share_a_word_are_found():
    words = index_of("A fig is green.", "An apple is red.", "The FIG costs 15 cents.")
    assert sorted(words.search("fig?", 9)) == [10, 12]
    assert words.search("quince", 9) == []
    assert words.search("…", 9) == []


def test_unknown_words_of_a_query_do_not_count():
    words = index_of("apple", "fig")
    assert words.search("which quince or fig", 9) == [11]


def test_the_scores_are_those_of_bm25():
    # N = 3, average length (4 + 1 + 1) / 3 = 2; idf = ln(1 + (N - df + 0.5) / (df + 0.5)):
    # fig (df 2): ln(1 + 1.5 / 2.5) = 0.470, plum (df 1): ln(1 + 2.5 / 1.5) = 0.981.
    # tf / (tf + 1.5 × (0.25 + 0.75 × length / 2)): 3 of 4 words: 3 / 5.625 = 0.533, 1 of 4: 0.276,
    # 1 of 1: 1 / 1.9375 = 0.516.
    words = index_of("fig fig fig plum", "fig", "kiwi")
    # fig: 0.533 × 0.470 = 0.251 before 0.516 × 0.470 = 0.243
    assert words.search("fig", 9) == [10, 11]
    # kiwi: 0.516 × 0.981 = 0.506; plum: 0.276 × 0.981 = 0.271
    assert words.search("plum kiwi", 9) == [12, 10]
    # fig and kiwi: 0.506, 0.251, 0.243
    assert words.search("kiwi fig", 9) == [12, 10, 11]


@pytest.mark.parametrize(("times", "best"), [(5, 11), (7, 10)])
def test_a_word_counts_less_each_time_it_is_repeated(times, best):
    # All lengths and both idf are equal, so with k1 = 1.5 only Σ tf / (tf + 1.5) decides:
    # 5 times fig: 5 / 6.5 = 0.77 below fig and plum, 2 × 1 / 2.5 = 0.8; 7 times: 7 / 8.5 = 0.82 above it.
    repeated = " ".join(["fig"] * times + ["kiwi"] * (8 - times))
    words = index_of(repeated, "fig plum a b c d e f", "plum a b c d e f g")
    assert words.search("fig plum", 1) == [best]


def test_of_two_passages_with_a_word_the_shorter_is_first():
    assert index_of("fig and many other fruits of the garden", "fig tree").search("fig", 9) == [11, 10]


def test_equal_passages_stay_in_order_and_k_bounds_them():
    assert index_of("fig", "fig", "fig", "kiwi").search("fig", 2) == [10, 11]


def test_titles_are_searched():
    assert index_of("It costs 15 cents.", title="Kestrel K3-S").search("k3", 9) == [10]


def test_chinese_passages_are_found_without_spaces():
    words = index_of("茶园在山上。", "保修期为五年。")
    assert words.search("保修多久?", 9) == [11]


def test_of_the_same_characters_those_in_order_are_first():
    assert index_of("修保。", "保修。", "茶园。").search("保修", 9) == [11, 10]


def test_fusion_sums_the_reciprocal_ranks():
    # 2: 1 / 62 + 1 / 61; 1: 1 / 61; 3: 1 / 62
    assert fused([[1, 2], [2, 3]], 3) == [
        (2, pytest.approx(1 / 62 + 1 / 61)),
        (1, pytest.approx(1 / 61)),
        (3, pytest.approx(1 / 62)),
    ]


def test_two_middling_ranks_beat_one_first_rank():
    # 3: 2 / 63 = 0.0317; 1 and 4: 1 / 61 = 0.0164
    assert fused([[1, 2, 3], [4, 5, 3]], 1) == [(3, pytest.approx(2 / 63))]


def test_of_equal_scores_the_first_ranking_is_first_and_no_ranking_is_no_fault():
    assert [id for id, _ in fused([[8], [7]], 5)] == [8, 7]
    assert fused([[], []], 5) == []
    assert [id for id, _ in fused([[5, 6], []], 5)] == [5, 6]


def passage(id, text):
    return Passage(id, f"{id}.md", "", text, 0, len(text))


def test_what_came_later_is_scored_as_the_base_scores_it():
    base = ("fig fig fig plum", "fig", "kiwi and a plum", "fig and plum and more")
    words = index_of(*base)
    later = words.moved(2, [passage(20 + row, text) for row, text in enumerate(base)], ())
    for query in ("fig", "plum kiwi", "kiwi fig fig"):
        first, twins = words.search(query, 9), [id for id in later.search(query, 9) if id >= 20]
        # Each passage and its later twin are equal, so they come in the same order among themselves.
        assert [id - 10 for id in twins] == first
        assert set(later.search(query, 2)) == {first[0], first[0] + 10}
    assert words.search("fig", 9) == [10, 11, 13] and words.drift == 0 and later.drift == 1


def test_what_went_is_not_found_and_comes_back():
    words = index_of("fig", "fig tree", "kiwi")
    without = words.moved(2, [passage(20, "a new quince, a fig")], [10])
    assert without.search("fig", 9) == [11, 20] and without.search("quince", 9) == [20]
    again = without.moved(3, [passage(10, "fig")], [20])
    assert again.search("fig", 9) == [10, 11] and again.search("quince", 9) == []
    assert again.moved(4, [passage(20, "a new quince, a fig")], []).search("quince", 9) == [20]
    assert again.generation == 3 and without.search("fig", 9, only=[20]) == [20]


def test_few_changes_read_only_what_changed(state_folder, monkeypatch):
    documents = [Document(f"d{number}", "", f"fig number {number}") for number in range(40)]
    with Corpus.create("c", documents=documents) as corpus:
        first = word_index(corpus.at(1))
        corpus.update([Document("d3", "", "a quince")])
        corpus.remove(["d7"])
        with monkeypatch.context() as patched:
            patched.setattr(Corpus, "passages", lambda self: pytest.fail("all passages were read"))
            moved = word_index(corpus.at(3), first)
        anew = word_index(corpus.at(3))
        assert set(moved.search("fig", 99)) == set(anew.search("fig", 99)) and moved.generation == 3
        assert len(moved.search("fig", 99)) == 38 and moved.search("quince", 9) == anew.search("quince", 9)
        corpus.update([Document(f"d{number}", "", f"plum number {number}") for number in range(5)])
        assert word_index(corpus.at(4), moved).drift == 0
        corpus.purge(["d9"])
        assert len(word_index(corpus.at(5), moved).search("number", 99)) == 38
