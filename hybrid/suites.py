"""A suite as it is used: its spec with evaluation and training questions, quotes resolved to spans."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from hybrid import library
from hybrid.corpus.builtin import open_corpus
from hybrid.corpus.store import Corpus
from hybrid.errors import CorpusError, NoTrainingQuestions
from hybrid.models import Say
from hybrid.questions import read_questions, read_text
from hybrid.records import Part, Question
from hybrid.specs import SuiteSpec, load_spec


@dataclass(frozen=True, slots=True)
class Suite:
    """What is asked of a corpus, and how the answers are judged.

    Attributes:
        name: of the suite.
        spec: its YAML file.
        corpus: opened; built on the spot if it is a built-in one.
        questions: the evaluation questions of all parts.
        training: the training questions; empty if the suite has none.
        skipped: ids of questions whose gold is not in the corpus.
        known: name of a model → ids of questions that it was found to answer without a corpus.
    """

    name: str
    spec: SuiteSpec
    corpus: Corpus
    questions: tuple[Question, ...]
    training: tuple[Question, ...]
    skipped: tuple[str, ...]
    known: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def part(self, part: Part) -> list[Question]:
        """The evaluation questions of one part."""
        return [question for question in self.questions if question.part == part]

    def require_training(self) -> tuple[Question, ...]:
        """The training questions.

        Raises:
            NoTrainingQuestions: there are none.
        """
        if not self.training:
            raise NoTrainingQuestions(
                f'Suite "{self.name}" has no training questions. Name an adapter with --adapter FOLDER, '
                "or leave the tuned cells out with --cells base,base+rag."
            )
        return self.training


def load_suite(name: str, *, corpus: str | None = None, say: Say = lambda _: None) -> Suite:
    """Loads a suite with its corpus and its questions.

    Args:
        name: a built-in suite, one made by ``hybrid corpus import``, or a YAML file.
        corpus: to ask instead of the suite's own, see :func:`hybrid.corpus.builtin.open_corpus`.
        say: gets a line before slow work, and one if questions had to be skipped.

    Raises:
        HybridError: a name is unknown, or a file does not fit.
    """
    path = library.find_suite(name)
    spec = load_spec(SuiteSpec, path)
    opened = open_corpus(corpus or spec.corpus, say=say)
    texts = {document.id: document.text for document in opened.documents()}
    if not texts:
        raise CorpusError(
            f'Corpus "{opened.name}" is empty. Add documents: hybrid corpus add {opened.name} PATH'
        )
    questions = read_questions(path.parent / spec.questions, texts, edition=spec.edition)
    training = (
        read_questions(path.parent / spec.training, texts, edition=spec.edition) if spec.training else None
    )
    skipped = questions.skipped + (training.skipped if training else ())
    if skipped:
        say(f"{len(skipped)} questions skipped: their gold is not in this edition of the corpus.")
    return Suite(
        suite_name(path),
        spec,
        opened,
        questions.questions,
        training.questions if training else (),
        skipped,
        {model: frozenset(read_text(path.parent / file).splitlines()) for model, file in spec.known.items()},
    )


def suite_name(path: Path) -> str:
    """The name of a suite file: imported suites are named by their folder."""
    return path.parent.name if path.name == "suite.yaml" else path.stem
