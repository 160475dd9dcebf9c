"""Rows that repeat each other, or contradict each other."""

from collections import defaultdict
from collections.abc import Sequence

from hybrid.generation.correctness import values
from hybrid.tuning.lint.findings import Finding, about
from hybrid.tuning.lint.near import NearTexts
from hybrid.tuning.lint.row import LintRow

_REMEDY = "Remove them, or make fewer rows with tuning.rows"


def duplicates(rows: Sequence[LintRow]) -> list[Finding]:
    """Rows that equal an earlier one in prompt and target."""
    return about(
        "duplicate", "warning", _copies(rows), "the same prompt and target as an earlier row", _REMEDY
    )


def near_equal(rows: Sequence[LintRow]) -> list[Finding]:
    """Rows whose prompt is near-equal to that of an earlier row: with its target, or with another."""
    copies = {row.number for row in _copies(rows)}
    alike: list[LintRow] = []
    torn: list[LintRow] = []
    for group in near_groups(rows):
        if len({values(row.answer) for row in group}) > 1:
            torn += group
        else:
            alike += [row for row in group[1:] if row.number not in copies]
    return about(
        "near-duplicate",
        "warning",
        _ordered(alike),
        "almost the prompt of an earlier row, and its target",
        _REMEDY,
    ) + about(
        "conflict",
        "warning",
        _ordered(torn),
        "almost the same prompt, and different targets",
        "Keep the right target of each",
    )


def near_groups(rows: Sequence[LintRow]) -> list[list[LintRow]]:
    """Groups of at least two rows with a near-equal question and the same rest of the prompt.

    Another order of the passages is no difference: it changes markers, not answers.
    """
    alike: dict[tuple[str, frozenset[str]], list[LintRow]] = defaultdict(list)
    for row in rows:
        alike[row.before, frozenset(row.passages or ())].append(row)
    groups: dict[tuple[int, int], list[LintRow]] = defaultdict(list)
    for number, bucket in enumerate(alike.values()):
        if len(bucket) > 1:
            leaders = NearTexts([row.question for row in bucket]).leaders()
            for row, leader in zip(bucket, leaders, strict=True):
                groups[number, leader].append(row)
    return [group for group in groups.values() if len(group) > 1]


def _copies(rows: Sequence[LintRow]) -> list[LintRow]:
    seen: set[tuple[object, ...]] = set()
    copies = []
    for row in rows:
        key = (row.before, row.passages, row.question.strip(), row.target.strip())
        if key in seen:
            copies.append(row)
        seen.add(key)
    return copies


def _ordered(rows: Sequence[LintRow]) -> list[LintRow]:
    return sorted(rows, key=lambda row: row.number)
