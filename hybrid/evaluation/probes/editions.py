"""The next edition of a corpus: its documents, and the questions that it answers otherwise."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from hybrid.errors import CorpusError, RunError
from hybrid.generation.correctness import correct
from hybrid.models import Say
from hybrid.records import Question
from hybrid.suites import Suite, load_suite


@dataclass(frozen=True, slots=True)
class NextEdition:
    """What becomes of a suite's corpus.

    Attributes:
        suite: that asks it, with its corpus and training questions.
        questions: those whose answer is another there, with the new one; with none if it was withdrawn.
    """

    suite: Suite
    questions: tuple[Question, ...]


def next_edition(suite: Suite, folder: Path, asked: Iterable[Question], say: Say) -> NextEdition:
    """Opens the edition that a suite names as its successor.

    Args:
        suite: that is asked.
        folder: of its YAML file.
        asked: its questions.
        say: gets a line before slow work.

    Raises:
        RunError: the suite names none.
        CorpusError: nothing that is asked has another answer there.
    """
    named = suite.spec.successor
    if named is None:
        raise RunError(
            f'--probe stale needs a suite that names its successor, and "{suite.name}" names none. '
            "One that does: --suite marrowick-first-edition"
        )
    beside = folder / named
    later = load_suite(str(beside) if beside.is_file() else named, say=say)
    after = {question.id: question for question in later.questions}
    questions = tuple(
        # The rest stays as it is, so that the rows of a question belong together.
        replace(before, answers=now.answers, answerable=now.answerable, gold=now.gold)
        for before in asked
        if (now := after.get(before.id)) and _is_outdated(before, now)
    )
    if not questions:
        raise CorpusError(f'--probe stale: nothing that is asked has another answer in suite "{later.name}".')
    return NextEdition(later, questions)


def _is_outdated(before: Question, now: Question) -> bool:
    """Whether no old answer is right any more; a question without references cannot tell."""
    if not before.answers or (now.answerable and not now.answers):
        return False
    return not any(correct(answer, now) for answer in before.answers)
