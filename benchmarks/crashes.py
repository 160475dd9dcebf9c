"""Is anything lost when a process that changes a corpus is killed?

    python benchmarks/crashes.py [--kills 300] [--seed 0]

A worker process changes a corpus (add, update, swap, remove, rollback, purge, and index files in between) and
tells the number of each change that returned. It is killed at random moments (SIGKILL), and then:

- every change that was told is there, and the one under way is there as a whole or not at all;
- the store is readable, every digest right, and the index holds the passages of the database;
- what a purge took is in no file, at the latest when somebody has written again.

The changes follow from the seed, so that a plain dictionary knows what has to be there.
"""

import argparse
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from hybrid.corpus.store import Corpus
from hybrid.records import Document
from hybrid.retrieval.embed import HashingEmbedder
from hybrid.retrieval.index import open_index, repair

IDS = [f"d{number}" for number in range(12)]
EMBEDDER = HashingEmbedder(16)
CHANGES = ("add", "update", "update", "swap", "remove", "rollback", "purge", "index")


class Expected:
    """What a corpus has to hold after each change, by a dictionary.

    Attributes:
        number: of changes so far.
        kept: id → document, as it was inserted.
        generations: number → what it held; without those that were purged.
        gone: texts that a purge took out of all files.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.number = 0
        self.kept: dict[str, Document] = {}
        self.generations: dict[int, dict[str, Document]] = {0: {}}
        self.newest = 0
        self.gone: set[str] = set()

    def change(self, corpus: Corpus | None) -> None:
        """Makes the next change: in the corpus, if one is given, and in the dictionary."""
        self.number += 1
        draw = random.Random(f"{self.seed}:{self.number}")
        kind = draw.choice(CHANGES)
        made = {id: self._document(id, draw) for id in draw.sample(IDS, draw.randint(1, 5))}
        match kind:
            case "add":
                new = {id: document for id, document in made.items() if id not in self.kept}
                if new:
                    self._do(corpus and (lambda: corpus.add(new.values())), self.kept | new)
            case "update":
                self._do(corpus and (lambda: corpus.update(made.values())), self.kept | made)
            case "swap":
                self._do(corpus and (lambda: corpus.swap(made.values())), made)
            case "remove" if self.kept:
                ids = draw.sample(sorted(self.kept), 1)
                left = {id: document for id, document in self.kept.items() if id not in ids}
                self._do(corpus and (lambda: corpus.remove(ids)), left)
            case "rollback":
                number = draw.choice(sorted(self.generations))
                self._do(corpus and (lambda: corpus.rollback(number)), self.generations[number])
            case "purge":
                self._purge(corpus)
            case "index" if corpus and self.kept:
                open_index(corpus, EMBEDDER)

    def _do(self, change: object, kept: dict[str, Document]) -> None:
        if callable(change):
            change()
        self.newest += 1
        self.kept = self.generations[self.newest] = dict(kept)

    def _purge(self, corpus: Corpus | None) -> None:
        texts = {document.text for document in self.kept.values()}
        dead = {d.text for held in self.generations.values() for d in held.values()} - texts
        if corpus:
            corpus.purge()
        if dead:
            self.generations = {
                number: held
                for number, held in self.generations.items()
                if not dead & {document.text for document in held.values()}
            }
            self.gone |= dead
            self.newest += 1
            self.generations[self.newest] = dict(self.kept)

    def _document(self, id: str, draw: random.Random) -> Document:
        words = " ".join(draw.choice(("fig", "plum", "pear")) for _ in range(draw.randint(1, 200)))
        return Document(id, "", f"Edition {self.number} of {id}. {words}")


def faults(corpus: Corpus, expected: Expected) -> Iterator[str]:
    """In what a corpus differs from what has to be there."""
    yield from corpus.check()
    yield from repair(corpus)
    held = {document.id: document for document in corpus.documents()}
    if (corpus.generation, held) != (expected.newest, expected.kept):
        yield f"generation {corpus.generation} holds {sorted(held)}, not those of {expected.newest}"
    purged = {entry.number for entry in corpus.history() if entry.purged is not None}
    if purged != set(range(expected.newest + 1)) - set(expected.generations):
        yield f"gone are the generations {sorted(purged)}"
    for number, kept in expected.generations.items():
        with corpus.at(number) as then:
            if {document.id: document for document in then.documents()} != kept:
                yield f"generation {number} is another one"
    if expected.kept:
        index = open_index(corpus, EMBEDDER)
        ids = set(index.search(EMBEDDER.encode(["fig"]), index.size)[0][0].tolist())
        if ids != {passage.id for passage in corpus.passages()}:
            yield "the index has other passages than the database"
    # A purge that was not told has still to take the bytes: the next writer does.
    corpus.put_vectors(EMBEDDER.digest, {})
    files = b"".join(path.read_bytes() for path in corpus.folder.rglob("*") if path.is_file())
    for text in sorted(expected.gone):
        if text[:30].encode() in files:
            yield f"purged, and still in a file: {text[:30]}"


def killed(home: Path, expected: Expected, after: float) -> bool:
    """Runs a worker, kills it, and brings ``expected`` to what it told.

    Args:
        home: where the corpus ``crash`` is.
        expected: what is there now.
        after: seconds from the worker's first sign of life.

    Returns:
        Whether the change under way at the kill was there as a whole.
    """
    command = [sys.executable, __file__, "--work", str(home), str(expected.seed), str(expected.number)]
    worker = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert worker.stdout is not None
    worker.stdout.readline()
    time.sleep(after)
    worker.kill()
    for _ in worker.communicate()[0].split():
        expected.change(None)
    with Corpus.open("crash", home=home) as corpus:
        told, there = expected.newest, corpus.generation
    while expected.newest == told < there:
        expected.change(None)
    return there > told


def work(home: Path, seed: int, done: int) -> None:
    """Changes the corpus until it is killed."""
    expected = Expected(seed)
    while expected.number < done:
        expected.change(None)
    with Corpus.open("crash", home=home) as corpus:
        print("ready", flush=True)
        while True:
            expected.change(corpus)
            print(expected.number, flush=True)


def main() -> int:
    """Reads the command line; 1 if anything was found."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--work", nargs=3, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.work:
        work(Path(asked.work[0]), int(asked.work[1]), int(asked.work[2]))
    with tempfile.TemporaryDirectory() as folder:
        found, whole = kills(Path(folder), asked.kills, asked.seed)
    print(f"{asked.kills} kills, {whole} with the change under way done as a whole, {len(found)} faults")
    print(*found, sep="\n")
    return bool(found)


def kills(home: Path, times: int, seed: int) -> tuple[list[str], int]:
    """Kills so many workers; gives all faults, and how often the change under way was there as a whole."""
    Corpus.create("crash", home=home, passage_chars=200).close()
    expected, found, whole = Expected(seed), [], 0
    draw = random.Random(seed)
    for number in range(times):
        whole += killed(home, expected, draw.uniform(0, 0.2))
        with Corpus.open("crash", home=home) as corpus:
            found += [
                f"kill {number}, change {expected.number}: {fault}" for fault in faults(corpus, expected)
            ]
    return found, whole


if __name__ == "__main__":
    sys.exit(main())
