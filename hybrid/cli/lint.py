"""``hybrid tune --lint``: what checking rows found, a line each."""

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from hybrid.cli.terminal import TerminalProgress, print_json

if TYPE_CHECKING:
    from hybrid.tuning.lint.findings import Findings


def lint(
    pipeline: str, suite: str | None, seed: int, overrides: list[str], data: Path | None, *, as_json: bool
) -> None:
    """Checks rows and trains nothing; an error among the findings is exit code 1."""
    from hybrid.tuning.lint.jobs import lint_file, lint_pipeline

    progress = TerminalProgress()
    if data:
        findings = lint_file(data, pipeline, suite=suite, overrides=overrides, progress=progress)
    else:
        findings = lint_pipeline(pipeline, suite=suite, seed=seed, overrides=overrides, progress=progress)
    _show(findings, as_json)
    if findings.of("error"):
        raise typer.Exit(1)


def _show(findings: "Findings", as_json: bool) -> None:
    if as_json:
        print_json(findings.to_json())
        return
    for finding in findings.found:
        typer.echo(finding.line)
    typer.echo(findings.summary)
