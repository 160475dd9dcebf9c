"""An answer taken apart into the statements that are judged, each with the passages cited for it."""

import re
from collections.abc import Iterator

from hybrid.cjk import CJK
from hybrid.generation.citations import find_markers, strip_markers
from hybrid.records import Answer, Question, Statement

#: A sentence of at most so many words is no claim by itself: it is judged together with its question.
SHORT_WORDS = 8

_MARKERS = r"(?:[ \t]*\[[0-9, \t;–-]+\])*"
_BOUNDARY = re.compile(
    rf"(?:[.!?]+[\"'”’)]*{_MARKERS}(?=\s|$)|[。！？]+[”’」』）]*{_MARKERS}|{_MARKERS}[ \t]*\n+)"
)
_ABBREVIATION = re.compile(
    r"(?:^|[\s(\"'])(?:[A-Za-z](?:\.[A-Za-z])+|mr|mrs|ms|dr|prof|st|sr|jr|vs|cf|approx|figs?|eq|sec|vol|pp|eds?|"
    r"inc|ltd|co|corp|gen|col|sen|rep|gov|jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec)\.$",
    re.IGNORECASE,
)
_INITIAL = re.compile(r"(?:^|[A-Z]\S* )[A-Z]\.$")
_NUMERO = re.compile(r"\bnos?\.$", re.IGNORECASE)
_CJK = re.compile(f"[{CJK}]")
_FINITE = re.compile(
    r"\b(?:is|are|was|were|am|be|been|has|have|had|do|does|did|can|could|will|would|shall|should|may|might|must|"
    r"isn't|aren't|wasn't|weren't|doesn't|don't|didn't|can't|won't)\b",
    re.IGNORECASE,
)


def statements(answer: Answer, question: Question) -> tuple[Statement, ...]:
    """One statement for each sentence of an answer; none for an abstention or an empty answer.

    A sentence owns the markers inside it and those that directly follow it. Where a sentence is no claim
    by itself (see ``is_short``), its claim is the question with the sentence as its answer, so that
    "five years" from another product's page is not supported.
    """
    if answer.abstained:
        return ()
    passages = {citation.marker: citation.passage for citation in answer.citations}
    return tuple(
        Statement(
            text=text,
            claim=question_claim(question.full_text, text) if is_short(text) else text,
            cited=tuple(passages[found] for found in find_markers(sentence) if found in passages),
        )
        for sentence in sentences(answer.text)
        if (text := strip_markers(sentence)) and any(character.isalnum() for character in text)
    )


def question_claim(question: str, answer: str) -> str:
    """A claim of a question and its answer, in a form that a judge can take apart again."""
    return f"Q: {question.strip()} A: {answer}"


def is_short(sentence: str) -> bool:
    """Whether a sentence needs its question to be a claim.

    It does with at most ``SHORT_WORDS`` words (two CJK characters count as one), or as a longer fragment:
    without an end mark and without an auxiliary verb, such as a list of names.
    """
    characters = len(_CJK.findall(sentence))
    words = len(_CJK.sub(" ", sentence).split()) + characters / 2
    fragment = not characters and sentence[-1:] not in ".!?" and not _FINITE.search(sentence)
    return words <= SHORT_WORDS or fragment


def sentences(text: str) -> Iterator[str]:
    """The sentences of a text, each with the markers that follow it.

    Lines end sentences; abbreviations, initials and decimals do not, nor does a full stop before a word
    in lower case.
    """
    start = 0
    for boundary in _BOUNDARY.finditer(text):
        if _ends_here(text, start, boundary):
            yield from _filled(text[start : boundary.end()])
            start = boundary.end()
    yield from _filled(text[start:])


def _ends_here(text: str, start: int, boundary: re.Match[str]) -> bool:
    if not boundary[0].startswith("."):
        return True
    before, after = text[start : boundary.start() + 1], text[boundary.end() :].lstrip()[:1]
    if after.islower() or (after.isdigit() and _NUMERO.search(before)):
        return False
    return not (_ABBREVIATION.search(before) or _INITIAL.search(before))


def _filled(sentence: str) -> Iterator[str]:
    if sentence.strip():
        yield sentence.strip()
