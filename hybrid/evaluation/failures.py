"""What a judge's few failures leave open: an interval that holds whatever the missing verdicts would be."""

Range = tuple[float, float]


def widened(ends: Range, n: int, failed: int, reach: Range) -> Range:
    """An interval over the questions with a value, widened to one over all of them.

    The mean over all is a weighted mean of theirs and that of the failed ones, which can be anything within
    its reach (Manski, 1990).

    Args:
        ends: of the interval over the questions with a value.
        n: how many these are.
        failed: questions that should have a value and have none.
        reach: the least and the greatest that the failed ones could come to.
    """
    share = failed / (n + failed)
    low, high = ((1 - share) * end + share * extreme for end, extreme in zip(ends, reach, strict=True))
    return min(ends[0], low), max(ends[1], high)


def remark(n: int, failed: int) -> str:
    """How a reader is told of it."""
    return f"the judge failed on {failed} of {n + failed} questions: the interval holds whatever they are"
