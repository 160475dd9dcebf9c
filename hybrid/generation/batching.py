"""Batches of near-equal length under a token budget, planned once from the whole work and its seed.

Greedy answers in float32 can change in rare tokens with the composition of a batch, so the plan depends on
nothing but the lengths and the seed: a resumed run meets the same batches again.
"""

import random
from collections.abc import Sequence


def plan_batches(
    lengths: Sequence[int], *, budget: int, seed: int, widths: Sequence[int] | None = None
) -> list[list[int]]:
    """Groups row numbers into batches.

    Args:
        lengths: tokens of each row, prompt and longest output together.
        budget: padded tokens of one batch; a longer row is a batch by itself.
        seed: shuffles the order of the batches, so that the time left is estimated without bias.
        widths: how many rows of that length each stands for and keeps together; default: one.

    Returns:
        Every row number exactly once; within a batch rows are sorted by length, longest first.
    """
    widths = widths or [1] * len(lengths)
    batches: list[list[int]] = []
    for row in sorted(range(len(lengths)), key=lambda row: (-lengths[row], row)):
        # The first row of a batch is its longest, and all others are padded to it.
        if batches and lengths[batches[-1][0]] * sum(widths[i] for i in [*batches[-1], row]) <= budget:
            batches[-1].append(row)
        else:
            batches.append([row])
    random.Random(seed).shuffle(batches)
    return batches
