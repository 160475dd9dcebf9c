"""Training rows: what the model should answer when it is shown the right passages, wrong ones, or none."""

import random
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from hybrid.cjk import CJK
from hybrid.corpus.store import Corpus
from hybrid.generation.abstention import ABSTENTION
from hybrid.generation.citations import marker
from hybrid.records import Gold, Passage, Question
from hybrid.retrieval.retriever import Retriever
from hybrid.specs import Style, TuningSpec

RowKind = Literal["gold", "distractors", "no_context"]
HARD_POOL = 12
LONG_SENTENCES = 3


@dataclass(frozen=True, slots=True)
class TrainingRow:
    """One example to learn: a question, the passages shown with it, and the answer wanted.

    Attributes:
        question: what is asked.
        kind: whether the passages tell, do not tell, or are none.
        passages: in the order in which they are numbered.
        sentences: the answer wanted, a sentence (or a short answer) each, without markers.
        cited: ids of the passages that every sentence cites.
    """

    question: Question
    kind: RowKind
    passages: tuple[Passage, ...]
    sentences: tuple[str, ...]
    cited: frozenset[int] = frozenset()

    @property
    def target(self) -> str:
        """The text to learn: each sentence followed by its markers."""
        numbers = [i for i, passage in enumerate(self.passages, start=1) if passage.id in self.cited]
        markers = "".join(marker(i) for i in numbers)
        return " ".join(f"{sentence} {markers}".strip() for sentence in self.sentences)

    def shortened(self) -> "TrainingRow | None":
        """The row without its last uncited passage; None if there is none to spare."""
        spare = [passage for passage in self.passages if passage.id not in self.cited]
        if not spare or len(self.passages) == 1:
            return None
        return replace(self, passages=tuple(passage for passage in self.passages if passage != spare[-1]))

    def without_passages(self) -> "TrainingRow":
        """The same answer without passages and so without markers."""
        return replace(self, kind="no_context", passages=(), cited=frozenset())


class RowBuilder:
    """Builds training rows from questions, seeded.

    Guarantees: the gold passage stands at every position equally often; no distractor holds a reference or
    overlaps the gold; no passage stands twice; every marker of a target is one of its own row.

    Args:
        corpus: where gold passages and random distractors come from.
        retriever: gives the hard distractors.
        passages: how many passages a row shows.
        spec: the shares of the kinds of rows.
        style: ``short`` answers with markers, or ``long`` ones, each sentence cited.
        seed: decides everything that is drawn.
    """

    def __init__(
        self,
        corpus: Corpus,
        retriever: Retriever,
        *,
        passages: int,
        spec: TuningSpec,
        style: Style = "short",
        seed: int = 0,
    ) -> None:
        self._corpus = corpus
        self._retriever = retriever
        self._passages = passages
        self._spec = spec
        self._style = style
        self._random = random.Random(seed)
        self._all = corpus.passages()

    def build(self, questions: Sequence[Question], known: Collection[str] = ()) -> list[TrainingRow]:
        """Builds ``spec.rows`` rows; questions come again, with fresh distractors, once all were used.

        Args:
            questions: training questions.
            known: ids of questions that the base answers right unaided (for ``no_context: from_memory``).
        """
        hard = self._hard_distractors(questions)
        asked = self._asked(questions)
        return [
            self._row(question, kind, hard[question.id], question.id in known)
            for question, kind in zip(asked, self._kinds(asked), strict=True)
        ]

    def _hard_distractors(self, questions: Sequence[Question]) -> dict[str, list[Passage]]:
        found = self._retriever.retrieve_many([question.full_text for question in questions], HARD_POOL)
        return {
            question.id: [hit.passage for hit in hits]
            for question, hits in zip(questions, found, strict=True)
        }

    def _asked(self, questions: Sequence[Question]) -> list[Question]:
        """The question of each row; too many unanswerable ones get no more rows than their share.

        A model that mostly sees silence rewarded says nothing else.
        """
        share, rows = self._spec.distractors_only, self._spec.rows
        answerable = [question for question in questions if question.answerable]
        unanswerable = [question for question in questions if not question.answerable]
        if not answerable or len(unanswerable) <= round(share * len(questions)):
            return self._cycle(questions, rows)
        silent = round(share * rows)
        asked = self._cycle(answerable, rows - silent) + self._cycle(unanswerable, silent)
        return self._random.sample(asked, len(asked))

    def _cycle(self, questions: Sequence[Question], count: int) -> list[Question]:
        asked: list[Question] = []
        while len(asked) < count:
            asked.extend(self._random.sample(list(questions), len(questions)))
        return asked[:count]

    def _kinds(self, asked: Sequence[Question]) -> list[RowKind]:
        """Unanswerable questions count towards the share of rows whose passages do not tell."""
        answerable = [i for i, question in enumerate(asked) if question.answerable]
        self._random.shuffle(answerable)
        unanswerable = len(asked) - len(answerable)
        distractors = max(0, round(len(asked) * self._spec.distractors_only) - unanswerable)
        no_context = round(len(asked) * self._spec.no_context_rows)
        kinds: list[RowKind] = ["gold" if question.answerable else "distractors" for question in asked]
        for i in answerable[:distractors]:
            kinds[i] = "distractors"
        for i in answerable[distractors : distractors + no_context]:
            kinds[i] = "no_context"
        return kinds

    def _row(self, question: Question, kind: RowKind, hard: list[Passage], known: bool) -> TrainingRow:
        if kind == "no_context":
            return self._no_context_row(question, known)
        gold = gold_passages(self._corpus, question)[: self._passages]
        shown = gold if kind == "gold" else []
        if question.bound:
            # Only its own passages are known not to tell; what is near the question might.
            shown, hard = self._searched(question), []
        shown = shown + self._distractors(question, shown or gold, hard, self._passages - len(shown))
        self._random.shuffle(shown)
        if kind == "distractors":
            return TrainingRow(question, kind, tuple(shown), (ABSTENTION,))
        cited = frozenset(passage.id for passage in gold)
        return TrainingRow(question, kind, tuple(shown), self._sentences(question), cited)

    def _no_context_row(self, question: Question, known: bool) -> TrainingRow:
        remembered = known and self._spec.no_context == "from_memory"
        return TrainingRow(
            question, "no_context", (), self._sentences(question) if remembered else (ABSTENTION,)
        )

    def _distractors(
        self, question: Question, beside: list[Passage], hard: list[Passage], count: int
    ) -> list[Passage]:
        """Passages that do not tell: some near the question, some at random, and no text twice."""
        texts = {passage.text for passage in beside}
        fitting = (passage for passage in hard if self._is_distractor(question, passage))
        near = {passage.text: passage for passage in fitting if passage.text not in texts}
        wanted = sum(self._random.random() < self._spec.hard_distractors for _ in range(count))
        chosen = self._random.sample(list(near.values()), min(wanted, len(near)))
        texts.update(passage.text for passage in chosen)
        for passage in self._random.sample(self._all, min(len(self._all), 8 * count)):
            if len(chosen) >= count:
                break
            if passage.text not in texts and self._is_distractor(question, passage):
                chosen.append(passage)
                texts.add(passage.text)
        return chosen

    def _searched(self, question: Question) -> list[Passage]:
        """Some of the passages in which a bound question has no answer, at most as many as a row shows."""
        found = {p.text: p for gold in question.gold or () for p in self._corpus.holding(gold)}
        return self._random.sample(list(found.values()), min(self._passages, len(found)))

    def _is_distractor(self, question: Question, passage: Passage) -> bool:
        return not overlaps_gold(question, passage) and not holds_answer(question, passage)

    def _sentences(self, question: Question) -> tuple[str, ...]:
        answer = (question.answers or ("",))[0].strip()
        if self._style == "short":
            return (answer,)
        return tuple(re.split(r"(?<=[.!?。！？])\s+", answer)[:LONG_SENTENCES])


def trainable(corpus: Corpus, question: Question) -> bool:
    """Whether a target can be made: the question is unanswerable, or its reference and gold are known."""
    return not question.answerable or bool(question.answers and gold_passages(corpus, question))


def gold_passages(corpus: Corpus, question: Question) -> list[Passage]:
    """For each gold the passage that tells, in their order, each once.

    Of a span it is the passage that holds most of it. Of a whole document it is the first that holds a
    reference, or its only one; otherwise which part tells is not known, and it gives none.
    """
    best: dict[int, Passage] = {}
    for gold in question.gold or ():
        holding = corpus.holding(gold)
        if gold.start is None and len(holding) > 1:
            holding = [passage for passage in holding if holds_answer(question, passage)][:1]
        if holding:
            passage = max(holding, key=lambda passage: overlap(gold, passage))
            best.setdefault(passage.id, passage)
    return list(best.values())


def overlap(gold: Gold, passage: Passage) -> int:
    """How many characters of a gold span a passage holds."""
    if gold.document != passage.document or gold.start is None or gold.end is None:
        return 0
    return max(0, min(gold.end, passage.end) - max(gold.start, passage.start))


def overlaps_gold(question: Question, passage: Passage) -> bool:
    """Whether a passage holds any part of the gold, or belongs to a document that is gold as a whole."""
    return any(
        gold.document == passage.document and (gold.start is None or overlap(gold, passage) > 0)
        for gold in question.gold or ()
    )


def holds_answer(question: Question, passage: Passage) -> bool:
    """Whether a reference stands in the passage as words; ``yes`` and ``no`` do not count."""
    words = f" {_words(passage.text)} "
    references = [_words(answer) for answer in question.answers or ()]
    return any(f" {reference} " in words for reference in references if reference not in {"", "yes", "no"})


def _words(text: str) -> str:
    """The words, or of CJK text the characters, with single spaces between."""
    return " ".join(re.findall(rf"[{CJK}]|[^\W{CJK}]+", text.casefold()))
