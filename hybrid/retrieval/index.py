"""The vectors of a corpus in FAISS: a cache of the store, read only if it is intact.

The file on the disk may be of an earlier generation. What has come since then is searched beside it, and
what has gone is filtered out; when both are more than a tenth of the file, it is written anew.
"""

from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from hybrid.corpus.rows import IndexFile
from hybrid.corpus.store import Corpus
from hybrid.errors import CorpusBusy, GenerationGone, NotWritten
from hybrid.models import file_digest
from hybrid.retrieval.embed import Embedder

FLAT_LIMIT = 200_000
"""Up to so many passages search is exact: a flat index is built at once, and searched in milliseconds.
Above, a graph (HNSW) finds nearly the same in a fraction of the time, and takes minutes to build."""
NEIGHBOURS, EF_CONSTRUCTION = 32, 80
"""Of the graph: links of a passage, and how many candidates are kept when it is built."""
EF_SEARCH = (64, 128, 256, 512)
"""How many candidates a search of the graph keeps: the first that reaches the wanted recall."""
WANTED_RECALL = 0.95
SAMPLE, SAMPLE_K = 200, 10
"""Recall is measured on so many of the index' own vectors, among so many neighbours."""
COMPACT_AT = 0.1
EMBEDDED_AT_ONCE = 4096

Vectors = NDArray[np.float32]
Ids = NDArray[np.int64]


@dataclass(frozen=True)
class VectorIndex:
    """Inner-product search over the unit vectors of one generation; ids are passage ids.

    It never changes, so that threads may search it while another one makes the index of a newer generation.

    Attributes:
        generation: whose passages are found.
        base: FAISS index of this generation or of an earlier one.
        gone: ids in the base, or in what came later, that are not in the generation.
        later_ids: ids [m] of passages that are not in the base.
        later: their vectors [m, d].
    """

    generation: int
    base: Any
    gone: frozenset[int] = frozenset()
    later_ids: Ids = field(default_factory=lambda: np.empty(0, np.int64))
    later: Vectors = field(default_factory=lambda: np.empty((0, 0), np.float32))

    @property
    def size(self) -> int:
        """How many passages can be found."""
        return int(self.base.ntotal) + len(self.later_ids) - len(self.gone)

    @property
    def drift(self) -> float:
        """What came and went since the base was built, as a share of the base."""
        return (len(self.gone) + len(self.later_ids)) / max(1, int(self.base.ntotal))

    def search(self, queries: Vectors, k: int, only: Collection[int] | None = None) -> tuple[Ids, Vectors]:
        """The k nearest passages of each query: ids (−1 where there are fewer) and inner products, [n, k].

        Args:
            queries: unit vectors [n, d].
            k: how many.
            only: ids of the passages that may be found; by default all.
        """
        queries = np.ascontiguousarray(queries)
        if not self.gone and not len(self.later_ids) and only is None:
            scores, ids = self.base.search(queries, k)
            return ids, scores
        # A question has a few neighbours: Python is done with them before numpy has begun.
        allowed = None if only is None else frozenset(only)
        rankings = self._base_rankings(queries, k, allowed)
        later_ids, later = self._later_allowed(allowed)
        if len(later_ids):
            for ranking, near in zip(rankings, queries @ later.T, strict=True):
                best = np.argpartition(-near, k - 1)[:k] if k < len(near) else np.arange(len(near))
                ranking += zip(near[best].tolist(), later_ids[best].tolist(), strict=True)
                ranking.sort(key=lambda hit: (-hit[0], hit[1]))
        return _as_arrays(rankings, k)

    def _base_rankings(
        self, queries: Vectors, k: int, allowed: Collection[int] | None
    ) -> list[list[tuple[float, int]]]:
        """Score and id of what the base finds for each query; asks for more until k may be found."""
        asked = 2 * k
        while True:
            scores, ids = self.base.search(queries, min(asked, max(1, int(self.base.ntotal))))
            rankings = [
                [
                    (score, id)
                    for score, id in zip(*row, strict=True)
                    if id >= 0 and id not in self.gone and (allowed is None or id in allowed)
                ]
                for row in zip(scores.tolist(), ids.tolist(), strict=True)
            ]
            if asked >= self.base.ntotal or min(map(len, rankings), default=k) >= k:
                return rankings
            asked *= 4

    def _later_allowed(self, allowed: Collection[int] | None) -> tuple[Ids, Vectors]:
        ids, vectors = self._later_alive
        if allowed is None:
            return ids, vectors
        kept = [row for row, id in enumerate(ids.tolist()) if id in allowed]
        return ids[kept], vectors[kept]

    @cached_property
    def _later_alive(self) -> tuple[Ids, Vectors]:
        alive = [row for row, id in enumerate(self.later_ids.tolist()) if id not in self.gone]
        return self.later_ids[alive], self.later[alive]


def _as_arrays(rankings: list[list[tuple[float, int]]], k: int) -> tuple[Ids, Vectors]:
    """Ids and scores [n, k] of the first k of each ranking; −1 and −inf where it is shorter."""
    padded = [[*ranking[:k], *[(-np.inf, -1)] * (k - len(ranking))] for ranking in rankings]
    ids = np.array([[id for _, id in row] for row in padded], np.int64).reshape(-1, k)
    return ids, np.array([[score for score, _ in row] for row in padded], np.float32).reshape(-1, k)


def open_index(corpus: Corpus, embedder: Embedder) -> VectorIndex:
    """The index of the corpus as it stands; passages without a vector are embedded first.

    Raises:
        CorpusError: the corpus holds no passages.
    """
    with corpus.at(corpus.generation) as now:
        index = _from_file(now, embedder)
        if index is None or index.drift > COMPACT_AT:
            index = _build(now, embedder)
    return index


def caught_up(index: VectorIndex, corpus: Corpus, embedder: Embedder) -> VectorIndex:
    """The index of the corpus as it stands, from that of an earlier generation of it."""
    with corpus.at(corpus.generation) as now, suppress(GenerationGone):
        moved = _moved(index, now, embedder)
        if moved.drift <= COMPACT_AT:
            return moved
    return open_index(corpus, embedder)


def embed_missing(corpus: Corpus, embedder: Embedder) -> int:
    """Embeds the passages whose vectors the store does not hold yet; returns how many."""
    return len(_embed_missing(corpus, embedder))


def repair(corpus: Corpus) -> list[str]:
    """Removes index files that are damaged or hold other passages than they should; tells each in a line.

    Such a file is never searched, and the next question builds a new one from the vectors in the store.
    """
    lines = []
    for file in corpus.index_files():
        if fault := _fault(corpus, file):
            corpus.drop_index(file)
            lines.append(f"index/{file.name}: {fault}; it will be built again")
    return lines


def _fault(corpus: Corpus, file: IndexFile) -> str:
    path = corpus.folder / "index" / file.name
    if not path.is_file():
        return "is missing"
    try:
        if file_digest(path) != file.sha256:
            return "has other bytes than were recorded"
        held = set(_ids(faiss.read_index(str(path))).tolist())
    except (OSError, RuntimeError) as exc:
        return f"cannot be read ({exc})"
    with corpus.at(file.generation) as then:
        wanted = {passage.id for passage in then.passages()}
    return f"lacks {len(wanted - held)} passages, has {len(held - wanted)} too many" if held != wanted else ""


def _embed_missing(
    corpus: Corpus, embedder: Embedder, ids: Collection[int] | None = None
) -> Mapping[str, Vectors]:
    """The vectors that were missing, by text digest; kept in the store unless that cannot be written now."""
    missing = corpus.missing_vectors(embedder.digest, ids)
    made: dict[str, Vectors] = {}
    # Texts of like length are embedded together, and what is done stays done if this is broken off.
    digests = sorted(missing, key=lambda digest: len(missing[digest]))
    for start in range(0, len(digests), EMBEDDED_AT_ONCE):
        some = digests[start : start + EMBEDDED_AT_ONCE]
        vectors = embedder.encode([missing[digest] for digest in some])
        batch = dict(zip(some, vectors, strict=True))
        with suppress(CorpusBusy, NotWritten):
            corpus.put_vectors(embedder.digest, batch)
        made |= batch
    return made


def _from_file(now: Corpus, embedder: Embedder) -> VectorIndex | None:
    if (found := now.index_file(embedder.digest)) is None:
        return None
    file, path = found
    try:
        if file_digest(path) != file.sha256:
            return None
        base = faiss.read_index(str(path))
    except (OSError, RuntimeError):  # gone since it was looked up, because another process wrote a newer one
        return None
    return _moved(VectorIndex(file.generation, base), now, embedder)


def _moved(index: VectorIndex, now: Corpus, embedder: Embedder) -> VectorIndex:
    came, went = now.moved(index.generation)
    held = np.concatenate([_ids(index.base), index.later_ids])
    new = np.array(came, np.int64)[~np.isin(came, held)]
    gone = (index.gone | frozenset(went)) - frozenset(came)
    if not len(new):
        return VectorIndex(now.generation, index.base, gone, index.later_ids, index.later)
    beside = _embed_missing(now, embedder, new.tolist())
    ids, vectors = now.vectors(embedder.digest, ids=new.tolist(), beside=beside)
    later = np.vstack([index.later, vectors]) if len(index.later_ids) else vectors
    return VectorIndex(now.generation, index.base, gone, np.concatenate([index.later_ids, ids]), later)


def _build(now: Corpus, embedder: Embedder) -> VectorIndex:
    ids, vectors = now.vectors(embedder.digest, beside=_embed_missing(now, embedder))
    kind, index, recall = fitting_index(ids, vectors)
    with suppress(CorpusBusy, GenerationGone, NotWritten):
        now.publish_index(
            embedder.digest,
            lambda path: _write(index, path),
            kind=kind,
            passages=len(ids),
            recall=recall,
        )
    return VectorIndex(now.generation, index)


def _write(index: Any, path: Path) -> None:
    try:
        faiss.write_index(index, str(path))
    except RuntimeError as exc:
        raise OSError(str(exc)) from exc


def fitting_index(ids: Ids, vectors: Vectors) -> tuple[str, Any, float]:
    """An index of these vectors, with the name of its kind and its recall against exact search.

    Up to ``FLAT_LIMIT`` vectors it is exact. Above it is a graph, which keeps so many candidates in a search
    that the recall is at least ``WANTED_RECALL``; where no number in ``EF_SEARCH`` is enough, it is exact.
    """
    flat = _filled(faiss.IndexFlatIP(vectors.shape[1]), ids, vectors)
    if len(ids) > FLAT_LIMIT:
        graph = faiss.IndexHNSWFlat(vectors.shape[1], NEIGHBOURS, faiss.METRIC_INNER_PRODUCT)
        graph.hnsw.efConstruction = EF_CONSTRUCTION
        index = _filled(graph, ids, vectors)
        for graph.hnsw.efSearch in EF_SEARCH:
            if (recall := _recall(index, flat, vectors)) >= WANTED_RECALL:
                return "hnsw", index, recall
    return "flat", flat, 1.0


def _filled(searched: Any, ids: Ids, vectors: Vectors) -> Any:
    index = faiss.IndexIDMap2(searched)
    index.add_with_ids(vectors, ids)
    return index


def _recall(index: Any, exact: Any, vectors: Vectors) -> float:
    """The share of what an index finds that is as near as the nearest, for a sample of its own vectors."""
    queries = vectors[:: max(1, len(vectors) // SAMPLE)][:SAMPLE]
    k = min(SAMPLE_K, len(vectors))
    furthest = exact.search(queries, k)[0][:, -1:]
    return float(np.mean(index.search(queries, k)[0] >= furthest - 1e-6))


def _ids(index: Any) -> Ids:
    return faiss.vector_to_array(index.id_map)
