"""Wrong answers as proposed training questions, which count once a reviewer has accepted them.

A line is a question in the format of :mod:`hybrid.questions`, so that the file can be appended to the
training questions of a suite: lines that are not accepted are passed over there.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hybrid.errors import BadInput
from hybrid.evaluation.outcomes import Outcome
from hybrid.evaluation.report import Report
from hybrid.generation.abstention import ABSTENTION
from hybrid.generation.citations import marker
from hybrid.questions import check_new, write_rows
from hybrid.records import Verdict

WRONG = frozenset(
    {
        Outcome.WRONG_ABSTENTION,
        Outcome.MISLED,
        Outcome.HALLUCINATED,
        Outcome.WITH_UNSUPPORTED_PARTS,
    }
)
KIND = "failures"
LEAK = (
    "These are evaluation questions: take each one that you accept out of the suite's evaluation questions, "
    "or its next figures show what was learned by heart."
)

Row = Mapping[str, Any]


def write_failures(report: Report, path: Path) -> int:
    """Writes the wrong answers of a run for a reviewer, who sets ``accept`` and may correct ``answers``.

    A question stands there once for each column that answered it wrongly, under an id of its own and of kind
    ``failures``. Answers to changed passages (the probes counterfactual and stale) are left out.

    Args:
        report: a finished run.
        path: JSONL that is not there yet.

    Returns:
        How many there are.

    Raises:
        BadInput: the run was redacted, so that there is nothing to read.
        RunError: the file is there already.
    """
    check_new(path)
    if report.results.get("redacted"):
        raise BadInput(
            str(report.folder), "this run was redacted; its texts are in the run it was made from."
        )
    rows = [failure(row) for row in report.rows if row["outcome"] in WRONG and not row.get("swap")]
    write_rows(path, rows)
    return len(rows)


def failure(row: Row) -> dict[str, Any]:
    """One wrong answer: what is asked and wanted, and under ``review`` what a person needs to see."""
    gold = row.get("gold_spans")
    return {
        "id": f"{KIND}/{row['cell']}/{row['question_id']}",
        "kind": KIND,
        "question": row["question"],
        "answerable": row["answerable"],
        "accept": None,
        **({} if row["references"] is None else {"answers": row["references"]}),
        **({} if gold is None else {"gold": [_place(span) for span in gold]}),
        **({"history": row["history"]} if row["history"] else {}),
        "group": row["group"],
        "part": "train",
        "review": {
            "proposed": proposed(row),
            "cell": row["cell"],
            "outcome": row["outcome"],
            "answer": row["answer"],
            "unsupported": [each["text"] for each in row["statements"] if not _is_supported(each)],
            "passages": _shown(row),
            "question_id": row["question_id"],
            "kind": row.get("kind", ""),
        },
    }


def proposed(row: Row) -> str | None:
    """What a row should have been answered: the reference with the markers of its gold, or silence.

    Silence where no passage shown tells; None where they tell and no reference is known.
    """
    gold = set(row["gold"]) if row["answerable"] else set()
    markers = [marker(number) for number, id in enumerate(row["shown"], start=1) if id in gold]
    if not markers:
        return ABSTENTION
    return f"{row['references'][0]} {''.join(markers)}" if row["references"] else None


def _shown(row: Row) -> list[dict[str, Any]]:
    pool = {passage["id"]: passage for passage in row["pool"]}
    return [
        {
            "marker": marker(number),
            "document": pool[id]["document"],
            "title": pool[id]["title"],
            "text": pool[id]["text"],
            "gold": id in row["gold"],
        }
        for number, id in enumerate(row["shown"], start=1)
    ]


def _is_supported(statement: Row) -> bool:
    """By the passages shown; where none were, by the pool."""
    verdict: str | None = statement["shown"] or statement["pool"]
    return verdict == Verdict.SUPPORTED


def _place(span: Row) -> dict[str, Any]:
    return {key: value for key, value in span.items() if value is not None}
