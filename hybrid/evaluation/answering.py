"""Every question answered in every column: one base loaded once, the adapter toggled."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hybrid import library
from hybrid.adapters import Adapter
from hybrid.evaluation.columns import COLUMNS, RETRAINED, Column
from hybrid.evaluation.few_shot import ExampleBook, open_book
from hybrid.evaluation.job import Job
from hybrid.evaluation.pool import Ranked
from hybrid.evaluation.probes.regurgitation import planted
from hybrid.evaluation.probes.showing import Showcase
from hybrid.generation.answers import AnswerStore
from hybrid.generation.correctness import correct
from hybrid.generation.generator import Generation, Generator, Parity
from hybrid.pipeline import Request, answer_all, load_generator, showing
from hybrid.progress import Progress
from hybrid.records import Answer, Question


@dataclass(frozen=True, slots=True)
class Answered:
    """What the columns answered.

    Attributes:
        answers: column → question id → answer.
        requests: column → question id → what was asked and shown.
        costs: column → what its generation took.
        examples: the number of examples in the few-shot columns; None without them.
        parity: whether token ids reached the model, or messages that a server put into its template.
        showcase: what the probes showed.
    """

    answers: Mapping[str, Mapping[str, Answer]]
    requests: Mapping[str, Mapping[str, Request]]
    costs: Mapping[str, Generation]
    examples: int | None
    parity: Parity
    showcase: Showcase

    @property
    def warnings(self) -> list[str]:
        """What a reader has to know of how prompts reached the model."""
        if self.parity == "ids":
            return []
        return [
            "prompt parity: template. The server put messages into its own template; no token ids were sent"
        ]


def retrieve(job: Job) -> Ranked:
    """Retrieves once for every question; all columns and the evidence pool use the same passages."""
    return _ranked(job, job.all_questions)


def answer_columns(
    job: Job,
    adapter: Adapter | None,
    ranked: Ranked,
    progress: Progress,
    *,
    retrained: Adapter | None = None,
) -> Answered:
    """Answers every question in every column of a job; ``RETRAINED``, the last one, with its own adapter."""
    bench = _Bench(job, adapter, progress)
    examples = bench.best_number_of_examples() if any(column.few_shot for column in job.columns) else None
    answers: dict[str, Mapping[str, Answer]] = {}
    requests: dict[str, Mapping[str, Request]] = {}
    costs: dict[str, Generation] = {}
    showcase = Showcase(job)
    for column in job.columns:
        if column.probe and not column.few_shot:
            asked = showcase.requests(column)
        else:
            asked = bench.requests(column, job.asked(column), ranked, examples or 0)
        requests[column.name] = {request.question.id: request for request in asked}
        if column == RETRAINED and retrained:
            bench.put_on(retrained)
        answers[column.name], costs[column.name] = bench.answer(column, asked)
    return Answered(answers, requests, costs, examples, bench.parity, showcase)


class _Bench:
    """The loaded generator with what the columns need beside it."""

    def __init__(self, job: Job, adapter: Adapter | None, progress: Progress) -> None:
        self._job = job
        self._progress = progress
        self._generator = load_generator(
            job.weights, job.spec.generation, job.suite.spec.answers, adapter=adapter, budget=job.budget
        )
        self._store = AnswerStore(library.home() / "answers")
        few_shot = any(column.few_shot for column in job.columns)
        self._book: ExampleBook | None = open_book(job.suite, job.retriever, job.seed) if few_shot else None

    @property
    def parity(self) -> Parity:
        return self._generator.parity

    def put_on(self, adapter: Adapter) -> None:
        """Puts another adapter in the place of the first."""
        if isinstance(self._generator, Generator):
            self._generator.put_on(adapter)

    def answer(
        self, column: Column, requests: Sequence[Request], label: str = ""
    ) -> tuple[dict[str, Answer], Generation]:
        """Answers requests as one column does, by question id."""
        with self._progress.track(label or f"Answering: {column.name}", len(requests)) as done:
            answers, generation = answer_all(
                self._generator,
                requests,
                tuned=column.tuned,
                seed=self._job.seed,
                store=self._store,
                done=done,
            )
        return {each.question.id: answer for each, answer in zip(requests, answers, strict=True)}, generation

    def best_number_of_examples(self) -> int:
        """Chosen on training questions, which the evaluation never asks; the fewest if several are equal."""
        candidates = sorted(self._job.spec.references.examples)
        if len(candidates) == 1:
            return candidates[0]
        questions = choice_questions(self._job)
        ranked = _ranked(self._job, questions)
        column = COLUMNS["few-shot+rag"]
        right = {}
        for count in candidates:
            requests = self.requests(column, questions, ranked, count)
            answers, _ = self.answer(column, requests, f"Choosing examples: {count}")
            right[count] = sum(_right(answers[question.id], question) for question in questions)
        return max(candidates, key=lambda count: (right[count], -count))

    def requests(
        self, column: Column, questions: Sequence[Question], ranked: Ranked, count: int
    ) -> list[Request]:
        """What a cell or a few-shot column asks and shows, in the order of the questions."""
        if column.few_shot and self._book is not None:
            examples = self._book.nearest(questions, count, retrieval=column.retrieval)
        else:
            examples = [() for _ in questions]
        asked = [
            showing(question, ranked[question.id] if column.retrieval else (), shown)
            for question, shown in zip(questions, examples, strict=True)
        ]
        return [planted(each, self._job.seed) for each in asked] if column.probe else asked


def choice_questions(job: Job) -> list[Question]:
    """Training questions on which the number of examples is chosen."""
    askable = [question for question in job.suite.training if not question.bound]
    return askable[:: max(1, len(askable) // job.spec.references.choice_questions)]


def _ranked(job: Job, questions: Sequence[Question]) -> Ranked:
    found = job.retriever.retrieve_many([question.full_text for question in questions])
    return {question.id: tuple(hits) for question, hits in zip(questions, found, strict=True)}


def _right(answer: Answer, question: Question) -> bool:
    return correct(answer.text, question) if question.answerable else answer.abstained
