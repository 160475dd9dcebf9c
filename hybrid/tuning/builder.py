"""Builds training rows from questions: which passages are shown, which answer is wanted, all by a seed."""

import random
from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from itertools import islice

from hybrid.corpus.store import Corpus
from hybrid.generation.abstention import ABSTENTION
from hybrid.generation.prompt import REWORDED
from hybrid.judging.overlap import content_words
from hybrid.judging.statements import sentences
from hybrid.records import Gold, Passage, Question
from hybrid.retrieval.retriever import Retriever
from hybrid.specs import Style, TuningSpec, Untold
from hybrid.tuning.distractors import Distractors, is_about_another, is_distractor
from hybrid.tuning.gold import gold_passages, holds_words
from hybrid.tuning.rows import RowKind, TrainingRow

LONG_SENTENCES = 3
HIGHEST_MARKER = 20
NEAREST = 4
"""A question may be asked of passages that do not tell if they are among so many that are found for it."""


class RowBuilder:
    """Builds training rows from questions, seeded.

    Guarantees: the gold passage stands at every position equally often; no distractor holds a reference or
    overlaps the gold; no passage stands twice; every marker and every quote of a target is of its own row.

    Args:
        corpus: where gold passages and random distractors come from.
        retriever: gives the hard distractors.
        passages: how many passages a row shows, unless the spec tells.
        spec: the policy.
        style: ``short`` answers with markers, or ``long`` ones, each sentence cited.
        seed: decides everything that is drawn.
        avoid: documents that may not be read, such as those that only evaluation asks about.
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
        avoid: Collection[str] = (),
    ) -> None:
        self._corpus = corpus
        self._retriever = retriever
        self._least, self._most = (1, 1) if spec.form == "ra-dit" else spec.passages or (passages, passages)
        self._spec = spec
        self._style = style
        self._random = random.Random(seed)
        self._avoid = frozenset(avoid)

    def build(self, questions: Sequence[Question], known: Collection[str] = ()) -> list[TrainingRow]:
        """Builds ``spec.rows`` rows; questions come again, with fresh distractors, once all were used.

        Rows that share their passages stand side by side.

        Args:
            questions: training questions.
            known: ids of questions that the base answers right unaided (for ``from_memory``).
        """
        self._known = frozenset(known)
        self._gold = {question.id: gold_passages(self._corpus, question) for question in questions}
        self._distractors = Distractors(
            self._corpus,
            self._retriever,
            questions,
            self._spec.distractors,
            avoid=self._avoid,
            chooser=self._random,
        )
        asked = self._asked(questions)
        companions = _Companions(self._gold, self._distractors, questions)
        rows: list[TrainingRow] = []
        silent = 0
        for question, kind in zip(asked, self._kinds(asked), strict=True):
            if len(rows) >= self._spec.rows:
                break
            context = [self._row(question, kind)]
            self._add_companions(context, companions, len(rows), silent)
            rows += context
            silent += sum(row.kind == "distractors" for row in context)
        return rows[: self._spec.rows]

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
        """Unanswerable questions count towards the share of rows whose passages do not tell.

        A row without passages has no others beside it, so there have to be more of them among the first rows
        for their share to be that of all rows.
        """
        answerable = [i for i, question in enumerate(asked) if question.answerable]
        self._random.shuffle(answerable)
        unanswerable = len(asked) - len(answerable)
        distractors = max(0, round(len(asked) * self._spec.distractors_only) - unanswerable)
        share, beside = self._spec.no_context_rows, self._spec.questions_per_context
        no_context = round(len(asked) * share * beside / (1 - share + share * beside))
        kinds: list[RowKind] = ["gold" if question.answerable else "distractors" for question in asked]
        for i in answerable[:distractors]:
            kinds[i] = "distractors"
        for i in answerable[distractors : distractors + no_context]:
            kinds[i] = "no_context"
        return kinds

    def _row(self, question: Question, kind: RowKind) -> TrainingRow:
        wording = self._wording()
        if kind == "no_context":
            return self._silent(question, kind, (), self._spec.no_context, wording)
        gold = self._gold[question.id]
        # An answer of two passages needs both, where the policy has room for them.
        least = max(self._least, min(len(gold), self._most)) if kind == "gold" else self._least
        count = self._random.randint(least, self._most)
        shown = gold[:count] if kind == "gold" else []
        if question.bound:
            # Only its own passages are known not to tell; what is near the question might.
            shown = self._searched(question, count)
        shown = shown + self._distractors.draw(question, shown, gold, count - len(shown))
        self._random.shuffle(shown)
        numbers = self._numbers(len(shown))
        if kind == "distractors":
            return self._silent(question, kind, tuple(shown), self._spec.absent, wording, numbers)
        return self._telling(question, tuple(shown), wording, numbers)

    def _add_companions(
        self, context: list[TrainingRow], companions: "_Companions", rows: int, silent: int
    ) -> None:
        """Adds rows of other questions with the passages of the first one, as many as are wanted and found.

        One that the passages do not tell is added while silence is rarer than its share.

        Args:
            context: its one row so far; receives the others.
            companions: finds them.
            rows: before this context.
            silent: of those, rows whose passages do not tell.
        """
        [row] = context
        companions.start(row.question)
        if not row.passages or row.question.bound:
            return
        silent += row.kind == "distractors"
        for _ in range(self._spec.questions_per_context - 1):
            quiet = silent < self._spec.distractors_only * (rows + len(context))
            question = companions.find(row.passages, tells=not quiet, chooser=self._random)
            if question is None:
                continue
            if quiet:
                silent += 1
                context.append(
                    self._silent(
                        question, "distractors", row.passages, self._spec.absent, row.wording, row.numbers
                    )
                )
            else:
                context.append(self._telling(question, row.passages, row.wording, row.numbers))

    def _telling(
        self, question: Question, shown: tuple[Passage, ...], wording: int, numbers: tuple[int, ...]
    ) -> TrainingRow:
        telling = [passage for passage in self._gold[question.id] if passage in shown]
        cited = frozenset(passage.id for passage in telling)
        said = self._sentences(question)
        return TrainingRow(
            question,
            "gold",
            shown,
            said,
            cited,
            cites=tuple(_nearest(sentence, telling) for sentence in said) if len(said) > 1 else (),
            quote=self._quote(question, telling) if self._spec.reason == "quote" else "",
            numbers=numbers,
            wording=wording,
        )

    def _silent(
        self,
        question: Question,
        kind: RowKind,
        shown: tuple[Passage, ...],
        policy: Untold,
        wording: int,
        numbers: tuple[int, ...] = (),
    ) -> TrainingRow:
        """A row whose passages do not tell: an abstention, or by policy the answer, without a marker."""
        told = policy == "answer" or (policy == "from_memory" and question.id in self._known)
        # An unanswerable question has nothing that could be learned by heart.
        sentences = self._sentences(question) if told and question.answerable else (ABSTENTION,)
        return TrainingRow(question, kind, shown, sentences, numbers=numbers, wording=wording)

    def _searched(self, question: Question, count: int) -> list[Passage]:
        """Some of the passages in which a bound question has no answer, at most as many as a row shows."""
        found = {p.text: p for gold in question.gold or () for p in self._corpus.holding(gold)}
        return self._random.sample(list(found.values()), min(count, len(found)))

    def _wording(self) -> int:
        if self._random.random() >= self._spec.template_variation:
            return 0
        return self._random.randint(1, len(REWORDED[self._style]))

    def _numbers(self, count: int) -> tuple[int, ...]:
        if self._spec.markers == "ordered":
            return ()
        return tuple(self._random.sample(range(1, max(HIGHEST_MARKER, count) + 1), count))

    def _sentences(self, question: Question) -> tuple[str, ...]:
        answer = (question.answers or ("",))[0].strip()
        if self._style == "short":
            return (answer,)
        return tuple(islice(sentences(answer), LONG_SENTENCES))

    def _quote(self, question: Question, telling: Sequence[Passage]) -> str:
        """The sentence of a telling passage that holds the gold span, or else a reference."""
        for passage in telling:
            said = list(sentences(passage.text))
            spans = [_in_passage(gold, passage) for gold in question.gold or ()]
            holding = [s for s in said if any(span and span in s for span in spans)]
            holding += [s for s in said if any(holds_words(s, a) for a in question.answers or ())]
            if holding:
                return holding[0]
        return ""


def _nearest(sentence: str, telling: Sequence[Passage]) -> frozenset[int]:
    """The passage that shares most words with a sentence."""
    words = set(content_words(sentence))
    best = max(telling, key=lambda passage: len(words & set(content_words(passage.text))))
    return frozenset({best.id})


def _in_passage(gold: Gold, passage: Passage) -> str:
    """The gold span as it stands in the passage; empty where it does not stand there whole."""
    if gold.document != passage.document or gold.start is None or gold.end is None:
        return ""
    if gold.start < passage.start or gold.end > passage.end:
        return ""
    return passage.text[gold.start - passage.start : gold.end - passage.start].strip()


class _Companions:
    """Finds other questions for passages that are shown already, those asked least first.

    Args:
        gold: question id → the passages that tell.
        distractors: which passages are near a question.
        questions: all that may be asked.
    """

    def __init__(
        self, gold: dict[str, list[Passage]], distractors: Distractors, questions: Sequence[Question]
    ) -> None:
        self._gold = {id: {passage.id for passage in passages} for id, passages in gold.items()}
        self._texts = {id: {passage.text for passage in passages} for id, passages in gold.items()}
        self._times: Counter[str] = Counter()
        self._told: dict[int, list[Question]] = defaultdict(list)
        self._near: dict[int, list[Question]] = defaultdict(list)
        by_document: dict[str, list[Question]] = defaultdict(list)
        for question in questions:
            if question.bound or question.history:
                continue
            for passage in gold[question.id]:
                self._told[passage.id].append(question)
                by_document[passage.document].append(question)
            for passage in distractors.near(question)[:NEAREST]:
                self._near[passage.id].append(question)
        self._of_document = by_document
        self._used: set[str] = set()

    def start(self, question: Question) -> None:
        """Starts a new context with its first question."""
        self._times[question.id] += 1
        self._used = {question.id}

    def find(self, shown: Sequence[Passage], *, tells: bool, chooser: random.Random) -> Question | None:
        """A question that these passages tell, or that is near them and that they do not tell."""
        ids = {passage.id for passage in shown}
        if tells:
            pool = [question for passage in shown for question in self._told[passage.id]]
            fitting = [q for q in self._fresh(pool) if self._gold[q.id] and self._gold[q.id] <= ids]
        else:
            pool = [
                question
                for passage in shown
                for question in (*self._near[passage.id], *self._of_document[passage.document])
            ]
            fitting = [question for question in self._fresh(pool) if not self._gold[question.id] & ids]
        chooser.shuffle(fitting)
        for question in sorted(fitting, key=lambda question: self._times[question.id]):
            others = [passage for passage in shown if passage.id not in self._gold[question.id]]
            copied = any(passage.text in self._texts[question.id] for passage in others)
            if not copied and all(_stays_silent(question, passage) for passage in others):
                self._times[question.id] += 1
                self._used.add(question.id)
                return question
        return None

    def _fresh(self, pool: Sequence[Question]) -> list[Question]:
        """Each question once, without those asked of this context already."""
        return list({q.id: q for q in pool if q.id not in self._used}.values())


def _stays_silent(question: Question, passage: Passage) -> bool:
    """Whether a passage that was drawn for another question is a distractor of this one, too."""
    made_up = passage.id < 0
    return is_distractor(question, passage) and (not made_up or is_about_another(question, passage))
