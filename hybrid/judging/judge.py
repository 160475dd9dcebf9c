"""Judges say whether evidence supports a claim; a judge that fails never becomes a number."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from hybrid.errors import JudgeUnusable
from hybrid.progress import SILENT, Progress
from hybrid.records import Passage, Verdict

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
    return joined((passage.title, passage.text) for passage in passages)


def joined(passages: Iterable[tuple[str, str]]) -> str:
    """The same of titles and texts alone, as a finished run keeps them."""
    return "\n".join(part for passage in passages for part in passage if part)


def judge_all(judge: Judge, pairs: Iterable[Pair], progress: Progress = SILENT) -> dict[Pair, Judgement]:
    """Judges every different pair once.

    A batch that fails is asked again pair by pair; a pair that still fails gets a judgement without
    verdict. Nothing can be verified by empty evidence, so no judge is asked about it.

    Raises:
        JudgeUnusable: the judge says that it cannot judge anything.
    """
    wanted = dict.fromkeys(pairs)
    known = {pair: Judgement(Verdict.UNVERIFIABLE, 0.0) for pair in wanted if not pair[1].strip()}
    asked = [pair for pair in wanted if pair not in known]
    with progress.track("Judging", len(asked)) as done:
        for start in range(0, len(asked), BATCH):
            batch = asked[start : start + BATCH]
            known |= _judge_batch(judge, batch)
            done(start + len(batch), "")
    return known


def _judge_batch(judge: Judge, pairs: Sequence[Pair]) -> dict[Pair, Judgement]:
    try:
        judgements = judge.verdicts(pairs)
        if len(judgements) != len(pairs):
            raise ValueError(f"{judge.name} gave {len(judgements)} judgements for {len(pairs)} claims")
        return {pair: _sound(judgement) for pair, judgement in zip(pairs, judgements, strict=True)}
    except JudgeUnusable:
        raise
    # Whatever else a judge raises is kept in the row, which then has no value.
    except Exception as exc:
        if len(pairs) == 1:
            return {pairs[0]: Judgement(None, None, f"{type(exc).__name__}: {exc}")}
        return {
            pair: judgement for alone in pairs for pair, judgement in _judge_batch(judge, [alone]).items()
        }


def _sound(judgement: Judgement) -> Judgement:
    """The judgement with the verdict as one of ours, or a failed one.

    Raises:
        ValueError: it is another word, or its score is not between 0 and 1.
    """
    if judgement.verdict is None:
        return Judgement(None, None, judgement.error or "the judge gave no verdict")
    verdict, score = Verdict(judgement.verdict), judgement.score
    if score is not None and not (math.isfinite(score) and 0 <= score <= 1):
        raise ValueError(f"a score of {score} is not between 0 and 1")
    return replace(judgement, verdict=verdict)


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
