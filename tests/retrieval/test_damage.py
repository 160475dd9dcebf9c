import random
import resource
import signal
import subprocess
import sys

from hybrid.corpus.store import Corpus
from hybrid.records import Document
from hybrid.retrieval.embed import HashingEmbedder
from hybrid.retrieval.index import open_index
from hybrid.retrieval.retriever import Retriever

EMBEDDER = HashingEmbedder(64)


def test_no_damaged_index_file_is_searched(small_corpus):
    queries = EMBEDDER.encode(["the colour of the fig", "what a grape costs"])
    open_index(small_corpus, EMBEDDER)
    sound = open_index(small_corpus, EMBEDDER).search(queries, 16)
    _, path = small_corpus.index_file(EMBEDDER.digest)
    intact = path.read_bytes()
    draw = random.Random(0)
    for number in range(600):
        damaged = bytearray(intact)
        if number % 2:
            damaged[draw.randrange(len(damaged))] ^= 1 << draw.randrange(8)
        else:
            del damaged[draw.randrange(len(damaged)) :]
        path.write_bytes(damaged)
        found = open_index(small_corpus, EMBEDDER).search(queries, 16)
        assert [each.tolist() for each in found] == [each.tolist() for each in sound]
        assert path.read_bytes() == intact


def test_of_500_removed_documents_none_is_found_any_more(state_folder):
    documents = [Document(f"{number}", "", f"Number {number} tells word{number}.") for number in range(500)]
    with Corpus.create("many", documents=documents) as corpus, Corpus.open("many") as other:
        retriever = Retriever(corpus, EMBEDDER, 3, lexical=False)
        found = 0
        for document in documents[:-3]:
            other.remove([document.id])
            found += document.id in {hit.passage.document for hit in retriever.retrieve(document.text)}
        assert found == 0


LIMITED = """
import sys
from hybrid.corpus.store import Corpus
from hybrid.errors import CorpusError
from hybrid.records import Document
with Corpus.open("fruit") as corpus:
    try:
        corpus.add([Document("big", "", "Much text. " * 100_000)])
    except CorpusError as exc:
        sys.exit(str(exc))
"""


def test_a_file_that_may_not_grow_is_one_line_and_what_was_there_serves(small_corpus):
    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))

    done = subprocess.run(
        [sys.executable, "-c", LIMITED], preexec_fn=limit, stderr=subprocess.PIPE, text=True, check=False
    )
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert 'Corpus "fruit" was not changed, because writing failed (' in done.stderr
    assert len(small_corpus.documents()) == 8
    assert small_corpus.check() == []
    small_corpus.add([Document("big", "", "Much text. " * 100_000)])
