"""What is wrong with a set of rows as a whole, while each of them may be right."""

import math
import statistics
from collections import Counter, defaultdict
from collections.abc import Collection, Sequence

from scipy.stats import chi2

from hybrid.generation.correctness import values
from hybrid.tuning.lint.findings import Finding, about
from hybrid.tuning.lint.row import LintRow

FEW_ROWS = 20
"""Of fewer rows no share is told."""

REFUSAL_TOLERANCE = 0.1
UNEVEN_P = 0.01
LEAST_EXPECTED = 5
TEMPLATE_WORDS, TEMPLATE_SHARE = (5, 4, 3, 2), 0.5
LABEL_WORDS, MOST_LABELS, LABEL_SHARE = 4, 20, 0.8
OUTLIER_TIMES, OUTLIER_CHARS = 8, 200


def refusals(rows: Sequence[LintRow], wanted: tuple[float, float]) -> list[Finding]:
    """The share of targets that say "I don't know", against the least and greatest share wanted."""
    if len(rows) < FEW_ROWS:
        return []
    share = sum(row.refuses for row in rows) / len(rows)
    if wanted[0] - REFUSAL_TOLERANCE <= share <= wanted[1] + REFUSAL_TOLERANCE:
        return []
    aim = " to ".join(f"{bound:.0%}" for bound in dict.fromkeys(wanted))
    problem = f"{share:.0%} of the targets say that they do not know, {aim} are wanted"
    remedy = f"{'Add' if share < wanted[0] else 'Remove'} such rows, or change tuning.distractors_only"
    return [Finding("refusal-share", "warning", problem, remedy)]


def gold_positions(rows: Sequence[LintRow]) -> list[Finding]:
    """Whether the cited passage stands at every place equally often (chi-square, p < 0.01).

    Rows with as many passages are counted together, and the statistics of all counts are added.
    """
    places: dict[int, Counter[int]] = defaultdict(Counter)
    for row in rows:
        cited = (place for place, number in enumerate(row.offered, start=1) if number in row.cited)
        places[len(row.offered)].update(cited)
    tested = {
        shown: counts
        for shown, counts in places.items()
        if shown > 1 and counts.total() >= LEAST_EXPECTED * shown
    }
    statistic = sum(_unevenness(shown, counts) for shown, counts in tested.items())
    freedom = sum(shown - 1 for shown in tested)
    if not tested or chi2.sf(statistic, freedom) >= UNEVEN_P:
        return []
    shown, counts = max(tested.items(), key=lambda item: item[1].total())
    told = ", ".join(str(counts[place]) for place in range(1, shown + 1))
    problem = f"the cited passage does not stand everywhere equally often (of {shown} places: {told})"
    return [Finding("gold-position", "warning", problem, "Shuffle the passages of each row")]


def template(rows: Sequence[LintRow]) -> list[Finding]:
    """Whether more than half of the answers begin, or end, with the same two to five words."""
    answers = [row for row in rows if not row.refuses]
    said = [row.answer.casefold().split() for row in answers]
    for count in TEMPLATE_WORDS if len(answers) >= FEW_ROWS else ():
        for place, part in (("begin", slice(count)), ("end", slice(-count, None))):
            found: dict[tuple[str, ...], list[LintRow]] = defaultdict(list)
            for row, words in zip(answers, said, strict=True):
                if len(words) > count:
                    found[tuple(words[part])].append(row)
            phrase, alike = max(found.items(), key=lambda item: len(item[1]), default=((), []))
            # The same answer again and again is no template.
            if len(alike) > TEMPLATE_SHARE * len(answers) and len({row.answer for row in alike}) > 1:
                share = f"{len(alike) / len(answers):.0%}"
                problem = f'{share} of the answers {place} with "{" ".join(phrase)}"'
                return about(
                    "template", "warning", alike, problem, "Vary the wording, or leave the phrase out"
                )
    return []


def labels(rows: Sequence[LintRow]) -> list[Finding]:
    """Where the answers are a few labels, whether one of them has more than 80 % of the rows."""
    answers = Counter(label for row in rows if not row.refuses and (label := values(row.answer)))
    total = answers.total()
    few = 1 <= len(answers) <= min(MOST_LABELS, total // 5)
    if total < FEW_ROWS or not few or max(map(len, answers)) > LABEL_WORDS:
        return []
    [(label, most)] = answers.most_common(1)
    if most <= LABEL_SHARE * total:
        return []
    labels = "the only label" if len(answers) == 1 else f"one of {len(answers)} labels"
    problem = f'{most / total:.0%} of the targets are "{" ".join(label)}", {labels}'
    return [Finding("label-balance", "warning", problem, "Add rows of the other labels")]


def general_share(rows: Sequence[LintRow], general_rows: int) -> list[Finding]:
    """Whether there is any general data among the rows, against forgetting."""
    if general_rows or any(row.kind == "replay" for row in rows):
        return []
    remedy = 'Set tuning.replay=0.1, or mark rows of a file "kind": "replay"'
    return [Finding("general-share", "warning", "0% of the rows are general data", remedy)]


def outliers(rows: Sequence[LintRow]) -> list[Finding]:
    """Rows whose question or target is many times as long as the median of all."""
    return _outliers(rows, "target", [len(row.target) for row in rows]) + _outliers(
        rows, "question", [len(row.question) for row in rows]
    )


def known(rows: Sequence[LintRow], ids: Collection[str]) -> list[Finding]:
    """Rows whose question the base answers right unaided."""
    return about(
        "known",
        "note",
        [row for row in rows if row.id in ids],
        "the base answers the question already",
        "Other questions teach more",
    )


def _unevenness(shown: int, counts: Counter[int]) -> float:
    expected = counts.total() / shown
    return sum((counts[place] - expected) ** 2 / expected for place in range(1, shown + 1))


def _outliers(rows: Sequence[LintRow], what: str, lengths: Sequence[int]) -> list[Finding]:
    usual = statistics.median(lengths) if lengths else math.inf
    longest = max(OUTLIER_TIMES * usual, OUTLIER_CHARS)
    long = [row for row, length in zip(rows, lengths, strict=True) if length > longest]
    problem = f"the {what} is more than {OUTLIER_TIMES} times as long as usual ({usual:.0f} characters)"
    return about("length-outlier", "warning", long, problem, "Shorten or remove them")
