"""A part of a suite's questions that keeps its mixture of kinds, seen and unseen."""

import random
from collections import defaultdict
from collections.abc import Sequence

from hybrid.records import Question


def stratified_sample(questions: Sequence[Question], limit: int | None, seed: int) -> list[Question]:
    """At most ``limit`` questions in their order, each stratum (split, kind) in its share.

    Seats are given by largest remainders, so that the shares are as near as whole questions allow.

    Args:
        questions: all questions of a part.
        limit: how many; None for all.
        seed: decides which of a stratum.
    """
    if limit is None or limit >= len(questions):
        return list(questions)
    strata: dict[tuple[str, str], list[Question]] = defaultdict(list)
    for question in questions:
        strata[question.split, question.kind].append(question)
    exact = {stratum: limit * len(members) / len(questions) for stratum, members in strata.items()}
    seats = {stratum: int(share) for stratum, share in exact.items()}
    by_remainder = sorted(strata, key=lambda stratum: (seats[stratum] - exact[stratum], stratum))
    for stratum in by_remainder[: limit - sum(seats.values())]:
        seats[stratum] += 1
    chooser = random.Random(seed)
    chosen = {
        question.id
        for stratum in sorted(strata)
        for question in chooser.sample(strata[stratum], seats[stratum])
    }
    return [question for question in questions if question.id in chosen]
