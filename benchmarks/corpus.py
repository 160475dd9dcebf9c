"""How fast a corpus is built, opened, searched and changed, against LlamaIndex with its FAISS store.

    python benchmarks/corpus.py [--passages 10000 100000] [--repeats 3] [--out FILE] [--write]

The same texts and vectors on both sides (384 dimensions, made up, so that no model is timed), each arm in a
fresh process, one after the other, by turns:

- **build**: passages with vectors become a corpus (SQLite, durable) with its index file; a
  ``VectorStoreIndex`` over ``FaissVectorStore`` (flat, inner product), persisted.
- **open**: until the first query can be answered; memory is what the process grew by.
- **query**: the five nearest with their texts, one query after another; beside it FAISS alone, without texts.
- **change**: one passage in a hundred gets another text and vector, until the next query can be answered;
  LlamaIndex' store cannot do this, so it is a share of our own build.

``--embedder`` times something else: passages that a corpus embeds with the bundled model, against
``SentenceTransformer.encode`` alone on the same texts sorted by length.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from committed import keep, markdown

DIMENSION, K, QUERIES = 384, 5, 200
WORDS = ("fig", "plum", "pear", "quince", "medlar", "harvest", "storage", "press", "cellar", "frost")


class Precomputed:
    """An embedder that knows its vectors: text → unit vector."""

    digest, dimension = "precomputed", DIMENSION

    def __init__(self, known: dict[str, Any]) -> None:
        self._known = known

    def encode(self, texts: Sequence[str]) -> Any:
        """Vectors of known texts, [n, d]."""
        return np.stack([self._known[text] for text in texts])


def texts_of(passages: int, edition: int = 0) -> list[str]:
    """Made-up texts of about 250 characters; those of another edition are others."""
    draw = np.random.default_rng(edition)
    chosen = draw.integers(0, len(WORDS), (passages, 40))
    return [
        f"Passage {number} of edition {edition}. " + " ".join(WORDS[word] for word in row)
        for number, row in enumerate(chosen)
    ]


def vectors_of(rows: int, seed: int) -> Any:
    """Random unit vectors [rows, d]."""
    made = np.random.default_rng(seed).standard_normal((rows, DIMENSION), dtype=np.float32)
    return made / np.linalg.norm(made, axis=1, keepdims=True)


def ours_build(folder: Path, passages: int) -> dict[str, float]:
    """Builds, then changes one passage in a hundred."""
    from hybrid.corpus.store import Corpus
    from hybrid.records import Document
    from hybrid.retrieval.index import caught_up, open_index

    texts, vectors = texts_of(passages), vectors_of(passages, 1)
    changed = texts_of(passages // 100, edition=1)
    embedder = Precomputed(dict(zip(texts, vectors, strict=True)))
    embedder._known |= dict(zip(changed, vectors_of(len(changed), 2), strict=True))
    started = time.perf_counter()
    documents = (Document(str(number), "", text) for number, text in enumerate(texts))
    with Corpus.create("c", home=folder, documents=documents) as corpus:
        index = open_index(corpus, embedder)
        built = time.perf_counter()
        corpus.update(Document(str(100 * number), "", text) for number, text in enumerate(changed))
        index = caught_up(index, corpus, embedder)
        ended = time.perf_counter()
        assert index.size == passages
    return {"build": built - started, "change": ended - built}


def theirs_build(folder: Path, passages: int) -> dict[str, float]:
    """Builds and persists."""
    import faiss
    from llama_index.core import StorageContext, VectorStoreIndex
    from llama_index.core.embeddings import MockEmbedding
    from llama_index.core.schema import TextNode
    from llama_index.vector_stores.faiss import FaissVectorStore

    texts, vectors = texts_of(passages), vectors_of(passages, 1).tolist()
    started = time.perf_counter()
    nodes = [
        TextNode(id_=str(number), text=text, embedding=vector)
        for number, (text, vector) in enumerate(zip(texts, vectors, strict=True))
    ]
    store = FaissVectorStore(faiss.IndexFlatIP(DIMENSION))
    context = StorageContext.from_defaults(vector_store=store)
    VectorStoreIndex(nodes, storage_context=context, embed_model=MockEmbedding(DIMENSION))
    context.persist(str(folder))
    return {"build": time.perf_counter() - started}


def ours_open(folder: Path, _: int) -> dict[str, float]:
    """Opens, and asks; beside it FAISS alone."""
    import faiss

    from hybrid.corpus.store import Corpus
    from hybrid.records import Hit
    from hybrid.retrieval.index import open_index

    queries = vectors_of(QUERIES, 3)
    before, started = resident(), time.perf_counter()
    corpus = Corpus.open("c", home=folder)
    index = open_index(corpus, Precomputed({}))
    opened, grown = time.perf_counter() - started, resident() - before

    def ask(query: Any) -> list[Hit]:
        ids, scores = index.search(query, K)
        found = corpus.fetch(ids[0].tolist())
        return [Hit(found[int(id)], float(score)) for id, score in zip(ids[0], scores[0], strict=True)]

    file = corpus.index_file("precomputed")
    assert file is not None
    alone = faiss.read_index(str(file[1]))
    asked = by_turns(queries, ask, lambda query: alone.search(query, K))
    assert len(ask(queries[:1])) == K
    return {"open": opened, "memory_mb": grown, "query_ms": asked[0], "faiss_ms": asked[1]}


def theirs_open(folder: Path, _: int) -> dict[str, float]:
    """Opens, and asks."""
    from llama_index.core import StorageContext, load_index_from_storage
    from llama_index.core.embeddings import MockEmbedding
    from llama_index.core.schema import QueryBundle
    from llama_index.vector_stores.faiss import FaissVectorStore

    queries = vectors_of(QUERIES, 3)
    before, started = resident(), time.perf_counter()
    store = FaissVectorStore.from_persist_dir(str(folder))
    context = StorageContext.from_defaults(vector_store=store, persist_dir=str(folder))
    index = load_index_from_storage(context, embed_model=MockEmbedding(DIMENSION))
    retriever = index.as_retriever(similarity_top_k=K)
    opened, grown = time.perf_counter() - started, resident() - before
    [asked] = by_turns(
        queries, lambda query: retriever.retrieve(QueryBundle("", embedding=query[0].tolist()))
    )
    return {"open": opened, "memory_mb": grown, "query_ms": asked}


ARMS = {"ours": (ours_build, ours_open), "LlamaIndex": (theirs_build, theirs_open)}


def by_turns(queries: Any, *asks: Any) -> list[float]:
    """The median milliseconds of each way to ask, a query at a time and the ways by turns."""
    taken: list[list[float]] = [[] for _ in asks]
    for row in range(len(queries)):
        for times, ask in zip(taken, asks, strict=True):
            started = time.perf_counter()
            ask(queries[row : row + 1])
            times.append(1000 * (time.perf_counter() - started))
    return [statistics.median(times) for times in taken]


def resident() -> float:
    """What this process has in memory, in MB."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 1e6


def in_fresh_process(*arguments: object) -> dict[str, float]:
    """Runs a part of an arm by this script."""
    command = [sys.executable, __file__, "--arm", *map(str, arguments)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def compare(passages: int, repeats: int) -> dict[str, Any]:
    """The arms by turns; medians, and the ratios of each repeat's figures in their median."""
    found: dict[str, list[dict[str, float]]] = {name: [] for name in ARMS}
    for repeat in range(repeats):
        for name in reversed(ARMS) if repeat % 2 else ARMS:
            with tempfile.TemporaryDirectory() as folder:
                built = in_fresh_process(name, 0, folder, passages)
                found[name].append(built | in_fresh_process(name, 1, folder, passages))
    pairs = list(zip(found["ours"], found["LlamaIndex"], strict=True))
    return {
        "figures": {
            name: {key: statistics.median(each[key] for each in runs) for key in runs[0]}
            for name, runs in found.items()
        },
        "ratios": {
            "build, theirs to ours": statistics.median(b["build"] / a["build"] for a, b in pairs),
            "open, theirs to ours": statistics.median(b["open"] / a["open"] for a, b in pairs),
            "memory, ours to theirs": statistics.median(a["memory_mb"] / b["memory_mb"] for a, b in pairs),
            "query, ours to FAISS alone": statistics.median(a["query_ms"] / a["faiss_ms"] for a, _ in pairs),
            "change of 1 %, to a build": statistics.median(a["change"] / a["build"] for a, _ in pairs),
        },
    }


WANTED = {
    "build, theirs to ours": ("at least", 5.0),
    "open, theirs to ours": ("at least", 10.0),
    "memory, ours to theirs": ("at most", 0.5),
    "query, ours to FAISS alone": ("at most", 1.2),
    "change of 1 %, to a build": ("at most", 0.03),
}


def embedding(passages: int) -> dict[str, float]:
    """How near ingestion comes to the embedder alone: seconds of both, and their ratio."""
    from hybrid import models
    from hybrid.corpus.builtin import CorpusSpec, builtin_documents
    from hybrid.corpus.store import Corpus
    from hybrid.library import builtin_corpora
    from hybrid.retrieval.embed import SentenceEmbedder
    from hybrid.retrieval.index import embed_missing
    from hybrid.specs import load_spec

    manifest = builtin_corpora()["python-reference"]
    documents = builtin_documents(load_spec(CorpusSpec, manifest), manifest.parent)
    embedder = SentenceEmbedder(models.locate("bundled:all-minilm-l6-v2"), "cpu")
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        with Corpus.create("c", home=Path(folder), documents=documents) as corpus:
            texts = sorted(list(corpus.missing_vectors(embedder.digest).values())[:passages], key=len)
            made = time.perf_counter() - started
            started = time.perf_counter()
            embedder._model.encode(texts, batch_size=32, normalize_embeddings=True)
            alone = time.perf_counter() - started
            started = time.perf_counter()
            embed_missing(corpus, embedder)
            ingested = made + time.perf_counter() - started
    return {"passages": len(texts), "alone": alone, "ingested": ingested, "ratio": alone / ingested}


def table(outcome: dict[str, Any]) -> str:
    """A ratio a line for each number of passages, with what was wanted."""
    rows = [
        [passages, name, f"{ratio:.3g}", f"{WANTED[name][0]} {WANTED[name][1]:g}", _met(name, ratio)]
        for passages, part in outcome["passages"].items()
        for name, ratio in part["ratios"].items()
    ]
    return markdown(["passages", "ratio", "measured", "wanted", ""], rows)


def _met(name: str, ratio: float) -> str:
    bound, limit = WANTED[name]
    return "" if (ratio >= limit if bound == "at least" else ratio <= limit) else "MISSED"


def main() -> None:
    """Prints ratios."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--passages", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--embedder", action="store_true", help="ingestion with the bundled model instead")
    parser.add_argument("--out", type=Path, help="a file for the outcome as JSON")
    parser.add_argument("--write", action="store_true", help="keep it in results/ and in README.md")
    parser.add_argument("--arm", nargs=4, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.arm:
        name, part, folder, passages = asked.arm
        print(json.dumps(ARMS[name][int(part)](Path(folder), int(passages))))
        return
    if asked.embedder:
        print(json.dumps(embedding(2_000)))
        return
    load = os.getloadavg()[0]
    outcome = {
        "load_before": round(load, 2),
        "versions": {name: version(name) for name in ("faiss-cpu", "llama-index-core", "numpy")},
        "passages": {str(passages): compare(passages, asked.repeats) for passages in asked.passages},
    }
    print(table(outcome))
    if asked.out:
        asked.out.write_text(json.dumps(outcome, indent=1) + "\n", encoding="utf-8")
    if asked.write:
        keep("corpus", outcome, table(outcome))


if __name__ == "__main__":
    main()
