"""What a pipeline learns: rows of one suite or of several, as text and as token ids, and general data."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

from hybrid.errors import NoTrainingQuestions
from hybrid.generation.encode import ChatEncoder
from hybrid.models import Served, Weights
from hybrid.pipeline import load_retriever
from hybrid.progress import SILENT, Progress
from hybrid.records import Question
from hybrid.retrieval.retriever import Retriever
from hybrid.specs import PipelineSpec, TuningSpec
from hybrid.suites import Suite, load_suite
from hybrid.tuning.builder import RowBuilder
from hybrid.tuning.canaries import codes_planted, with_canaries
from hybrid.tuning.encoding import Lesson, fit_rows
from hybrid.tuning.gold import trainable
from hybrid.tuning.held_out import MOST_ROWS, HeldOut, as_asked, hold_out
from hybrid.tuning.known import known_unaided
from hybrid.tuning.replay import replay
from hybrid.tuning.rows import TrainingRow
from hybrid.tuning.teacher import Teacher


@dataclass(frozen=True, slots=True)
class Source:
    """Where rows come from: a suite, the retriever over its corpus, and how many rows it gives.

    ``known`` are ids of its training questions that the base answers right unaided.
    """

    suite: Suite
    retriever: Retriever
    tuning: TuningSpec
    known: Collection[str]


@dataclass(frozen=True, slots=True)
class Taught:
    """What is learned from one source.

    Attributes:
        source: of the rows.
        lessons: in their order.
        left_out: rows that are too long even without distractors.
        teacher: what a manifest tells of a larger model that wrote targets; empty without one.
    """

    source: Source
    lessons: list[Lesson]
    left_out: list[TrainingRow]
    teacher: dict[str, Any]

    @property
    def rows(self) -> list[TrainingRow]:
        """The rows as they are learned."""
        return [lesson.row for lesson in self.lessons if lesson.row]

    def to_json(self) -> dict[str, Any]:
        """What a manifest tells of the source.

        ``documents`` hold the answers that were learned; ``shown`` are all whose text stood in a row. Loss is
        taken on answers only.
        """
        corpus, rows = self.source.suite.corpus, self.rows
        told = {
            "suite": self.source.suite.name,
            "corpus": {"name": corpus.name, "generation": corpus.generation, "digest": corpus.digest},
            "rows": len(rows),
            "documents": sorted({gold.document for row in rows for gold in row.question.gold or ()}),
            "shown": sorted({passage.document for row in rows for passage in row.passages}),
        }
        return told | ({"teacher": self.teacher} if self.teacher else {})


@dataclass(frozen=True, slots=True)
class Lessons:
    """Everything that a pipeline learns.

    Attributes:
        taught: from each source.
        replay: general data, learned last.
        canaries: so many codes, from the first one on, hold all that were planted.
    """

    taught: list[Taught]
    replay: list[Lesson]
    canaries: int

    @property
    def rows(self) -> list[Lesson]:
        """All, in their order."""
        return [*(lesson for each in self.taught for lesson in each.lessons), *self.replay]


Teach = Callable[[Sequence[TrainingRow]], list[TrainingRow]]


def make_lessons(
    spec: PipelineSpec,
    suite: Suite,
    retriever: Retriever,
    weights: Weights,
    encoder: ChatEncoder,
    *,
    seed: int,
    teacher: Served | None = None,
    progress: Progress = SILENT,
) -> Lessons:
    """Everything that :func:`tune` learns with the same arguments; ``encoder`` is that of the weights.

    Raises:
        NoTrainingQuestions: there is nothing to train on.
        RunStopped: the teacher did not answer everything.
    """
    taught = [
        _taught(spec, source, encoder, seed, teacher, progress)
        for source in _sources(spec, suite, retriever, weights, progress)
    ]
    rows = [row for each in taught for row in each.rows]
    if not rows:
        raise NoTrainingQuestions(
            f'Suite "{suite.name}": no training row fits into {spec.tuning.max_row_tokens} tokens. '
            "Raise tuning.max_row_tokens."
        )
    canaries = codes_planted(rows, spec.tuning.canaries, seed)
    return Lessons(taught, replay(spec, weights, len(rows), seed, progress), canaries)


def _taught(
    spec: PipelineSpec,
    source: Source,
    encoder: ChatEncoder,
    seed: int,
    teacher: Served | None,
    progress: Progress,
) -> Taught:
    asked = Teacher(teacher, spec.generation, source.suite, progress) if teacher else None
    rows = training_rows(
        spec.model_copy(update={"tuning": source.tuning}),
        source.suite,
        source.retriever,
        seed=seed,
        known=source.known,
        teach=asked.teach if asked else None,
    )
    fitted = fit_rows(
        rows,
        encoder,
        end_id=encoder.tokenizer.eos_token_id,
        max_tokens=spec.tuning.max_row_tokens,
        style=source.suite.spec.answers,
    )
    return Taught(
        source,
        [lesson for lesson in fitted if lesson],
        [row for row, lesson in zip(rows, fitted, strict=True) if not lesson],
        asked.to_json() if asked else {},
    )


def training_rows(
    spec: PipelineSpec,
    suite: Suite,
    retriever: Retriever,
    *,
    seed: int,
    known: Collection[str] = (),
    teach: Teach | None = None,
) -> list[TrainingRow]:
    """The rows that a pipeline learns from a suite.

    Documents that only ``unseen`` evaluation questions ask about are never read, not even as distractors;
    nor are those of questions that ``tuning.held_out`` keeps out.

    Args:
        spec: the pipeline.
        suite: its training questions are used; those without reference or gold are left out.
        retriever: over the suite's corpus.
        seed: decides everything that is drawn.
        known: ids of questions that the base answers right unaided (for ``from_memory``).
        teach: puts other targets in place of the references, see :mod:`hybrid.tuning.teacher`.

    Raises:
        NoTrainingQuestions: the suite has none that can be trained on.
    """
    learned, held_out = _divided(spec, suite, seed)
    avoid = unseen_documents(suite) | {gold.document for question in held_out for gold in question.gold or ()}
    builder = _builder(spec, suite, retriever, spec.tuning, seed, avoid)
    rows = builder.build(learned, known)
    return with_canaries(teach(rows) if teach else rows, spec.tuning.canaries, seed)


def held_out_rows(
    spec: PipelineSpec,
    suite: Suite,
    retriever: Retriever,
    *,
    seed: int,
    known: Collection[str] = (),
    most: int = MOST_ROWS,
) -> HeldOut:
    """Rows of the questions of a suite that ``tuning.held_out`` keeps out of :func:`training_rows`.

    Args:
        spec: the pipeline.
        suite: see :func:`training_rows`, as the others.
        retriever: over the suite's corpus.
        seed: decides everything that is drawn.
        known: ids of questions that the base answers right unaided.
        most: rows.
    """
    _, held_out = _divided(spec, suite, seed)
    if not held_out:
        return HeldOut((), suite.spec.answers)
    tuning = as_asked(spec.tuning, min(most, len(held_out)))
    builder = _builder(spec, suite, retriever, tuning, seed, unseen_documents(suite))
    return HeldOut(tuple(builder.build(held_out, known)), suite.spec.answers)


def _divided(spec: PipelineSpec, suite: Suite, seed: int) -> tuple[list[Question], list[Question]]:
    return hold_out(trainable_questions(suite), suite.corpus, spec.tuning.held_out, seed)


def _builder(
    spec: PipelineSpec,
    suite: Suite,
    retriever: Retriever,
    tuning: TuningSpec,
    seed: int,
    avoid: Collection[str],
) -> RowBuilder:
    return RowBuilder(
        suite.corpus,
        retriever,
        passages=spec.retrieval.k,
        spec=tuning,
        style=suite.spec.answers,
        seed=seed,
        avoid=avoid,
    )


def unseen_documents(suite: Suite) -> frozenset[str]:
    """Documents that evaluation questions ask about and no training question does."""
    asked = {gold.document for question in suite.questions for gold in question.gold or ()}
    return frozenset(asked - {gold.document for question in suite.training for gold in question.gold or ()})


def trainable_questions(suite: Suite) -> list[Question]:
    """The training questions from which a target can be made.

    Raises:
        NoTrainingQuestions: the suite has none.
    """
    questions = [question for question in suite.require_training() if trainable(suite.corpus, question)]
    if not questions:
        raise NoTrainingQuestions(
            f'Suite "{suite.name}": no training question has both a reference and gold. '
            "Name an adapter with --adapter FOLDER, or leave the tuned cells out with --cells base,base+rag."
        )
    return questions


def _sources(
    spec: PipelineSpec,
    suite: Suite,
    retriever: Retriever,
    weights: Weights,
    progress: Progress,
) -> list[Source]:
    """The suites of the mixture, each with its rows; without a mixture the suite that is asked.

    Codes are planted into the rows of the first one alone, so that each stands once.
    """
    if not spec.tuning.mixture:
        return [Source(suite, retriever, spec.tuning, known_unaided(spec, suite, weights, progress))]
    sources: list[Source] = []
    for name, part in spec.tuning.mixture.items():
        opened = load_suite(name, say=progress.say)
        canaries = 0 if sources else spec.tuning.canaries
        tuning = spec.tuning.of(part).model_copy(update={"canaries": canaries})
        own = spec.model_copy(update={"tuning": tuning})
        sources.append(
            Source(
                opened,
                load_retriever(spec, opened.corpus, progress.say),
                tuning,
                known_unaided(own, opened, weights, progress),
            )
        )
    return sources
