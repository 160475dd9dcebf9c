"""Judges say whether evidence supports a claim; a judge that fails never becomes a number."""

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from hybrid.generation.correctness import POLAR, values
from hybrid.records import Passage, Verdict
from hybrid.specs import SuiteSpec

#: Pairs of claim and evidence that a judge gets at once.
BATCH = 64

Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a judge says of one claim.

    Attributes:
        verdict: None if the judge failed.
        score: how strongly the evidence supports the claim, 0 to 1; None if the judge failed.
        error: why the judge failed.
    """

    verdict: Verdict | None
    score: float | None
    error: str = ""

    @property
    def failed(self) -> bool:
        """Whether there is no verdict."""
        return self.verdict is None

    @property
    def supported(self) -> bool:
        """Whether the evidence supports the claim."""
        return self.verdict is Verdict.SUPPORTED


class Judge(Protocol):
    """Anything that judges claims by their evidence."""

    @property
    def name(self) -> str:
        """How reports call it."""

    @property
    def digest(self) -> str:
        """Changes whenever a verdict could change."""

    @property
    def validated(self) -> bool:
        """Whether its agreement with people was measured."""

    @property
    def languages(self) -> frozenset[str]:
        """The languages it was made for; empty if it says nothing of them."""

    def verdicts(self, pairs: Sequence[Pair]) -> list[Judgement]:
        """One judgement for each pair of claim and evidence, in their order."""


def evidence(passages: Iterable[Passage]) -> str:
    """The text against which claims are judged: each passage under its title, in order."""
    return "\n".join(part for passage in passages for part in (passage.title, passage.text) if part)


def judge_all(judge: Judge, pairs: Iterable[Pair]) -> dict[Pair, Judgement]:
    """Judges every different pair once.

    A batch that fails is asked again pair by pair; a pair that still fails gets a judgement without
    verdict. Nothing can be verified by empty evidence, so no judge is asked about it.
    """
    wanted = dict.fromkeys(pairs)
    known = {pair: Judgement(Verdict.UNVERIFIABLE, 0.0) for pair in wanted if not pair[1].strip()}
    asked = [pair for pair in wanted if pair not in known]
    for start in range(0, len(asked), BATCH):
        known |= _judge_batch(judge, asked[start : start + BATCH])
    return known


def _judge_batch(judge: Judge, pairs: Sequence[Pair]) -> dict[Pair, Judgement]:
    try:
        judgements = judge.verdicts(pairs)
        if len(judgements) != len(pairs):
            raise ValueError(f"{judge.name} gave {len(judgements)} judgements for {len(pairs)} claims")
    # Whatever a judge raises is kept in the row, which then has no value.
    except Exception as exc:
        if len(pairs) == 1:
            return {pairs[0]: Judgement(None, None, f"{type(exc).__name__}: {exc}")}
        return {
            pair: judgement for alone in pairs for pair, judgement in _judge_batch(judge, [alone]).items()
        }
    return dict(zip(pairs, judgements, strict=True))


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


def suite_judge(suite: SuiteSpec) -> Judge:
    """The judge that a suite names."""
    match suite.judge:
        case "overlap":
            return OverlapJudge()


def for_language(judge: Judge, language: str) -> Judge:
    """The judge itself if it was made for the language, else one that gives no verdict and says why."""
    if not judge.languages or language.partition("-")[0] in judge.languages:
        return judge
    reason = f"not validated for {language}"
    return NoVerdict(f"{judge.name}, {reason}", judge.digest, reason)


@dataclass(frozen=True, slots=True)
class NoVerdict:
    """Stands for a judge that cannot be believed here: its figures are withheld with the reason."""

    name: str
    digest: str
    reason: str
    validated: bool = False
    languages: frozenset[str] = frozenset()

    def verdicts(self, pairs: Sequence[Pair]) -> list[Judgement]:
        """For each pair that there is no verdict."""
        return [Judgement(None, None, self.reason) for _ in pairs]


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
        words = {held: set(_content(held)) for _, held in pairs}
        return [self._verdict(claim, words[held]) for claim, held in pairs]

    def _verdict(self, claim: str, held: set[str]) -> Judgement:
        words = set(_content(claim))
        score = self._score(claim, words, held)
        if any(word[-1].isdecimal() and word not in held for word in words):
            # Halved, not zero: it still ranks claims, and stays below the threshold.
            return Judgement(Verdict.UNVERIFIABLE, score / 2)
        return Judgement(Verdict.SUPPORTED if score >= self.threshold else Verdict.UNVERIFIABLE, score)

    def _score(self, claim: str, words: set[str], held: set[str]) -> float:
        parts = _QUESTION.fullmatch(claim)
        if not parts:
            return _share(words, held)
        answer, question = set(_content(parts["answer"])), _share(set(_content(parts["question"])), held)
        if not answer:
            return question
        return min(_share(answer, held), question * self.threshold / self.question_threshold)


def _share(words: set[str], held: set[str]) -> float:
    return len(words & held) / len(words) if words else 0.0


def _content(text: str) -> Iterator[str]:
    for token in values(text):
        if token not in _STOPWORDS:
            yield token if token[-1].isdecimal() else _ENDINGS.sub("", token)
