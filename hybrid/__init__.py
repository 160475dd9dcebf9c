"""Retrieve, fine-tune, both, or neither? Measured on your corpus and your questions.

The public names are loaded when they are first used: importing ``hybrid`` loads nothing heavy.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hybrid.adapters import Adapter
    from hybrid.corpus.reading import ingest
    from hybrid.corpus.store import Corpus
    from hybrid.errors import HybridError
    from hybrid.evaluation.answers_from import evaluate_answers
    from hybrid.evaluation.ragas_figures import ragas_scores
    from hybrid.evaluation.report import Report, open_report
    from hybrid.evaluation.run import evaluate
    from hybrid.pipeline import Pipeline
    from hybrid.records import Answer, Citation, Document, Passage, Question, Turn
    from hybrid.retrieval.vector_store import CorpusVectorStore
    from hybrid.tuning.tune import tune_pipeline as tune

_PLACES = {
    "Adapter": "hybrid.adapters",
    "Answer": "hybrid.records",
    "Citation": "hybrid.records",
    "Corpus": "hybrid.corpus.store",
    "CorpusVectorStore": "hybrid.retrieval.vector_store",
    "Document": "hybrid.records",
    "HybridError": "hybrid.errors",
    "Passage": "hybrid.records",
    "Pipeline": "hybrid.pipeline",
    "Question": "hybrid.records",
    "Report": "hybrid.evaluation.report",
    "Turn": "hybrid.records",
    "evaluate": "hybrid.evaluation.run",
    "evaluate_answers": "hybrid.evaluation.answers_from",
    "ingest": "hybrid.corpus.reading",
    "open_report": "hybrid.evaluation.report",
    "ragas_scores": "hybrid.evaluation.ragas_figures",
    "tune": "hybrid.tuning.tune",
}

__all__ = [
    "Adapter",
    "Answer",
    "Citation",
    "Corpus",
    "CorpusVectorStore",
    "Document",
    "HybridError",
    "Passage",
    "Pipeline",
    "Question",
    "Report",
    "Turn",
    "evaluate",
    "evaluate_answers",
    "ingest",
    "open_report",
    "ragas_scores",
    "tune",
]


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module 'hybrid' has no attribute {name!r}")
    return getattr(importlib.import_module(_PLACES[name]), "tune_pipeline" if name == "tune" else name)
