"""All rules, run on a set of rows."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from hybrid.errors import BadRows
from hybrid.progress import Progress
from hybrid.records import Question
from hybrid.specs import TuningSpec
from hybrid.tuning.lessons import Lessons
from hybrid.tuning.lint import grounded, leaks, repeats, shares, targets
from hybrid.tuning.lint.findings import Findings
from hybrid.tuning.lint.row import LintRow, rows_of_training

_LEVELS = ("error", "warning", "note")


@dataclass(frozen=True, slots=True)
class Against:
    """What rows are held against.

    Attributes:
        tuning: how they are to be learned.
        questions: the evaluation questions of the suite.
        known: ids of questions that the base answers right unaided.
        general_rows: rows of general data that are learned besides.
    """

    tuning: TuningSpec
    questions: tuple[Question, ...] = ()
    known: Collection[str] = ()
    general_rows: int = 0

    @property
    def refusals(self) -> tuple[float, float]:
        """The least and the greatest share of targets that should say that the model does not know."""
        silent, bare = self.tuning.distractors_only, self.tuning.no_context_rows
        least = (self.tuning.absent == "abstain") * silent + (self.tuning.no_context == "abstain") * bare
        return min(1.0, least), min(1.0, silent + bare)


def lint(rows: Sequence[LintRow], against: Against) -> Findings:
    """Runs every rule; errors come first.

    Sources: the data rules of Meta's guide to fine-tuning (part 3), LIMA (2305.11206) and OpenAI's guide.
    """
    found = [
        *targets.empty(rows),
        *targets.cut_off(rows),
        *targets.marker_form(rows),
        *targets.whitespace(rows),
        *targets.no_labels(rows, against.tuning.max_row_tokens),
        *grounded.absent_facts(rows),
        *repeats.duplicates(rows),
        *repeats.near_equal(rows),
        *leaks.evaluation_questions(rows, against.questions),
        *leaks.unseen_documents(rows, against.questions),
        *leaks.unseen_shown(rows, against.questions),
        *shares.refusals(rows, against.refusals),
        *shares.gold_positions(rows),
        *shares.template(rows),
        *shares.labels(rows),
        *shares.general_share(rows, against.general_rows),
        *shares.outliers(rows),
        *shares.known(rows, against.known),
    ]
    return Findings(len(rows), tuple(sorted(found, key=lambda finding: _LEVELS.index(finding.level))))


def lint_training(lessons: Lessons, tuning: TuningSpec) -> Findings:
    """Runs every rule on the rows of a pipeline; rows that were left out as too long come last.

    In a mixture, ids of questions and of documents are told apart by their suites.
    """
    several = len(lessons.taught) > 1
    learned, left_out, questions, known = [], [], [], set()
    for each in lessons.taught:
        suite = f"{each.source.suite.name}/" if several else ""
        learned += rows_of_training(each.lessons, suite=suite)
        left_out += rows_of_training((), each.left_out, suite=suite)
        questions += [_of(suite, question) for question in each.source.suite.questions]
        known |= {suite + id for id in each.source.known}
    rows = [replace(row, number=number) for number, row in enumerate([*learned, *left_out], start=1)]
    return lint(rows, Against(tuning, tuple(questions), known, len(lessons.replay)))


def _of(suite: str, question: Question) -> Question:
    gold = question.gold and tuple(replace(each, document=suite + each.document) for each in question.gold)
    return replace(question, id=suite + question.id, gold=gold)


def stop_at_errors(findings: Findings, progress: Progress) -> None:
    """Shows errors and warnings, and lets no training begin if there is an error.

    Raises:
        BadRows: there is one.
    """
    for finding in findings.of("error", "warning"):
        progress.say(finding.line)
    errors = findings.of("error")
    if errors:
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        raise BadRows(
            f"Nothing was trained: {errors[0].line}{more} "
            "`hybrid tune --lint` shows all; --set tuning.lint=false trains nevertheless."
        )
