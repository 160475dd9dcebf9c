"""The best prompt: examples from the training questions, nearest first, in front of the question.

It is the fair rival of tuning: the same training questions, used without training.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hybrid.generation.prompt import Example
from hybrid.records import Question
from hybrid.retrieval.embed import Embedder
from hybrid.retrieval.retriever import Retriever
from hybrid.specs import DistractorsSpec, TuningSpec
from hybrid.suites import Suite
from hybrid.tuning.builder import RowBuilder
from hybrid.tuning.lessons import trainable_questions
from hybrid.tuning.rows import TrainingRow

EXAMPLE_PASSAGES = 2


@dataclass(frozen=True, slots=True)
class ExampleBook:
    """Worked examples made from training questions, found by nearness to the question asked.

    Attributes:
        rows: one training row a question: gold and a distractor, or two that do not tell.
        vectors: of their questions, unit length, shape [rows, dimension].
        embedder: made the vectors.
    """

    rows: tuple[TrainingRow, ...]
    vectors: np.ndarray[tuple[int, ...], np.dtype[np.float32]]
    embedder: Embedder

    def nearest(
        self, questions: Sequence[Question], count: int, *, retrieval: bool
    ) -> list[tuple[Example, ...]]:
        """For each question the nearest examples, the nearest last, never the question itself."""
        asked = self.embedder.encode([question.full_text for question in questions])
        order = np.argsort(-(asked @ self.vectors.T), axis=1, kind="stable")
        return [
            self._examples(question, row.tolist(), count, retrieval)
            for question, row in zip(questions, order, strict=True)
        ]

    def _examples(
        self, question: Question, order: list[int], count: int, retrieval: bool
    ) -> tuple[Example, ...]:
        rows = [self.rows[i] for i in order if self.rows[i].question.id != question.id][:count]
        return tuple(_example(row, retrieval) for row in reversed(rows))


def open_book(suite: Suite, retriever: Retriever, seed: int) -> ExampleBook:
    """Makes the worked examples of a suite.

    Raises:
        NoTrainingQuestions: the suite has none.
    """
    questions = trainable_questions(suite)
    # One row for each question, so that the silent ones are those that cannot be answered.
    silent = sum(not question.answerable for question in questions) / len(questions)
    spec = TuningSpec(
        rows=len(questions),
        distractors_only=silent,
        no_context_rows=0,
        distractors=DistractorsSpec(hard=1),
    )
    builder = RowBuilder(
        suite.corpus, retriever, passages=EXAMPLE_PASSAGES, spec=spec, style=suite.spec.answers, seed=seed
    )
    rows = builder.build(questions)
    vectors = retriever.embedder.encode([row.question.full_text for row in rows])
    return ExampleBook(tuple(rows), vectors, retriever.embedder)


def _example(row: TrainingRow, retrieval: bool) -> Example:
    shown = row if retrieval else row.without_passages()
    return Example(row.question.text, shown.passages, shown.target, row.question.history)
