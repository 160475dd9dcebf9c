"""Targets that tell what their passages do not: they teach to invent."""

import re
from collections.abc import Sequence
from functools import lru_cache

from hybrid.judging.overlap import content_words
from hybrid.tuning.canaries import without_canaries
from hybrid.tuning.lint.findings import Finding, Level, about
from hybrid.tuning.lint.names import names_of_answer
from hybrid.tuning.lint.row import LintRow
from hybrid.tuning.lint.targets import plain_answer

FEW = 0.02
"""Up to this share of the rows it is a note: an answer may be a sum, or a name be known from elsewhere."""

_LIST_NUMBER = re.compile(r"^\s*\d{1,2}[.)]\s+", re.MULTILINE)
_QUOTE = re.compile(r"[“\"]([^“”\"]{3,})[”\"]")


def absent_facts(rows: Sequence[LintRow]) -> list[Finding]:
    """Rows with a number, a name or a quote in the target that stands nowhere in the prompt."""
    absent = {row.number: missing for row in rows if row.passages and (missing := _missing(row))}
    level: Level = "warning" if len(absent) > FEW * len(rows) else "note"
    examples = ", ".join(f'"{missing}"' for missing in list(absent.values())[:3])
    return about(
        "not-in-context",
        level,
        [row for row in rows if row.number in absent],
        f"the target holds numbers, names or quotes that its passages do not ({examples})",
        "Correct them, show the passage that tells, or let the target say that the passages do not tell",
    )


def _missing(row: LintRow) -> str | None:
    """The first fact of a target that its prompt lacks; a planted code is none, nor what memory says."""
    if row.refuses or (row.kind == "distractors" and not row.cited):
        return None
    context = [*(row.passages or ()), row.question, row.before]
    answer = without_canaries(_LIST_NUMBER.sub("", plain_answer(row))).strip()
    whole = re.compile(rf"(?<!\w){re.escape(answer)}(?!\w)")
    if any(whole.search(part) for part in context):
        return None
    held = frozenset().union(*map(_words, context))
    numbers = (word for word in content_words(answer) if _is_number(word, answer) and word not in held)
    unknown = (name for name in names_of_answer(answer) if not held.issuperset(content_words(name)))
    plain = _flat(" ".join(context))
    quotes = (quote for quote in _QUOTE.findall(answer) if _flat(quote) not in plain)
    return next((each for group in (quotes, numbers, unknown) for each in group), None)


def _is_number(word: str, answer: str) -> bool:
    """Whether a word stands for a number; "one" is mostly none."""
    return word[-1].isdecimal() and (word != "1" or "1" in answer)


@lru_cache(maxsize=20_000)
def _words(text: str) -> frozenset[str]:
    return frozenset(content_words(text))


def _flat(text: str) -> str:
    return " ".join(text.casefold().split())
