"""A teacher: a larger model on a server writes targets, which are kept only where they can be checked.

Questions and passages leave this machine for it, through :mod:`hybrid.endpoint` alone.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal, get_args

from hybrid import library
from hybrid.errors import BadSpec
from hybrid.generation.answers import AnswerStore, Generated
from hybrid.generation.correctness import correct
from hybrid.generation.endpoint import EndpointGenerator, open_endpoint
from hybrid.judging.judge import Pair, evidence, for_language, judge_all
from hybrid.judging.named import open_judge
from hybrid.judging.statements import statements
from hybrid.models import Served, find
from hybrid.pipeline import read_answer
from hybrid.progress import Progress
from hybrid.records import Answer, Statement
from hybrid.specs import GenerationSpec
from hybrid.suites import Suite
from hybrid.tuning.rows import TrainingRow

Fate = Literal["kept", "silent", "cut_off", "uncited", "wrong", "unsupported"]
"""What became of an answer: learned, or why its row keeps the reference; the first reason in this order."""


def find_teacher(name: str) -> Served:
    """The model that a name stands for; nothing is sent.

    Raises:
        BadSpec: it is not ``endpoint:MODEL@URL``, or the URL cannot be used.
    """
    served = find(name) if name.startswith("endpoint:") else None
    if not isinstance(served, Served):
        raise BadSpec(f'--teacher "{name}" is not a model on a server: endpoint:MODEL@URL.')
    open_endpoint(served, GenerationSpec())
    return served


class Teacher:
    """Writes targets for the rows of one suite.

    Args:
        served: the model.
        spec: how it is asked; ``generation.by_model`` may say more of it.
        suite: its judge has to find every statement supported.
        progress: shows who receives text, and how far it is.
    """

    def __init__(self, served: Served, spec: GenerationSpec, suite: Suite, progress: Progress) -> None:
        self._generator = EndpointGenerator(served, spec, suite.spec.answers)
        self._judge = for_language(open_judge(suite.spec.judge, progress.say), suite.spec.language)
        self._progress = progress
        self._counts: Counter[Fate] = Counter()

    def teach(self, rows: Sequence[TrainingRow]) -> list[TrainingRow]:
        """The rows, those whose passages tell with the teacher's answer where it can be trusted.

        An answer is kept if it cites a passage that tells and none that was not offered, is correct by the
        reference, and the judge finds each of its statements supported by the passages shown. Rows that must
        abstain, or that show no passages, are never sent.

        Raises:
            RunStopped: some requests failed; what was answered is kept for the next time.
        """
        sent = [place for place, row in enumerate(rows) if row.kind == "gold"]
        asked = [rows[place] for place in sent]
        answers = self._answers(asked)
        taken = [statements(answer, row.question) for row, (answer, _) in zip(asked, answers, strict=True)]
        fates = [self._fate(row, *answer) for row, answer in zip(asked, answers, strict=True)]
        pairs = [
            _pairs(answer, said) if fate == "kept" else []
            for (answer, _), said, fate in zip(answers, taken, fates, strict=True)
        ]
        judgements = judge_all(self._judge, (pair for each in pairs for pair in each), self._progress)
        taught = list(rows)
        for place, row, said, fate, judged in zip(sent, asked, taken, fates, pairs, strict=True):
            held = fate != "kept" or (judged and all(judgements[pair].supported for pair in judged))
            self._counts[fate if held else "unsupported"] += 1
            if held and fate == "kept":
                taught[place] = _with_target(row, said)
        return taught

    def to_json(self) -> dict[str, Any]:
        """Who taught, who judged, and how many answers met which fate; for a manifest."""
        counts = {fate: self._counts[fate] for fate in get_args(Fate)}
        judge = {"name": self._judge.name, "digest": self._judge.digest}
        return {"name": self._generator.served.name, "judge": judge, "answers": counts}

    def _answers(self, rows: Sequence[TrainingRow]) -> list[tuple[Answer, Generated]]:
        if not rows:
            return []
        self._progress.say(
            f"{len(rows)} questions with their passages are sent to {self._generator.endpoint.place}, "
            f"for the teacher {self._generator.served.model}."
        )
        prompts = [
            self._generator.prompt(row.question.text, row.passages, row.question.history) for row in rows
        ]
        with self._progress.track("Asking the teacher", len(rows)) as done:
            store = AnswerStore(library.home() / "answers")
            outputs = self._generator.generate(prompts, store=store, done=done).outputs
        return [
            (read_answer(prompt, output), output) for prompt, output in zip(prompts, outputs, strict=True)
        ]

    def _fate(self, row: TrainingRow, answer: Answer, output: Generated) -> Fate:
        """What becomes of an answer before the judge has seen it."""
        if answer.abstained or not answer.text:
            return "silent"
        if output.tokens >= self._generator.spec.max_new_tokens:
            return "cut_off"
        if answer.phantom_markers or not {each.passage for each in answer.citations} & row.cited:
            return "uncited"
        return "kept" if correct(answer.text, row.question) else "wrong"


def _pairs(answer: Answer, said: Sequence[Statement]) -> list[Pair]:
    shown = evidence(answer.passages)
    return [(statement.claim, shown) for statement in said]


def _with_target(row: TrainingRow, said: Sequence[Statement]) -> TrainingRow:
    """The row with these statements as its answer; a passage that tells stays, cited or not."""
    cites = tuple(frozenset(statement.cited) for statement in said)
    return replace(
        row,
        sentences=tuple(statement.text for statement in said),
        cites=cites,
        cited=row.cited.union(*cites),
    )
