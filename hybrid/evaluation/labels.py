"""What people's labels say of a run's judge, and of the figures that stand on it."""

from pathlib import Path

from hybrid.errors import BadInput
from hybrid.evaluation.report import Report, open_report
from hybrid.judging.label_page import Session
from hybrid.judging.labelling import LABELS, Claim, claims, deck, open_labels


def session(run: Path, *, n: int, seed: int | None = None, out: Path | None = None) -> Session:
    """What there is to label in a finished run.

    Args:
        run: the folder of the run.
        n: claims to label in all, as many for each cell.
        seed: of the draw; default: that of the labels there are, or 0.
        out: the file of the labels; default: ``labels.jsonl`` of the run.

    Raises:
        BadInput: there is no finished run, or no statement in it.
        RunError: the labels there are were drawn with another seed.
    """
    found = _claims(open_report(run))
    if not found:
        raise BadInput(str(run), "no answer of this run has a statement to label.")
    labels = open_labels(out or run / LABELS, seed)
    return Session(str(run), deck(found, labels.seed)[:n], labels)


def _claims(report: Report) -> list[Claim]:
    return claims(report.rows, [*report.results["cells"], *report.results["references"]])
