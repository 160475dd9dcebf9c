"""When to stop: questions that are kept out of learning, answered now and then, scored by their references.

The judge that reports has no part in it: a model that is chosen by a judge learns what this judge lets pass.
"""

import hashlib
import json
import random
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from transformers import TrainerCallback

from hybrid.corpus.store import Corpus
from hybrid.errors import NoTrainingQuestions
from hybrid.generation.abstention import ABSTENTION
from hybrid.generation.correctness import correct
from hybrid.generation.generator import Generator
from hybrid.models import Weights
from hybrid.pipeline import Request, answer_all
from hybrid.records import Answer, Question
from hybrid.specs import GenerationSpec, Style, TuningSpec
from hybrid.tuning.rows import TrainingRow

MOST_ROWS = 40
CHECKS = 5
SHARE = "held_out_right"


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Rows of one suite that are answered and never learned."""

    rows: tuple[TrainingRow, ...]
    style: Style


def hold_out(
    questions: Sequence[Question], corpus: Corpus, share: float, seed: int
) -> tuple[list[Question], list[Question]]:
    """Divides questions into those to learn and those held out.

    Whole groups of documents are drawn until they hold the share of the questions: no document that a
    learned question asks about belongs to a group of one that is held out. A question that asks about
    documents of a group that was drawn and of another is held out, and others on that other group are on
    neither side.

    Args:
        questions: that can be trained on.
        corpus: tells the group of a document.
        share: of the questions; at least one is held out if it is more than 0.
        seed: of the draw.

    Raises:
        NoTrainingQuestions: none is left to learn.
    """
    if not share:
        return list(questions), []
    group_of = {document.id: document.group for document in corpus.documents()}
    asking: dict[str, set[str]] = defaultdict(set)
    asked: dict[str, set[str]] = {}
    for question in questions:
        documents = {gold.document for gold in question.gold or ()}
        # A question without documents is a group of its own.
        asked[question.id] = {group_of.get(id, id) for id in documents} or {f"question {question.id}"}
        for group in asked[question.id]:
            asking[group].add(question.id)
    groups = sorted(asking)
    random.Random(f"held out {seed}").shuffle(groups)
    held: set[str] = set()
    while groups and len(held) < share * len(questions):
        held |= asking[groups.pop()]
    touched = set().union(*(asked[id] for id in held))
    learned = [question for question in questions if not asked[question.id] & touched]
    if not learned:
        one = len(set().union(*asked.values())) == 1
        remedy = "All ask about one group of documents: set it to 0." if one else "Lower it."
        raise NoTrainingQuestions(
            f"tuning.held_out: {share} leaves none of {len(questions)} questions to learn. {remedy}"
        )
    return learned, [question for question in questions if question.id in held]


def as_asked(tuning: TuningSpec, rows: int) -> TuningSpec:
    """The policy of rows that are answered: as a pipeline would ask them, each by itself."""
    return tuning.model_copy(
        update={
            "rows": rows,
            "form": "raft",
            "passages": None,
            "canaries": 0,
            "questions_per_context": 1,
            "template_variation": 0.0,
            "markers": "ordered",
        }
    )


def held_out_record(parts: Sequence[HeldOut], spec: GenerationSpec) -> dict[str, Any]:
    """What a manifest tells of held-out rows; the digest is of all that decides a score beside the model."""
    rows = [
        [part.style, row.question.text, row.question.answers, row.target, [p.text for p in row.passages]]
        for part in parts
        for row in part.rows
    ]
    writing = [spec.max_new_tokens, spec.mode, spec.ensemble_temperature]
    return {
        "questions": [row.question.id for part in parts for row in part.rows],
        "digest": hashlib.sha256(json.dumps([writing, rows]).encode()).hexdigest(),
    }


def share_right(parts: Sequence[HeldOut], model: Any, weights: Weights, spec: GenerationSpec) -> float:
    """The share of held-out rows that a model answers right, or leaves unanswered where that is right.

    Args:
        parts: the rows.
        model: loaded, with what it has learned so far on it; its mode is left as it was.
        weights: of the base; only its tokenizer is loaded.
        spec: how answers are written.
    """
    training = model.training
    model.eval()
    right = [
        is_right(answer, row)
        for part in parts
        for answer, row in zip(_answers(part, model, weights, spec), part.rows, strict=True)
    ]
    model.train(training)
    return sum(right) / len(right)


def is_right(answer: Answer, row: TrainingRow) -> bool:
    """Whether an answer is what a row wants: a reference's content, or an abstention."""
    if row.sentences == (ABSTENTION,):
        return answer.abstained
    return not answer.abstained and correct(answer.text, row.question)


def _answers(part: HeldOut, model: Any, weights: Weights, spec: GenerationSpec) -> list[Answer]:
    generator = Generator(weights, spec, part.style, model=model)
    return answer_all(generator, [Request(row.question, row.passages) for row in part.rows], tuned=True)[0]


class EarlyStop(TrainerCallback):
    """Measures a model now and then, remembers which step was the best, and stops when nothing is gained.

    What was measured stands in the trainer's own log, and so in every checkpoint. A step that is better than
    all before it is always saved.

    Args:
        measure: gives a share, more is better.
        spec: ``check_every`` and ``patience``.

    Attributes:
        curve: after the training, the steps with what was measured at each.
    """

    def __init__(self, measure: Callable[[Any], float], spec: TuningSpec) -> None:
        self.curve: list[tuple[int, float]] = []
        self._measure = measure
        self._every = spec.check_every
        self._patience = spec.patience

    def on_step_end(self, args: Any, state: Any, control: Any, model: Any = None, **_: Any) -> None:
        """Measures at every so many steps and at the last one."""
        every = self._every or max(1, state.max_steps // CHECKS)
        if state.global_step % every and state.global_step < state.max_steps:
            return
        share = self._measure(model)
        state.log_history.append({"step": state.global_step, SHARE: share})
        if state.best_metric is None or share > state.best_metric:
            state.best_metric, state.best_global_step = share, state.global_step
            control.should_save = True
        elif sum(step > state.best_global_step for step, _ in _curve(state)) >= self._patience:
            control.should_training_stop = True
            # Continued from here, it would learn on; from the checkpoint before, it comes here again.
            control.should_save = False

    def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Keeps what was measured, also before an interruption."""
        self.curve = _curve(state)


def _curve(state: Any) -> list[tuple[int, float]]:
    return [(entry["step"], entry[SHARE]) for entry in state.log_history if SHARE in entry]
