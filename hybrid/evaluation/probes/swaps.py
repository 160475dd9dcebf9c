"""An answer swapped for another in the passages that tell it, made automatically and checked."""

import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from hybrid.cjk import CJK
from hybrid.evaluation.probes.names import Names, is_proper
from hybrid.evaluation.probes.numbers import counted_by_one, has_numbers, renamed, renamings
from hybrid.generation.correctness import POLAR, correct, normalise, values
from hybrid.records import Passage, Question

TRIALS = 40
NOTE = "answer swapped"


class Unfit(ValueError):
    """No checked swap can be made; the message is the reason by which such questions are counted."""


@dataclass(frozen=True, slots=True)
class Swap:
    """A question whose passages tell another answer, here made so; see :mod:`.stale` for real changes.

    Attributes:
        references: the old answers.
        substitutes: the new ones.
        passages: with every occurrence of the old answer replaced, and otherwise byte by byte as they are in
            the corpus. As their texts do not stand there, their ids are the negative ones of the originals.
    """

    references: tuple[str, ...]
    substitutes: tuple[str, ...]
    passages: tuple[Passage, ...]

    def told(self, text: str, question: Question) -> tuple[bool, bool]:
        """Whether a text tells a new answer to the question, and whether it tells an old one."""
        new, old = (
            bool(correct(text, replace(question, answers=each)))
            for each in (self.substitutes, self.references)
        )
        return new, old


@dataclass(frozen=True, slots=True)
class Edit:
    """A replacement in a text: from start to end, end exclusive."""

    start: int
    end: int
    text: str


def swapped(question: Question, passages: Sequence[Passage], names: Names, rng: random.Random) -> Swap:
    """The first swap that passes every check.

    Args:
        question: answerable, with references.
        passages: that are shown, among them the one that tells.
        names: answers of other questions, to take substitutes from.
        rng: draws.

    Raises:
        Unfit: there is none.
    """
    _refuse_kinds(question)
    told = [reference for reference in question.answers or () if _stands_in(reference, passages)]
    if not told:
        raise Unfit("no passage holds a reference word for word")
    fault = ""
    for substitution in islice(_substitutions(question, told[0], names, rng), TRIALS):
        swap = _made(question, passages, substitution)
        fault = _fault(question, passages, swap)
        if not fault:
            return swap
    raise Unfit(fault or _why_none(told[0]))


def _refuse_kinds(question: Question) -> None:
    answers = question.answers or ()
    if question.kind == "yes_no" or any(set(normalise(answer)) <= POLAR for answer in answers):
        raise Unfit("the answer is yes or no")
    if question.kind == "list":
        raise Unfit("the answer is a list")
    if any(counted_by_one(answer) for answer in answers):
        raise Unfit("the answer is one of something")


def _why_none(reference: str) -> str:
    if has_numbers(reference):
        return "the answer holds several numbers"
    return "no other answer is of its kind" if is_proper(reference) else "not a number, date or name"


def _substitutions(
    question: Question, told: str, names: Names, rng: random.Random
) -> Iterator[Mapping[str, tuple[str, ...]]]:
    """Old reference → what it can become; the first stands in the passage."""
    references = question.answers or ()
    if has_numbers(told):
        for renaming in renamings(told, references, rng):
            new = {old: renamed(old, renaming) for old in references}
            yield {old: (text,) for old, text in new.items() if text != old}
        return
    alike = names.like(question)
    for other in rng.sample(alike, len(alike)):
        yield dict.fromkeys(references, other)


def _made(
    question: Question, passages: Sequence[Passage], substitution: Mapping[str, tuple[str, ...]]
) -> Swap:
    surfaces = {old: new[0] for old, new in substitution.items()}
    return Swap(
        references=question.answers or (),
        substitutes=tuple(dict.fromkeys(text for new in substitution.values() for text in new)),
        passages=tuple(
            replace(
                passage,
                id=-passage.id,
                text=edited(passage.text, edits(passage.text, surfaces)),
                locator=f"{passage.locator} ({NOTE})".strip(),
            )
            for passage in passages
        ),
    )


def edits(text: str, surfaces: Mapping[str, str]) -> list[Edit]:
    """Where the old surfaces stand in a text, the longest first where several do, and what replaces them."""
    longest = sorted(surfaces, key=len, reverse=True)
    if not longest:
        return []
    one = "|".join(f"({_pattern(old)})" for old in longest)
    return [
        Edit(*found.span(), _like(surfaces[longest[(found.lastindex or 1) - 1]], found[0]))
        for found in re.finditer(one, text, re.IGNORECASE)
    ]


def edited(text: str, made: Sequence[Edit]) -> str:
    """The text with its edits made, which stand in order and apart."""
    pieces, end = [], 0
    for edit in made:
        pieces += [text[end : edit.start], edit.text]
        end = edit.end
    return "".join([*pieces, text[end:]])


def _fault(question: Question, passages: Sequence[Passage], swap: Swap) -> str:
    """The first check that a swap does not pass; empty if it passes all."""
    after = replace(question, answers=swap.substitutes)
    new = [f"{passage.title}: {passage.text}" for passage in swap.passages]
    old = [f"{passage.title}: {passage.text}" for passage in passages]
    if not swap.substitutes or not any(correct(text, after) for text in new):
        return "the new answer is not found in the passage"
    if any(correct(text, question) for text in new):
        return "the old answer is still told elsewhere in the passage or its title"
    if any(correct(text, after) or _shares_number(text, swap) for text in old):
        return "every substitute stands in the passage already"
    if correct(question.text, question) or correct(question.text, after):
        return "the question itself holds the answer"
    if any(correct(each, after) for each in swap.references) or any(
        correct(each, question) for each in swap.substitutes
    ):
        return "old and new answer count as the same"
    if any(_rests(reference, text) for reference in swap.references for text in new):
        return "a part of the name stands elsewhere in the passage"
    return ""


def _shares_number(text: str, swap: Swap) -> bool:
    """Whether a number that the swap brings in stands in the old text already."""
    before = {token for reference in swap.references for token in values(reference)}
    after = {token for substitute in swap.substitutes for token in values(substitute)}
    brought = {token for token in after - before if token[0].isdecimal()}
    return bool(brought & set(values(text)))


def _rests(reference: str, text: str) -> bool:
    """Whether a word of a proper name is left in a text."""
    if not is_proper(reference):
        return False
    words = set(re.findall(r"\w+", text))
    return any(
        len(word) > 3 and word[0].isupper() and word in words for word in re.findall(r"\w+", reference)
    )


def _stands_in(reference: str, passages: Sequence[Passage]) -> bool:
    return any(re.search(_pattern(reference), passage.text, re.IGNORECASE) for passage in passages)


def _pattern(reference: str) -> str:
    """A reference as words of their own: "5 years" neither in "15 years" nor in "2.5 years".

    Between CJK characters there is no end of a word to look for.
    """
    words = r"\s+".join(map(re.escape, reference.split()))
    return rf"(?<![^\W{CJK}])(?<!\d[.,]){words}(?![^\W{CJK}])(?![.,]\d)"


def _like(new: str, old: str) -> str:
    """The new text with a capital where the old one has one, at the start of a sentence."""
    return new[:1].upper() + new[1:] if old[:1].isupper() else new
