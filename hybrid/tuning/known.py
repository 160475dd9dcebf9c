"""Which training questions the base answers right without any passage."""

from hybrid import library
from hybrid.generation.answers import AnswerStore
from hybrid.generation.correctness import correct
from hybrid.generation.generator import Generator
from hybrid.models import Weights
from hybrid.pipeline import Request, answer_all
from hybrid.progress import Progress
from hybrid.specs import PipelineSpec, TuningSpec
from hybrid.suites import Suite


def asks_the_base(tuning: TuningSpec) -> bool:
    """Whether a policy needs to know what the base answers unaided."""
    return "from_memory" in (tuning.no_context, tuning.absent)


def known_unaided(spec: PipelineSpec, suite: Suite, weights: Weights, progress: Progress) -> frozenset[str]:
    """Ids of the training questions that the base answers right from memory.

    They are asked for only if the pipeline wants such rows (``from_memory`` as ``tuning.no_context`` or
    ``tuning.absent``).
    """
    if not asks_the_base(spec.tuning):
        return frozenset()
    generator = Generator(weights, spec.generation, suite.spec.answers)
    requests = [Request(question) for question in suite.training]
    with progress.track("Asking the base what it knows", len(requests)) as done:
        answers, _ = answer_all(
            generator, requests, tuned=False, store=AnswerStore(library.home() / "answers"), done=done
        )
    return frozenset(
        question.id
        for question, answer in zip(suite.training, answers, strict=True)
        if correct(answer.text, question)
    )
