"""All rules, run on a set of rows."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from hybrid.errors import BadRows
from hybrid.progress import Progress
from hybrid.records import Question
from hybrid.specs import TuningSpec
from hybrid.suites import Suite
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
        parts: of a mixture, how many rows each suite gives and by which policy.
    """

    tuning: TuningSpec
    questions: tuple[Question, ...] = ()
    known: Collection[str] = ()
    general_rows: int = 0
    parts: tuple[tuple[int, TuningSpec], ...] = ()

    @property
    def refusals(self) -> tuple[float, float]:
        """The least and the greatest share of targets that should say that the model does not know."""
        parts = self.parts or ((1, self.tuning),)
        rows = sum(count for count, _ in parts)
        least = sum(count * _silent(tuning, "abstain") for count, tuning in parts) / rows
        most = sum(count * _silent(tuning, "abstain", "from_memory") for count, tuning in parts) / rows
        return least, most


def _silent(tuning: TuningSpec, *policies: str) -> float:
    """The share of rows whose passages do not tell, or that have none, and that are learned by a policy."""
    absent = (tuning.absent in policies) * tuning.distractors_only
    return min(1.0, absent + (tuning.no_context in policies) * tuning.no_context_rows)


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


def lint_training(lessons: Lessons, tuning: TuningSpec, asked: Suite) -> Findings:
    """Runs every rule on the rows of a pipeline; rows that were left out as too long come last.

    In a mixture, ids of questions are told apart by their suites, and those of documents by their corpora.

    Args:
        lessons: what is to be learned.
        tuning: how.
        asked: the suite whose evaluation follows; a mixture may be of others.
    """
    suites = {each.name: each for each in (asked, *(taught.source.suite for taught in lessons.taught))}
    prefixes = {name: (f"{name}/", f"{suite.corpus.name}/") for name, suite in suites.items()}
    if len(suites) == 1:
        prefixes = dict.fromkeys(suites, ("", ""))
    learned, left_out, known = [], [], set()
    for each in lessons.taught:
        suite, corpus = prefixes[each.source.suite.name]
        learned += rows_of_training(each.lessons, suite=suite, corpus=corpus)
        left_out += rows_of_training((), each.left_out, suite=suite, corpus=corpus)
        known |= {suite + id for id in each.source.known}
    against = Against(
        tuning,
        tuple(_told_apart(each, *prefixes[name]) for name, s in suites.items() for each in s.questions),
        known,
        len(lessons.replay),
        tuple((len(each.rows), each.source.tuning) for each in lessons.taught),
    )
    rows = [replace(row, number=number) for number, row in enumerate([*learned, *left_out], start=1)]
    return lint(rows, against)


def _told_apart(question: Question, suite: str, corpus: str) -> Question:
    gold = question.gold and tuple(replace(each, document=corpus + each.document) for each in question.gold)
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
