"""Passages that do not tell: near the question, of the same document, about something else, or random."""

import random
import re
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Literal

from hybrid.cjk import CJK
from hybrid.corpus.store import Corpus
from hybrid.records import Passage, Question
from hybrid.retrieval.retriever import Retriever
from hybrid.specs import DistractorsSpec
from hybrid.tuning.gold import holds_answer, holds_words, overlaps_gold

HARD_POOL = 12
"""How many of the retriever's best passages hard distractors are taken from."""

Kind = Literal["hard", "same_document", "counterfactual", "random"]

# A run of capitalised words that does not open the sentence, or a number.
_NAME = re.compile(r"(?<=\s)[A-Z][\w'’-]*(?: [A-Z][\w'’-]*)*|\b\d+\b")
_DIGITS = re.compile(r"\d+")


class Distractors:
    """Draws passages that do not tell, in the shares of a spec.

    Args:
        corpus: where they come from.
        retriever: over that corpus, for those near a question.
        questions: for which they are wanted.
        spec: the shares.
        avoid: documents of which no passage may be read.
        chooser: draws everything.
    """

    def __init__(
        self,
        corpus: Corpus,
        retriever: Retriever,
        questions: Sequence[Question],
        spec: DistractorsSpec,
        *,
        avoid: Collection[str],
        chooser: random.Random,
    ) -> None:
        self._spec = spec
        self._random = chooser
        self._all = [passage for passage in corpus.passages() if passage.document not in avoid]
        self._by_document: dict[str, list[Passage]] = defaultdict(list)
        for passage in self._all:
            self._by_document[passage.document].append(passage)
        found = retriever.retrieve_many([question.full_text for question in questions], HARD_POOL)
        self._near = {
            question.id: [hit.passage for hit in hits if hit.passage.document not in avoid]
            for question, hits in zip(questions, found, strict=True)
        }
        self._names = sorted({name for question in questions for name in _NAME.findall(question.text)})
        self._answers = sorted({answer for question in questions for answer in question.answers or ()})

    def near(self, question: Question) -> list[Passage]:
        """The passages that the retriever finds for a question."""
        return self._near[question.id]

    def draw(
        self, question: Question, beside: Sequence[Passage], gold: Sequence[Passage], count: int
    ) -> list[Passage]:
        """So many passages that do not tell; fewer where hardly any does not.

        Args:
            question: whose answer none of them holds.
            beside: what is shown already; no text comes twice.
            gold: the passages that tell, shown or not.
            count: how many are wanted. Of a bound question, of which only its own passages are known not to
                tell, all are random.
        """
        texts = {passage.text for passage in (*beside, *gold)}
        chosen: list[Passage] = []
        for kind in [] if question.bound else self._kinds(count):
            candidates = [
                passage
                for passage in self._candidates(kind, question, gold)
                if passage.text not in texts and is_distractor(question, passage)
            ]
            if candidates:
                chosen.append(self._random.choice(candidates))
                texts.add(chosen[-1].text)
        for passage in self._random.sample(self._all, min(len(self._all), 8 * count)):
            if len(chosen) >= count:
                break
            if passage.text not in texts and is_distractor(question, passage):
                chosen.append(passage)
                texts.add(passage.text)
        return chosen

    def _kinds(self, count: int) -> list[Kind]:
        kinds: list[Kind] = ["hard", "same_document", "counterfactual", "random"]
        shares = [self._spec.hard, self._spec.same_document, self._spec.counterfactual]
        return self._random.choices(kinds, [*shares, max(0.0, 1 - sum(shares))], k=count)

    def _candidates(self, kind: Kind, question: Question, gold: Sequence[Passage]) -> list[Passage]:
        match kind:
            case "hard":
                return self._near[question.id]
            case "same_document":
                return [each for passage in gold for each in self._by_document[passage.document]]
            case "counterfactual":
                made = (self._about_another(question, passage) for passage in gold)
                return [passage for passage in made if passage]
            case "random":
                return []

    def _about_another(self, question: Question, passage: Passage) -> Passage | None:
        """The passage with a name of the question put for another, and the answer for another answer.

        Its id is negative: it stands in no corpus.
        """
        whole = f"{passage.title}\n{passage.text}"
        names = [name for name in _NAME.findall(question.text) if _as_words(name).search(whole)]
        # Of "yes" and "no" nobody could tell whether they are gone.
        answers = [
            answer
            for answer in question.answers or ()
            if holds_words(passage.text, answer) and _as_words(answer).search(passage.text)
        ]
        if not names or not answers:
            return None
        name, answer = self._random.choice(names), max(answers, key=len)
        other_name, other_answer = self._other(name, self._names), self._other(answer, self._answers)
        if not other_name or not other_answer:
            return None
        text = _put(_put(passage.text, answer, other_answer), name, other_name)
        title = _put(passage.title, name, other_name)
        return replace(passage, id=-passage.id, title=title, text=text, end=passage.start + len(text))

    def _other(self, value: str, values: Sequence[str]) -> str | None:
        """A value of the same form: digits for digits, with the same unit or as long if there are such."""
        digits = any(sign.isdigit() for sign in value)
        same = [each for each in values if each != value and any(s.isdigit() for s in each) == digits]
        alike = [each for each in same if _DIGITS.sub("0", each) == _DIGITS.sub("0", value)]
        alike = alike or [each for each in same if len(each.split()) == len(value.split())] or same
        return self._random.choice(alike) if alike else None


def is_about_another(question: Question, passage: Passage) -> bool:
    """Whether a question names things, none of which a passage names.

    A made-up passage may contradict the corpus about whatever it names.
    """
    names = _NAME.findall(question.text)
    whole = f"{passage.title}\n{passage.text}"
    return bool(names) and not any(_as_words(name).search(whole) for name in names)


def _as_words(text: str) -> re.Pattern[str]:
    """Where a text stands that is no part of longer words or numbers; a CJK text has no such borders."""
    if re.search(f"[{CJK}]", text):
        return re.compile(re.escape(text))
    return re.compile(rf"(?<!\w){re.escape(text)}(?!\w)")


def _put(text: str, value: str, other: str) -> str:
    return _as_words(value).sub(lambda _: other, text)


def is_distractor(question: Question, passage: Passage) -> bool:
    """Whether a passage cannot tell: it holds no part of the gold, unless made up, and no reference.

    Its title is shown as well, and may tell.
    """
    if passage.id >= 0 and overlaps_gold(question, passage):
        return False
    titled = any(holds_words(passage.title, answer) for answer in question.answers or ())
    return not titled and not holds_answer(question, passage)
