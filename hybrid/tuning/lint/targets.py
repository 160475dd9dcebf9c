"""Targets that should not be learned as they are: empty, cut off, badly formed, or cut away."""

import re
from collections.abc import Sequence

from hybrid.cjk import CJK
from hybrid.tuning.lint.findings import Finding, Level, about
from hybrid.tuning.lint.row import LintRow

LONG_WORDS = 12
"""A target of so many words is taken for prose, which ends with a sign."""

MOST_ENDLESS = 0.2
"""Greatest share of prose without such a sign for which it is a fault."""

MOST_LEFT_OUT = 0.1
"""Greatest share of rows without label tokens before it is an error."""

_END = re.compile(r"[.!?。！？…)\]}\"'”’`」』:]\s*$")
_HANGING = re.compile(r"(?:[,;(\[{、，；（]|[^\W\d_]-|\b(?:and|or|of|the|because))\s*$")
_BRACKETS = (("(", ")"), ("[", "]"), ("{", "}"), ("“", "”"), ("（", "）"), ("「", "」"))
_WORDS = re.compile(rf"[^\W\d_{CJK}]+")
_ODD_MARKER = re.compile(
    r"\[\s+\d+\s*\]|\[\d+\s+\]|\[\d+(?:\s*[,;–-]\s*\d+)+\]|\[\d+(?=[^\d\]]|$)|【\d+】|"
    r"\[(?:source|doc|document|passage)\s*\d+\]",
    re.IGNORECASE,
)
_ROUND_MARKER = re.compile(r"\((\d{1,2})\)\s*[.]?\s*$")
_ODD_SPACE = re.compile(r"\w[^\w\s]{0,2} {2,}\w|[ \t]+$|[\r\u00a0\u200b\u202f\u2007\ufeff]", re.MULTILINE)


def empty(rows: Sequence[LintRow]) -> list[Finding]:
    """Targets of nothing, or of nothing but markers."""
    blank = [row for row in rows if not row.answer.strip()]
    return about("empty-target", "error", blank, "the target is empty", "Remove them, or write an answer")


def cut_off(rows: Sequence[LintRow]) -> list[Finding]:
    """Targets without an end: in the middle of a word, bracket or list, or of prose that has no end sign."""
    known = _vocabulary(rows)
    prose = [row for row in rows if len(row.answer.split()) >= LONG_WORDS]
    endless = [row for row in prose if not _END.search(row.answer)]
    # Where most prose has no end sign, as in YAML, that is how it is written.
    unusual = {row.number for row in endless} if len(endless) <= MOST_ENDLESS * len(prose) else set()
    cut = [
        row
        for row in rows
        if row.number in unusual or _HANGING.search(row.answer) or _opens(row) or _ends_in_a_word(row, known)
    ]
    remedy = "Complete them; if a model wrote them, let it write more tokens"
    return about("cut-off-target", "warning", cut, "the target breaks off", remedy)


def marker_form(rows: Sequence[LintRow]) -> list[Finding]:
    """Markers written otherwise than ``[1]``, and markers of passages that are not shown.

    Without passages ``[1, 2]`` may be a list.
    """
    citing = [row for row in rows if row.passages]
    odd = [row for row in citing if _ODD_MARKER.search(row.target) or _round_marker(row)]
    phantom = [row for row in rows if row.passages is not None and not row.cited <= set(row.offered)]
    return about(
        "marker-form", "warning", odd, "a citation is not written like [1]", "Write [1][2], after a space"
    ) + about(
        "marker-not-offered",
        "warning",
        phantom,
        "the target cites a passage that is not shown",
        "Cite what is shown, or remove the marker",
    )


def whitespace(rows: Sequence[LintRow]) -> list[Finding]:
    """Targets with doubled, trailing, non-breaking or invisible spaces, or CRLF.

    A space in front is how some completions are written: it counts only where others have none.
    """
    usual = all(row.target[:1].isspace() for row in rows if row.target)
    odd = [
        row
        for row in rows
        if _ODD_SPACE.search(row.target)
        or row.target[-1:].isspace()
        or (row.target[:1].isspace() and not usual)
    ]
    problem = "the target has doubled, trailing, non-breaking or CRLF whitespace"
    return about("whitespace", "warning", odd, problem, "Write single plain spaces and \\n")


def no_labels(rows: Sequence[LintRow], max_row_tokens: int) -> list[Finding]:
    """Rows of which nothing would be learned, because the prompt alone fills what a row may hold."""
    lost = [row for row in rows if row.label_tokens == 0]
    level: Level = "error" if len(lost) > MOST_LEFT_OUT * len(rows) else "warning"
    problem = f"no token of the target fits into {max_row_tokens} tokens"
    return about("no-labels", level, lost, problem, "Raise tuning.max_row_tokens, or shorten the prompts")


def plain_answer(row: LintRow) -> str:
    """The answer without markers, however they are written."""
    text = _ODD_MARKER.sub("", row.answer)
    return (_ROUND_MARKER.sub("", text) if _round_marker(row) else text).strip()


def _opens(row: LintRow) -> bool:
    """Whether a bracket or a quotation is not closed."""
    return any(row.answer.count(left) > row.answer.count(right) for left, right in _BRACKETS)


def _vocabulary(rows: Sequence[LintRow]) -> set[str]:
    """The words of all passages, each read once."""
    passages = {passage for row in rows for passage in row.passages or ()}
    return {word for passage in passages for word in _WORDS.findall(passage.casefold())}


def _ends_in_a_word(row: LintRow, known: set[str]) -> bool:
    """Whether the last word stands in no passage, but is the beginning of a longer word of its own."""
    last = re.search(rf"[^\W\d_{CJK}]{{2,}}$", row.answer)
    if not last or not row.passages or row.refuses or last[0].casefold() in known:
        return False
    beginning = last[0].casefold()
    own = " ".join(row.passages).casefold()
    return bool(re.search(rf"\b{beginning}[^\W\d_]{{2,}}", own))


def _round_marker(row: LintRow) -> bool:
    """Whether a target of a row with passages ends with ``(1)`` and cites nothing."""
    found = _ROUND_MARKER.search(row.target)
    return bool(found and row.passages and not row.cited and 1 <= int(found[1]) <= len(row.passages))
