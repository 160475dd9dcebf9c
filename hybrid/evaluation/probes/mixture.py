"""Gold passages among distractors: passages that are near the question and do not tell."""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from hybrid.evaluation.job import Job
from hybrid.generation.correctness import correct
from hybrid.records import Passage, Question
from hybrid.tuning.gold import gold_passages, holds_answer, overlaps_gold

#: How many of the retriever's best passages distractors are looked for among.
SEARCHED = 50

Place = Literal["first", "middle", "last"]


@dataclass(frozen=True, slots=True)
class Mixture:
    """What is shown for one question.

    Attributes:
        gold: the passages that tell, at least one.
        distractors: passages that do not, strongest first, at least one.
    """

    gold: tuple[Passage, ...]
    distractors: tuple[Passage, ...]

    def placed(self, place: Place) -> tuple[Passage, ...]:
        """The gold as one block before, amid or after the distractors."""
        before = {"first": 0, "middle": len(self.distractors) // 2, "last": len(self.distractors)}[place]
        return (*self.distractors[:before], *self.gold, *self.distractors[before:])

    def shuffled(self, seed: str) -> tuple[Passage, ...]:
        """The gold at random positions, the distractors in their order."""
        size = len(self.gold) + len(self.distractors)
        places = set(random.Random(seed).sample(range(size), len(self.gold)))
        gold, distractors = iter(self.gold), iter(self.distractors)
        return tuple(next(gold if place in places else distractors) for place in range(size))


def mixtures(job: Job) -> dict[str, Mixture]:
    """Question id → its mixture of k passages, for the questions that allow one.

    They are answerable, with references (by which distractors are known not to tell) and gold passages that
    leave room; and something that does not tell is found.
    """
    k = job.spec.retrieval.k
    asked = [question for question in job.questions if question.answerable and question.answers]
    golds = {question.id: gold_passages(job.suite.corpus, question) for question in asked}
    asked = [question for question in asked if 0 < len(golds[question.id]) < k]
    found = job.retriever.retrieve_many([question.full_text for question in asked], SEARCHED)
    mixed = {}
    for question, hits in zip(asked, found, strict=True):
        gold = golds[question.id]
        others = distractors(question, gold, (hit.passage for hit in hits))[: k - len(gold)]
        if others:
            mixed[question.id] = Mixture(tuple(gold), tuple(others))
    return mixed


def distractors(question: Question, gold: Sequence[Passage], near: Iterable[Passage]) -> list[Passage]:
    """The passages that do not tell, in their order, those of other documents than the gold's first."""
    documents = {passage.document for passage in gold}
    texts = {passage.text: passage for passage in near if not tells(question, passage)}
    fitting = [passage for text, passage in texts.items() if text not in {each.text for each in gold}]
    return sorted(fitting, key=lambda passage: passage.document in documents)


def tells(question: Question, passage: Passage) -> bool:
    """Whether a passage holds a part of the gold or, as words or by value, a reference."""
    shown = f"{passage.title}: {passage.text}"
    return overlaps_gold(question, passage) or holds_answer(question, passage) or correct(shown, question)
