"""Retrieve → prompt → generate → cite."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hybrid import library, models
from hybrid.adapters import Adapter, base_warnings, open_adapter
from hybrid.corpus.builtin import open_corpus
from hybrid.corpus.store import Corpus
from hybrid.generation.abstention import abstains
from hybrid.generation.answers import AnswerStore, Generated
from hybrid.generation.budget import Budget
from hybrid.generation.citations import resolve
from hybrid.generation.device import precision
from hybrid.generation.endpoint import EndpointGenerator, folder_refused
from hybrid.generation.fitting import Prompt
from hybrid.generation.generator import Generation, Generator, TextGenerator
from hybrid.generation.prompt import Example
from hybrid.generation.reason import without_quote
from hybrid.models import Model, Say, Served, Weights
from hybrid.progress import Done
from hybrid.records import Answer, Passage, Question, Turn
from hybrid.retrieval.embed import load_embedder
from hybrid.retrieval.retriever import Retriever
from hybrid.specs import GenerationSpec, PipelineSpec, Style, SuiteSpec, load_spec


@dataclass(frozen=True, slots=True)
class Request:
    """A question with what is put in front of it: passages, and perhaps examples."""

    question: Question
    passages: tuple[Passage, ...] = ()
    examples: tuple[Example, ...] = ()


class Pipeline:
    """A retriever and a generator that answer together.

    Attributes:
        retriever: finds passages.
        generator: writes answers.
    """

    def __init__(self, retriever: Retriever, generator: TextGenerator) -> None:
        self.retriever = retriever
        self.generator = generator

    @classmethod
    def load(
        cls,
        name: str,
        *,
        corpus: str | None = None,
        adapter: Path | None = None,
        overrides: Sequence[str] = (),
        say: Say = lambda _: None,
    ) -> "Pipeline":
        """Loads a pipeline ready to answer.

        Args:
            name: a built-in pipeline or a YAML file.
            corpus: the corpus to search; default: that of the pipeline's suite.
            adapter: a PEFT folder, or one of whole weights; without one the base answers.
            overrides: ``KEY=VALUE`` for single values of the file.
            say: gets a line before slow work, and one if the adapter was made on other weights.

        Raises:
            HybridError: a name is unknown, a file does not fit, weights or corpus are missing.
        """
        spec = load_spec(PipelineSpec, library.find_pipeline(name), overrides)
        suite = load_spec(SuiteSpec, library.find_suite(spec.suite))
        retriever = load_retriever(spec, open_corpus(corpus or suite.corpus, say=say), say)
        model = models.find(spec.model, say)
        opened = None if adapter is None else open_adapter(adapter)
        generator = load_generator(model, spec.generation, suite.answers, adapter=opened)
        if opened is not None and isinstance(model, Weights):
            for warning in base_warnings(opened, model, precision(spec.generation)):
                say(warning)
        return cls(retriever, generator)

    def ask(
        self, question: str, *, history: Sequence[Turn] = (), tuned: bool = True, retrieval: bool = True
    ) -> Answer:
        """Answers one question.

        Args:
            question: the question, or the last turn of a conversation.
            history: earlier turns, oldest first; retrieval reads their questions, too.
            tuned: False answers with the base although an adapter is loaded.
            retrieval: False answers without passages.
        """
        return self.ask_many(
            [Question("", question, history=tuple(history))], tuned=tuned, retrieval=retrieval
        )[0]

    def ask_many(
        self, questions: Sequence[Question], *, tuned: bool = True, retrieval: bool = True
    ) -> list[Answer]:
        """Answers many questions in batches, in their order."""
        if retrieval:
            found = self.retriever.retrieve_many([question.full_text for question in questions])
            passages = [tuple(hit.passage for hit in hits) for hits in found]
        else:
            passages = [() for _ in questions]
        requests = [Request(question, shown) for question, shown in zip(questions, passages, strict=True)]
        return answer_all(self.generator, requests, tuned=tuned)[0]


def answer_all(
    generator: TextGenerator,
    requests: Sequence[Request],
    *,
    tuned: bool,
    seed: int = 0,
    store: AnswerStore | None = None,
    done: Done = lambda done, note: None,
) -> tuple[list[Answer], Generation]:
    """Answers requests in batches; answers are in the order of the requests.

    Raises:
        PromptTooLong: a question does not fit the model's context.
    """
    prompts = [
        generator.prompt(request.question.text, request.passages, request.question.history, request.examples)
        for request in requests
    ]
    generation = generator.generate(prompts, tuned=tuned, seed=seed, store=store, done=done)
    answers = [
        read_answer(prompt, output) for prompt, output in zip(prompts, generation.outputs, strict=True)
    ]
    return answers, generation


def read_answer(prompt: Prompt, output: Generated) -> Answer:
    """Resolves markers against the passages of this very request and looks for an abstention."""
    resolved = resolve(without_quote(output.text), prompt.shown)
    return Answer(
        text=resolved.text,
        citations=resolved.citations,
        passages=prompt.shown,
        abstained=abstains(resolved.text, cited=bool(resolved.citations)),
        raw=output.text,
        phantom_markers=resolved.phantom_markers,
        dropped_passages=prompt.dropped,
        prompt_tokens=prompt.tokens if output.prompt_tokens is None else output.prompt_tokens,
        output_tokens=output.tokens,
    )


def load_generator(
    model: Model,
    spec: GenerationSpec,
    style: Style,
    *,
    adapter: Adapter | None = None,
    budget: Budget | None = None,
) -> TextGenerator:
    """The generator of a pipeline, with its adapter on.

    Raises:
        BadSpec: a server's model was given an adapter of this machine, or its address cannot be used.
        ModelMismatch: the adapter was made for another architecture.
    """
    if isinstance(model, Served):
        if adapter is not None:
            raise folder_refused(adapter, model)
        return EndpointGenerator(model, spec, style, budget)
    generator = Generator(model, spec, style)
    if adapter is not None:
        generator.put_on(adapter)
    return generator


def load_retriever(spec: PipelineSpec, corpus: Corpus, say: Say = lambda _: None) -> Retriever:
    """The retriever of a pipeline over an opened corpus."""
    device = None if spec.generation.device == "auto" else spec.generation.device
    embedder = load_embedder(spec.retrieval.embedder, device=device, say=say)
    return Retriever(corpus, embedder, spec.retrieval.k, lexical=spec.retrieval.lexical)
