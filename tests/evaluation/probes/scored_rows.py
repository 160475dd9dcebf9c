"""Rows of probes by hand: what was answered, without a model and without a judge."""

from hybrid.evaluation.outcomes import Outcome
from hybrid.evaluation.scoring import AnswerRecord, ScoredRow
from hybrid.records import Answer, Question, Value


def scored(
    cell, id, text="", *, right=None, silent=False, dropped=0, swap=None, answers=("5 years",), **question
):
    """One row; ``right`` is its ``correct``."""
    asked = Question(id, "How long?", answers, **question)
    answer = Answer(text, (), (), silent, text, dropped_passages=dropped)
    record = AnswerRecord(asked, cell, answer, (), None, swap)
    return ScoredRow(record, (), Outcome.UNDECIDED, {"correct": Value(right)})


def column(cell, *runs):
    """``(30, 1)`` are thirty right answers, 0 is wrong, and "silent" abstains; ids count from q0."""
    fates = [fate for count, fate in runs for _ in range(count)]
    return [
        scored(cell, f"q{n}", right=float(fate == 1), silent=fate == "silent") for n, fate in enumerate(fates)
    ]
