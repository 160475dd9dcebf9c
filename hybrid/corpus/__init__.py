"""Text that is searched: read, split into passages, kept in generations."""

from hybrid.corpus.builtin import open_corpus
from hybrid.corpus.changes import Change
from hybrid.corpus.holders import holders
from hybrid.corpus.importing import Imported, import_set
from hybrid.corpus.reading import Ingest, Limits, Skipped, ingest, read_documents, whole_path
from hybrid.corpus.split import Piece, split
from hybrid.corpus.store import Corpus

__all__ = [
    "Change",
    "Corpus",
    "Imported",
    "Ingest",
    "Limits",
    "Piece",
    "Skipped",
    "holders",
    "import_set",
    "ingest",
    "open_corpus",
    "read_documents",
    "split",
    "whole_path",
]
