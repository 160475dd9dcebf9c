from dataclasses import replace

import pytest

from hybrid.corpus.stale import stale_documents, stale_warnings
from hybrid.corpus.store import Corpus
from hybrid.errors import StaleAdapter
from hybrid.records import Document


@pytest.fixture
def tuned(small_corpus, tiny_adapter):
    """An adapter that learned from three documents of the small corpus as it is."""
    told = {
        "suite": "s",
        "corpus": {"name": "fruit", "generation": small_corpus.generation, "digest": small_corpus.digest},
        "documents": ["apple.md", "banana.md", "cherry.md"],
    }
    return replace(tiny_adapter, manifest={"sources": [told]})


def test_what_went_and_what_changed_is_stale(small_corpus, tuned):
    assert stale_documents(tuned, small_corpus) == []
    small_corpus.remove(["apple.md", "fig.md"])
    small_corpus.update([Document("cherry.md", "Cherry", "Other."), Document("grape.md", "Grape", "Other.")])
    assert stale_documents(tuned, small_corpus) == ["apple.md", "cherry.md"]
    with small_corpus.at(1) as as_it_was:
        assert stale_documents(tuned, as_it_was) == []


def test_new_documents_make_nothing_stale(small_corpus, tuned):
    small_corpus.add([Document("kiwi.md", "Kiwi", "Green.")])
    assert stale_warnings([tuned], small_corpus, strict=True) == []


def test_without_the_generation_that_was_learned_only_what_went_is_known(small_corpus, tuned):
    small_corpus.update([Document("cherry.md", "Cherry", "Other.")])
    small_corpus.purge(["apple.md"])
    assert stale_documents(tuned, small_corpus) == ["apple.md"]


def test_a_corpus_that_was_made_anew_is_not_taken_for_the_one_that_was_learned(small_corpus, tuned):
    documents = [replace(document, text="Other.") for document in small_corpus.documents()[1:]]
    Corpus.delete("fruit")
    with Corpus.create("fruit", documents=documents) as anew:
        assert stale_documents(tuned, anew) == ["apple.md"]


def test_another_corpus_or_no_manifest_tells_nothing(small_corpus, tuned, tiny_adapter):
    with Corpus.create("nuts", documents=small_corpus.documents()[3:]) as nuts:
        assert stale_warnings([tuned, tiny_adapter], nuts, strict=True) == []


def test_a_stale_adapter_is_told_or_refused_in_one_line(small_corpus, tuned):
    small_corpus.remove(["banana.md", "cherry.md"])
    (line,) = stale_warnings([tuned], small_corpus)
    assert line == (
        f"Stale: the adapter {tuned.path} has learned from 2 documents of fruit "
        "that have changed or gone since, such as banana.md."
    )
    with pytest.raises(StaleAdapter) as refused:
        stale_warnings([tuned], small_corpus, strict=True)
    assert str(refused.value) == f"{line} Tune it again, or leave out --strict."
