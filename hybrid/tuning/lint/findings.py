"""What checking rows finds, and how it is told: one line each."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from hybrid.tuning.lint.row import LintRow

Level = Literal["error", "warning", "note"]
SHOWN_ROWS = 5


@dataclass(frozen=True, slots=True)
class Finding:
    """What one rule has to say.

    Attributes:
        rule: its name.
        level: an ``error`` stops a training, a ``warning`` is shown before it, a ``note`` only when asked.
        problem: what is wrong, with the value seen.
        remedy: what to do about it.
        rows: those that it is about; empty if it is about all of them together.
    """

    rule: str
    level: Level
    problem: str
    remedy: str
    rows: tuple[LintRow, ...] = ()

    @property
    def line(self) -> str:
        """The finding as one line: level, rule, rows, problem, remedy."""
        where = f"{_named(self.rows)}: " if self.rows else ""
        return f"{self.level}: {self.rule}: {where}{self.problem}. {self.remedy}."

    def to_json(self) -> dict[str, Any]:
        """The fields by name; of rows their numbers."""
        return {
            "rule": self.rule,
            "level": self.level,
            "problem": self.problem,
            "remedy": self.remedy,
            "rows": [row.number for row in self.rows],
        }


@dataclass(frozen=True, slots=True)
class Findings:
    """All that was found in a set of rows, errors first."""

    rows: int
    found: tuple[Finding, ...]

    def of(self, *levels: Level) -> list[Finding]:
        """Those of some levels."""
        return [finding for finding in self.found if finding.level in levels]

    @property
    def summary(self) -> str:
        """How much was found, in one line."""
        counts = [f"{_several(len(self.of(level)), level)}" for level in ("error", "warning", "note")]
        return f"{_several(self.rows, 'row')}: {', '.join(counts)}"

    def to_json(self) -> dict[str, Any]:
        """The number of rows and of errors, and every finding."""
        found = [finding.to_json() for finding in self.found]
        return {"rows": self.rows, "errors": len(self.of("error")), "findings": found}


def about(rule: str, level: Level, rows: Sequence[LintRow], problem: str, remedy: str) -> list[Finding]:
    """The finding about some rows; none if there are no such rows."""
    return [Finding(rule, level, problem, remedy, tuple(rows))] if rows else []


def _named(rows: Sequence[LintRow]) -> str:
    names = ", ".join(row.name for row in rows[:SHOWN_ROWS])
    more = f" and {len(rows) - SHOWN_ROWS} more" if len(rows) > SHOWN_ROWS else ""
    return f"row{'s' if len(rows) > 1 else ''} {names}{more}"


def _several(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
