"""What became of an answer: one word for each, so that the cells can be compared by their mistakes."""

from collections.abc import Sequence
from enum import StrEnum

from hybrid.judging.judge import Judgement


class Outcome(StrEnum):
    """What became of an answer; the first that fits, in this order."""

    RIGHT_ABSTENTION = "right_abstention"
    WRONG_ABSTENTION = "wrong_abstention"
    UNDECIDED = "undecided"
    MISLED = "misled"
    HALLUCINATED = "hallucinated"
    SUPPORTED = "supported"
    WITH_UNSUPPORTED_PARTS = "with_unsupported_parts"
    FROM_MEMORY = "from_memory"


def outcome(
    *,
    abstained: bool,
    answerable: bool,
    correct: bool | None,
    shown: Sequence[Judgement],
    pool: Sequence[Judgement],
) -> Outcome:
    """The outcome of one answer.

    Abstained: right or wrong abstention. Not correct: misled if the passages shown support all its
    statements, else hallucinated. Correct: supported if the passages shown support all, with unsupported
    parts if some statement has no support in the pool, else from memory.

    Args:
        abstained: whether the answer says that it does not know.
        answerable: whether the corpus holds the answer.
        correct: None if there are no references; the outcome is then undecided, as it is
            where the judge failed.
        shown: judgements of its statements by the passages shown; empty if none were.
        pool: judgements of its statements by the evidence pool.
    """
    if abstained:
        return Outcome.WRONG_ABSTENTION if answerable else Outcome.RIGHT_ABSTENTION
    if correct is None or any(judgement.failed for judgement in (*shown, *pool)):
        return Outcome.UNDECIDED
    backed = bool(shown) and all(judgement.supported for judgement in shown)
    if not correct:
        return Outcome.MISLED if backed else Outcome.HALLUCINATED
    if backed:
        return Outcome.SUPPORTED
    known = all(judgement.supported for judgement in pool)
    return Outcome.FROM_MEMORY if known else Outcome.WITH_UNSUPPORTED_PARTS
