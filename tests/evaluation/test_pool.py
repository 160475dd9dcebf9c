from hybrid.evaluation.pool import evidence_pool
from hybrid.records import Gold, Question


def passage_of(corpus, document, place=0):
    return [passage for passage in corpus.passages() if passage.document == document][place]


def question(*gold):
    return Question("q", "?", gold=gold or None)


def test_gold_stands_first_and_nothing_twice(small_corpus):
    fig, apple = passage_of(small_corpus, "fig.md"), passage_of(small_corpus, "apple.md")
    pool = evidence_pool(small_corpus, question(Gold("fig.md", fig.start, fig.end)), [apple, fig])
    assert pool == (fig, apple)


def test_gold_that_was_not_retrieved_is_in_the_pool(small_corpus):
    fig = passage_of(small_corpus, "fig.md", 1)
    assert evidence_pool(small_corpus, question(Gold("fig.md", fig.start, fig.end)), []) == (fig,)


def test_a_whole_document_is_all_its_passages(small_corpus):
    pool = evidence_pool(small_corpus, question(Gold("fig.md")), [])
    assert pool == (passage_of(small_corpus, "fig.md"), passage_of(small_corpus, "fig.md", 1))


def test_without_gold_the_pool_is_what_was_retrieved(small_corpus):
    shown = small_corpus.passages()[2:4]
    assert evidence_pool(small_corpus, question(), shown) == tuple(shown)


def test_gold_outside_of_the_corpus_adds_nothing(small_corpus):
    assert evidence_pool(small_corpus, question(Gold("quince.md", 0, 5)), []) == ()
