"""Does a reader ever see half a change, or one older than what a writer was told is done?

    python benchmarks/readers.py [--opens 10000] [--batches 1000]

One process writes batches: each changes all documents of a corpus at once to texts that name the batch.
Meanwhile this process opens the corpus again and again, each time reads documents, passages and history, and
every tenth time searches. All it reads of one opening has to be of one batch, and of none before the last
that the writer was told is done.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from hybrid.corpus.store import Corpus
from hybrid.records import Document
from hybrid.retrieval.embed import HashingEmbedder
from hybrid.retrieval.retriever import Retriever

DOCUMENTS = 20
EMBEDDER = HashingEmbedder(16)


def batch(number: int) -> list[Document]:
    """The documents after a batch."""
    return [Document(f"d{each}", "", f"Batch {number}. Document {each}.") for each in range(DOCUMENTS)]


def write(home: Path, batches: int) -> None:
    """Writes the batches, and after each its number into the file ``done``."""
    with Corpus.open("read", home=home) as corpus:
        for number in range(1, batches + 1):
            corpus.update(batch(number))
            (home / "done.new").write_text(str(number))
            (home / "done.new").rename(home / "done")


def read(home: Path, number: int) -> str | None:
    """Opens the corpus once; tells what is wrong, if anything is."""
    done = int((home / "done").read_text())
    with Corpus.open("read", home=home) as corpus, corpus.at(corpus.generation) as now:
        texts = [document.text for document in now.documents()]
        texts += [passage.text for passage in now.passages()]
        if number % 10 == 0:
            texts += [hit.passage.text for hit in Retriever(now, EMBEDDER, 50).retrieve("document")]
        seen = {int(text.split()[1].rstrip(".")) for text in texts}
    if len(seen) != 1 or len(texts) not in (2 * DOCUMENTS, 3 * DOCUMENTS):
        return f"opening {number}: {len(texts)} texts of the batches {sorted(seen)}"
    return f"opening {number}: batch {min(seen)} although {done} was done" if min(seen) < done else None


def compete(home: Path, opens: int, batches: int) -> list[str]:
    """What a reader saw that it must not see, while a writer wrote."""
    Corpus.create("read", home=home, documents=batch(0)).close()
    (home / "done").write_text("0")
    command = [sys.executable, __file__, "--write", str(home), "--batches", str(batches)]
    with subprocess.Popen(command) as writer:
        faults = [fault for number in range(opens) if (fault := read(home, number))]
        if writer.wait():
            faults.append("the writer failed")
    with Corpus.open("read", home=home) as corpus:
        if corpus.generation != batches + 1:
            faults.append(f"there are {corpus.generation} generations after {batches} batches")
    return faults


def main() -> int:
    """Reads the command line; 1 if anything was found."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--opens", type=int, default=10_000)
    parser.add_argument("--batches", type=int, default=1_000)
    parser.add_argument("--write", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.write:
        write(asked.write, asked.batches)
        return 0
    with tempfile.TemporaryDirectory() as folder:
        faults = compete(Path(folder), asked.opens, asked.batches)
    print(f"{asked.opens} openings beside {asked.batches} batches: {len(faults)} faults")
    print(*faults, sep="\n")
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
