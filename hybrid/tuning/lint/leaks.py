"""What training sees of the questions and documents that are kept for evaluation."""

from collections.abc import Sequence

from hybrid.generation.correctness import values
from hybrid.records import Question
from hybrid.tuning.lint.findings import Finding, about
from hybrid.tuning.lint.near import NearTexts
from hybrid.tuning.lint.row import LintRow


def evaluation_questions(rows: Sequence[LintRow], questions: Sequence[Question]) -> list[Finding]:
    """Rows that ask an evaluation question, in the same words or in almost the same."""
    asked = {values(question.full_text) for question in questions}
    kept = NearTexts([question.full_text for question in questions])
    same, near = [], []
    for row in rows:
        if values(row.question) in asked:
            same.append(row)
        elif kept.find(row.question) is not None:
            near.append(row)
    remedy = "Remove them from the training questions, or from the evaluation"
    return about("evaluation-question", "error", same, "ask a question of the evaluation", remedy) + about(
        "near-evaluation-question", "warning", near, "ask almost a question of the evaluation", remedy
    )


def unseen_documents(rows: Sequence[LintRow], questions: Sequence[Question]) -> list[Finding]:
    """Rows that learn from a document on which all evaluation questions are called ``unseen``."""
    unseen = unseen_of(questions)
    leaked = [row for row in rows if row.gold & unseen]
    documents = sorted(set().union(*(row.gold & unseen for row in leaked)))
    return about(
        "unseen-document",
        "error",
        leaked,
        f"learn from documents whose evaluation questions are called unseen ({_first(documents)})",
        'Remove them, or mark those evaluation questions "split": "seen"',
    )


def unseen_shown(rows: Sequence[LintRow], questions: Sequence[Question]) -> list[Finding]:
    """Rows that show such a document as a passage that does not tell: it is read, but not learned."""
    unseen = unseen_of(questions)
    shown = [row for row in rows if (row.shown - row.gold) & unseen]
    return about(
        "unseen-shown",
        "note",
        shown,
        "show unseen documents as distractors",
        "To keep their text out, train on a corpus without them",
    )


def unseen_of(questions: Sequence[Question]) -> frozenset[str]:
    """The documents that hold gold of unseen evaluation questions and of no seen one."""
    places: dict[str, set[str]] = {"seen": set(), "unseen": set()}
    for question in questions:
        places[question.split].update(gold.document for gold in question.gold or ())
    return frozenset(places["unseen"] - places["seen"])


def _first(documents: Sequence[str]) -> str:
    return ", ".join(documents[:3]) + (" …" if len(documents) > 3 else "")
