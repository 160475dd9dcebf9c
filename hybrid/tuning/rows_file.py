"""The rows that a pipeline would learn, as a file: for other trainers, and to be looked at."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from transformers import AutoTokenizer

from hybrid.generation.encode import ChatEncoder
from hybrid.progress import SILENT, Progress
from hybrid.questions import check_new, write_rows
from hybrid.tuning.encoding import Lesson
from hybrid.tuning.lessons import make_lessons
from hybrid.tuning.rows import RowKind
from hybrid.tuning.teacher import find_teacher
from hybrid.tuning.tune import open_tuning

SHOWN: tuple[RowKind, ...] = ("gold", "distractors", "no_context")


@dataclass(frozen=True, slots=True)
class RowsFile:
    """A file that was written.

    Attributes:
        path: JSONL.
        rows: its lines.
        left_out: rows with the text of a control token, which other trainers would take for one.
        teachers: suite → what a teacher wrote for it.
    """

    path: Path
    rows: list[dict[str, Any]]
    left_out: int
    teachers: dict[str, dict[str, Any]]

    def examples(self) -> list[dict[str, Any]]:
        """The first row of each kind: passages that tell, that do not, and none."""
        first = {row["kind"]: row for row in reversed(self.rows)}
        return [first[kind] for kind in SHOWN if kind in first]

    def to_json(self) -> dict[str, Any]:
        """Where it is and what it holds."""
        kinds = Counter(row["kind"] for row in self.rows)
        return {
            "path": str(self.path),
            "rows": len(self.rows),
            "kinds": dict(sorted(kinds.items())),
            "left_out": self.left_out,
            "teachers": self.teachers,
        }


def write_rows_file(
    path: Path,
    pipeline: str = "quickstart",
    *,
    suite: str | None = None,
    seed: int = 0,
    overrides: Sequence[str] = (),
    teacher: str | None = None,
    replace: bool = False,
    progress: Progress = SILENT,
) -> RowsFile:
    """Writes what :func:`hybrid.tuning.tune.tune_pipeline` would learn with these arguments; trains nothing.

    Each line has ``prompt`` and ``completion`` (text by the model's chat template, with the end of the
    answer), ``messages`` (the same as a conversation), ``question_id``, ``kind``, ``passages`` and ``cited``
    (ids of passages).

    Args:
        path: JSONL, gzipped if it ends in ``.gz``.
        pipeline: a built-in name or a YAML file.
        suite: another suite than the pipeline's own.
        seed: of the rows.
        overrides: ``KEY=VALUE`` for single values of the pipeline file.
        teacher: ``endpoint:MODEL@URL`` of a larger model that writes targets.
        replace: whether a file that is there may go.
        progress: shows what is made ready.

    Raises:
        RunError: the file is there already.
        HybridError: a name is unknown, weights are missing, or there is nothing to train on.
    """
    check_new(path, replace=replace, consent="add --replace")
    served = find_teacher(teacher) if teacher else None
    opened = open_tuning(pipeline, suite, overrides, progress)
    encoder = ChatEncoder(AutoTokenizer.from_pretrained(opened.weights.path))
    lessons = make_lessons(
        opened.spec,
        opened.suite,
        opened.retriever,
        opened.weights,
        encoder,
        seed=seed,
        teacher=served,
        progress=progress,
    )
    rows = [row_line(lesson, encoder) for lesson in lessons.rows if _is_plain(lesson, encoder)]
    write_rows(path, rows)
    teachers = {each.source.suite.name: each.teacher for each in lessons.taught if each.teacher}
    return RowsFile(path, rows, len(lessons.rows) - len(rows), teachers)


def row_line(lesson: Lesson, encoder: ChatEncoder) -> dict[str, Any]:
    """A row as the file has it: other trainers encode ``prompt`` and ``completion`` to the very same ids."""
    messages = [{"role": message.role, "content": message.content.strip()} for message in lesson.messages]
    row = lesson.row
    return {
        "prompt": _prompt_text(lesson, encoder),
        "completion": lesson.target + (encoder.tokenizer.eos_token if lesson.ends else ""),
        # A text of the base is no conversation.
        "messages": [*messages, {"role": "assistant", "content": lesson.target}] if messages else None,
        "question_id": lesson.encoded.question,
        "kind": row.kind if row else "replay",
        "passages": [
            {"id": each.id, "document": each.document, "title": each.title, "text": each.text}
            for each in (row.passages if row else ())
        ],
        "cited": sorted(row.cited) if row else [],
    }


def _prompt_text(lesson: Lesson, encoder: ChatEncoder) -> str:
    if lesson.messages:
        return encoder.prompt_text(lesson.messages)
    return str(encoder.tokenizer.decode([encoder.start_id]))


def _is_plain(lesson: Lesson, encoder: ChatEncoder) -> bool:
    texts = (*(message.content for message in lesson.messages), lesson.target)
    return all(encoder.is_plain(text) for text in texts)
