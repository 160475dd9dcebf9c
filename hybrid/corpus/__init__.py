"""Text that is searched: read, split into passages, kept in generations."""

from hybrid.corpus.builtin import open_corpus
from hybrid.corpus.changes import Change
from hybrid.corpus.holders import holders
from hybrid.corpus.importing import Imported, import_set
from hybrid.corpus.reading import read_documents
from hybrid.corpus.split import Piece, split
from hybrid.corpus.store import Corpus

__all__ = [
    "Change",
    "Corpus",
    "Imported",
    "Piece",
    "holders",
    "import_set",
    "open_corpus",
    "read_documents",
    "split",
]
