"""Adapters that have learned from documents which changed or went since."""

from collections.abc import Mapping, Sequence
from typing import Any

from hybrid.adapters import Adapter
from hybrid.corpus.store import Corpus
from hybrid.errors import CorpusError, StaleAdapter


def stale_warnings(adapters: Sequence[Adapter], corpus: Corpus, *, strict: bool = False) -> list[str]:
    """A line for each adapter that, by its manifest, learned what the corpus no longer says.

    Args:
        adapters: any; one made elsewhere has no manifest that would tell.
        corpus: as it is read now.
        strict: refuse the first one instead.

    Raises:
        StaleAdapter: ``strict`` is set, and an adapter is stale.
    """
    warnings = []
    for adapter in adapters:
        if lost := stale_documents(adapter, corpus):
            warnings.append(
                f"Stale: the adapter {adapter.path} has learned from {len(lost)} documents of {corpus.name} "
                f"that have changed or gone since, such as {lost[0]}."
            )
    if strict and warnings:
        raise StaleAdapter(f"{warnings[0]} Tune it again, or leave out --strict.")
    return warnings


def stale_documents(adapter: Adapter, corpus: Corpus) -> list[str]:
    """Ids of the documents of a corpus that an adapter learned from and that are other now, or gone; sorted.

    What changed is known only while the corpus still has the generation that was learned from.
    """
    learned = [
        source for source in adapter.manifest.get("sources", ()) if source["corpus"]["name"] == corpus.name
    ]
    return sorted({id for source in learned for id in _lost(source, corpus)})


def _lost(source: Mapping[str, Any], corpus: Corpus) -> set[str]:
    then, documents = source["corpus"], set(source["documents"])
    if then["digest"] == corpus.digest:
        return set()
    if not _still_has(corpus, then):
        return documents - {document.id for document in corpus.documents()}
    change = corpus.diff(then["generation"])
    return documents & {*change.updated, *change.removed}


def _still_has(corpus: Corpus, then: Mapping[str, Any]) -> bool:
    """Whether the generation is there, and the same: one that was built anew counts from 1 again."""
    try:
        with corpus.at(then["generation"]) as earlier:
            return earlier.digest == str(then["digest"])
    except CorpusError:
        return False
