"""The FAISS index of a corpus generation: a cache of the store's vectors, read only if it is intact."""

from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from hybrid.corpus.store import Corpus
from hybrid.models import file_digest
from hybrid.retrieval.embed import Embedder


class VectorIndex:
    """Inner-product search over unit vectors; ids are passage ids."""

    def __init__(self, index: Any) -> None:
        self._index = index

    @property
    def size(self) -> int:
        """How many passages it holds."""
        return int(self._index.ntotal)

    def search(self, queries: NDArray[np.float32], k: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """The k nearest passages of each query: ids (−1 where there are fewer) and inner products, [n, k]."""
        scores, ids = self._index.search(np.ascontiguousarray(queries), k)
        return ids, scores


def open_index(corpus: Corpus, embedder: Embedder) -> VectorIndex:
    """The index of the corpus as it stands: from its file if that is intact, else rebuilt from the store."""
    embed_missing(corpus, embedder)
    recorded = corpus.index_file(embedder.digest)
    if recorded and recorded[0].is_file() and file_digest(recorded[0]) == recorded[1]:
        return VectorIndex(faiss.read_index(str(recorded[0])))
    # The vectors are read under the writer's lock, so that the file holds the generation it is named after.
    path = corpus.publish_index(
        embedder.digest, lambda path: faiss.write_index(_build(corpus, embedder), str(path))
    )
    return VectorIndex(faiss.read_index(str(path)))


def embed_missing(corpus: Corpus, embedder: Embedder) -> int:
    """Embeds the passages whose vectors the store does not hold yet; returns how many."""
    missing = corpus.missing_vectors(embedder.digest)
    if missing:
        vectors = embedder.encode(list(missing.values()))
        corpus.put_vectors(embedder.digest, dict(zip(missing, vectors, strict=True)))
    return len(missing)


def _build(corpus: Corpus, embedder: Embedder) -> Any:
    ids, vectors = corpus.vectors(embedder.digest)
    index = faiss.IndexIDMap2(faiss.IndexFlatIP(embedder.dimension))
    index.add_with_ids(np.ascontiguousarray(vectors), ids)
    return index
