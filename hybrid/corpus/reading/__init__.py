"""Files and folders become documents; what cannot be read is told."""

from hybrid.corpus.reading.limits import Limits
from hybrid.corpus.reading.reader import ingest, read_documents, whole_path
from hybrid.corpus.reading.report import Ingest, Skipped

__all__ = ["Ingest", "Limits", "Skipped", "ingest", "read_documents", "whole_path"]
