"""The gold passages and nothing else: what is left to gain by better retrieval."""

from collections.abc import Mapping

from hybrid.evaluation.job import Job
from hybrid.records import Passage
from hybrid.tuning.gold import gold_passages


def oracle(job: Job) -> Mapping[str, tuple[Passage, ...]]:
    """Question id → its gold passages; of a document that is gold as a whole the first ones, at most k."""
    corpus = job.suite.corpus
    found = {}
    for question in job.all_questions:
        passages = gold_passages(corpus, question)
        if not passages:
            passages = [passage for gold in question.gold or () for passage in corpus.holding(gold)]
        found[question.id] = tuple(passages[: job.spec.retrieval.k])
    return found
