"""``hybrid tune --lint``: the rows of a pipeline, or of a file, are checked and not learned."""

from collections.abc import Sequence
from pathlib import Path

from transformers import AutoTokenizer

from hybrid import library, models
from hybrid.generation.encode import ChatEncoder
from hybrid.progress import SILENT, Progress
from hybrid.specs import PipelineSpec, load_spec
from hybrid.suites import load_suite
from hybrid.tuning.known import asks_the_base
from hybrid.tuning.lessons import make_lessons
from hybrid.tuning.lint.checks import Against, lint, lint_training
from hybrid.tuning.lint.files import read_file
from hybrid.tuning.lint.findings import Findings
from hybrid.tuning.tune import open_tuning

UNASKED = (
    "Not checked: what the base answers unaided. It is asked where tuning.no_context or tuning.absent is "
    "from_memory."
)


def lint_pipeline(
    pipeline: str = "quickstart",
    *,
    suite: str | None = None,
    seed: int = 0,
    overrides: Sequence[str] = (),
    progress: Progress = SILENT,
) -> Findings:
    """Checks the rows that :func:`hybrid.tuning.tune.tune_pipeline` would learn with these arguments.

    Raises:
        HybridError: a name is unknown, weights are missing, or there is nothing to train on.
    """
    opened = open_tuning(pipeline, suite, overrides, progress)
    lessons = make_lessons(
        opened.spec,
        opened.suite,
        opened.retriever,
        opened.weights,
        ChatEncoder(AutoTokenizer.from_pretrained(opened.weights.path)),
        seed=seed,
        progress=progress,
    )
    if not any(asks_the_base(each.source.tuning) for each in lessons.taught):
        progress.say(UNASKED)
    return lint_training(lessons, opened.spec.tuning, opened.suite)


def lint_file(
    path: Path,
    pipeline: str = "quickstart",
    *,
    suite: str | None = None,
    overrides: Sequence[str] = (),
    progress: Progress = SILENT,
) -> Findings:
    """Checks rows of one's own, as if the pipeline's model learned them for its suite.

    Args:
        path: JSONL in the forms of :class:`hybrid.tuning.lint.files.FileRow`.
        pipeline: a built-in name or a YAML file: its tokenizer, ``tuning`` and evaluation questions count.
        suite: another suite than the pipeline's own.
        overrides: ``KEY=VALUE`` for single values of the pipeline file.
        progress: shows what is made ready.

    Raises:
        HybridError: a name is unknown, a tokenizer is missing, or the file cannot be read.
    """
    spec = load_spec(PipelineSpec, library.find_pipeline(pipeline), overrides)
    opened = load_suite(suite or spec.suite, say=progress.say)
    encoder = ChatEncoder(AutoTokenizer.from_pretrained(models.locate_tokenizer(spec.model, progress.say)))
    rows = read_file(path, encoder, spec.tuning.max_row_tokens)
    progress.say(UNASKED)
    return lint(rows, Against(spec.tuning, opened.questions))
