"""The judge without a model: words and numbers of a claim that stand in the evidence."""

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from hybrid.generation.correctness import POLAR, values
from hybrid.judging.judge import Judgement, Pair
from hybrid.records import Verdict

_STOPWORDS = POLAR | frozenset(
    """
    about above after again against all also am and any are as at be because been before being below
    between both but by can could did do does doing down during each few for from further had has
    have having he her here hers him his how i if in into is it its itself just me more most my no
    nor not now of off on once only or other our ours out over own same she should so some such than
    that their theirs them then there these they this those through to too under until up upon very
    was we were what when where which while who whom whose why will with would you your yours isnt
    arent wasnt werent doesnt dont didnt cant wont s t
    """.split()
)
_ENDINGS = re.compile(r"(?<=\w{3})(?:ingly|edly|ing|ied|ies|ed|es|ly|s|e|y)$")


_QUESTION = re.compile(r"Q: (?P<question>.*) A: (?P<answer>.+)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class OverlapJudge:
    """Supports a claim whose numbers all stand in the evidence, and enough of its content words.

    Words are compared without case and endings, numbers by value. It cannot see contradiction, negation
    or who did what to whom: what it does not support is ``unverifiable``, and "yes" and "no" weigh nothing.
    A claim that is a question and its answer is held to both thresholds, or the words of a long question
    would carry any answer.

    Balanced accuracy with these thresholds: FEVER dev pairs 0.63, WiCE oracle chunks 0.71 (partly supported
    counts as not), BEGIN dev 0.84 to 0.89. XQuAD, question and answer as one claim: supported by their own
    paragraph 0.91, by another of the article 0.004; another paragraph's answer by this paragraph 0.05, a
    question with another paragraph's answer by that paragraph 0.09.

    Attributes:
        threshold: least share of the content words of a claim, or of its answer, that the evidence holds.
        question_threshold: the same for the question inside a claim.
    """

    threshold: float = 0.7
    question_threshold: float = 0.4

    @property
    def name(self) -> str:
        """How reports call it."""
        return "overlap of words and numbers"

    @property
    def digest(self) -> str:
        """SHA-256 of what the verdicts depend on."""
        rules = (self.threshold, self.question_threshold, sorted(_STOPWORDS), _ENDINGS.pattern)
        return hashlib.sha256(repr(rules).encode()).hexdigest()

    @property
    def validated(self) -> bool:
        """It is a stand-in: its agreement with people is not good enough to be called measured."""
        return False

    @property
    def languages(self) -> frozenset[str]:
        """English only: its endings and stopwords are."""
        return frozenset({"en"})

    def verdicts(self, pairs: Sequence[Pair]) -> list[Judgement]:
        """One judgement for each pair of claim and evidence, in their order."""
        words = {held: set(content_words(held)) for _, held in pairs}
        return [self._verdict(claim, words[held]) for claim, held in pairs]

    def _verdict(self, claim: str, held: set[str]) -> Judgement:
        words = set(content_words(claim))
        score = self._score(claim, words, held)
        if any(word[-1].isdecimal() and word not in held for word in words):
            # Halved, not zero: it still ranks claims, and stays below the threshold.
            return Judgement(Verdict.UNVERIFIABLE, score / 2)
        return Judgement(Verdict.SUPPORTED if score >= self.threshold else Verdict.UNVERIFIABLE, score)

    def _score(self, claim: str, words: set[str], held: set[str]) -> float:
        parts = _QUESTION.fullmatch(claim)
        if not parts:
            return _share(words, held)
        answer, question = (
            set(content_words(parts["answer"])),
            _share(set(content_words(parts["question"])), held),
        )
        if not answer:
            return question
        return min(_share(answer, held), question * self.threshold / self.question_threshold)


def _share(words: set[str], held: set[str]) -> float:
    return len(words & held) / len(words) if words else 0.0


def content_words(text: str) -> Iterator[str]:
    """The words of a text that carry meaning, without endings, and its numbers by value."""
    for token in values(text):
        if token not in _STOPWORDS:
            yield token if token[-1].isdecimal() else _ENDINGS.sub("", token)
