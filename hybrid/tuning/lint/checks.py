"""All rules, run on a set of rows."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from hybrid.errors import BadRows
from hybrid.progress import Progress
from hybrid.records import Question
from hybrid.specs import TuningSpec
from hybrid.tuning.encoding import Lesson
from hybrid.tuning.lint import grounded, leaks, repeats, shares, targets
from hybrid.tuning.lint.findings import Findings
from hybrid.tuning.lint.row import LintRow, rows_of_training
from hybrid.tuning.rows import TrainingRow

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
        most = min(1.0, silent + bare)
        return (most, most) if self.tuning.no_context == "abstain" else (silent, most)


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


def lint_training(
    lessons: Sequence[Lesson],
    left_out: Sequence[TrainingRow],
    tuning: TuningSpec,
    questions: Sequence[Question],
    known: Collection[str] = (),
) -> Findings:
    """Runs every rule on the rows of a pipeline.

    Args:
        lessons: what is learned, general data among it.
        left_out: rows that were built and are too long.
        tuning: how they are to be learned.
        questions: the evaluation questions of the suites.
        known: ids of questions that the base answers right unaided.
    """
    general = sum(lesson.row is None for lesson in lessons)
    return lint(rows_of_training(lessons, left_out), Against(tuning, tuple(questions), known, general))


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
