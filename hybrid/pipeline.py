"""Retrieve → prompt → generate → cite."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hybrid import library, models
from hybrid.adapters import Adapter, base_warnings, open_adapter
from hybrid.corpus.builtin import open_corpus
from hybrid.corpus.stale import stale_warnings
from hybrid.corpus.store import Corpus
from hybrid.generation.abstention import abstains
from hybrid.generation.answers import AnswerStore, Generated
from hybrid.generation.budget import Budget
from hybrid.generation.citations import renumbered, resolve
from hybrid.generation.device import precision
from hybrid.generation.endpoint import EndpointGenerator, folder_refused
from hybrid.generation.ensemble import check_mode
from hybrid.generation.fitting import Prompt
from hybrid.generation.generator import Generation, Generator, TextGenerator
from hybrid.generation.prompt import Example
from hybrid.generation.reason import without_quote
from hybrid.models import Model, Say, Served, Weights
from hybrid.progress import Done
from hybrid.records import Answer, Hit, Passage, Question, Turn
from hybrid.retrieval.embed import load_embedder
from hybrid.retrieval.retriever import Retriever, Where
from hybrid.specs import GenerationSpec, PipelineSpec, Style, SuiteSpec, load_spec


@dataclass(frozen=True, slots=True)
class Request:
    """A question with what is put in front of it: passages, and perhaps examples.

    ``scores`` are the retriever's, of the passages; an ensemble weighs them alike where there are none.
    """

    question: Question
    passages: tuple[Passage, ...] = ()
    examples: tuple[Example, ...] = ()
    scores: tuple[float, ...] = ()


class Pipeline:
    """A retriever and a generator that answer together.

    Attributes:
        retriever: finds passages.
        generator: writes answers.
    """

    def __init__(self, retriever: Retriever, generator: TextGenerator) -> None:
        self.retriever = retriever
        self.generator = generator

    @property
    def corpus(self) -> Corpus:
        """What is searched, each question in the newest generation; another one from the next question on.

        Who takes a corpus away closes it once no question is under way.
        """
        return self.retriever.corpus

    @corpus.setter
    def corpus(self, corpus: Corpus) -> None:
        self.retriever.corpus = corpus

    @classmethod
    def load(
        cls,
        name: str,
        *,
        corpus: str | None = None,
        adapter: Path | None = None,
        overrides: Sequence[str] = (),
        strict: bool = False,
        say: Say = lambda _: None,
    ) -> "Pipeline":
        """Loads a pipeline ready to answer.

        Args:
            name: a built-in pipeline or a YAML file.
            corpus: to search: a name, ``NAME@GENERATION``, or a path of texts; default: the suite's.
            adapter: a PEFT folder, or one of whole weights; default: that of the file. Without one the base
                answers.
            overrides: ``KEY=VALUE`` for single values of the file.
            strict: refuse an adapter that learned from documents which changed or went since.
            say: gets a line before slow work, and one if the adapter was made on other weights or is stale.

        Raises:
            StaleAdapter: ``strict`` is set, and the adapter is.
            HybridError: a name is unknown, a file does not fit, weights or corpus are missing.
        """
        spec = load_spec(PipelineSpec, library.find_pipeline(name), overrides)
        check_mode(spec)
        suite = load_spec(SuiteSpec, library.find_suite(spec.suite))
        opened = open_corpus(corpus or suite.corpus, say=say)
        named = adapter or spec.adapter
        given = open_adapter(named) if named else None
        warnings = stale_warnings([given] if given else [], opened, strict=strict)
        retriever = load_retriever(spec, opened, say)
        model = models.find(spec.model, say)
        generator = load_generator(model, spec.generation, suite.answers, adapter=given)
        if given is not None and isinstance(model, Weights):
            warnings += base_warnings(given, model, precision(spec.generation))
        for warning in warnings:
            say(warning)
        return cls(retriever, generator)

    def ask(
        self,
        question: str,
        *,
        history: Sequence[Turn] = (),
        tuned: bool = True,
        retrieval: bool = True,
        where: Where | None = None,
    ) -> Answer:
        """Answers one question.

        Args:
            question: the question, or the last turn of a conversation.
            history: earlier turns, oldest first; retrieval reads their questions, too.
            tuned: False answers with the base although an adapter is loaded.
            retrieval: False answers without passages.
            where: metadata that the documents have to have whose passages are shown: key → value, or a list
                of values.
        """
        asked = Question("", question, history=tuple(history))
        return self.ask_many([asked], tuned=tuned, retrieval=retrieval, where=where)[0]

    def ask_many(
        self,
        questions: Sequence[Question],
        *,
        tuned: bool = True,
        retrieval: bool = True,
        where: Where | None = None,
    ) -> list[Answer]:
        """Answers many questions in batches, in their order; see :meth:`ask`."""
        if retrieval:
            texts = [question.full_text for question in questions]
            found = self.retriever.retrieve_many(texts, where=where)
            requests = [showing(question, hits) for question, hits in zip(questions, found, strict=True)]
        else:
            requests = [Request(question) for question in questions]
        return answer_all(self.generator, requests, tuned=tuned)[0]


def showing(question: Question, hits: Sequence[Hit], examples: tuple[Example, ...] = ()) -> Request:
    """The request that shows what was retrieved."""
    passages = tuple(hit.passage for hit in hits)
    return Request(question, passages, examples, tuple(hit.score for hit in hits))


def prompt_of(generator: TextGenerator, request: Request) -> Prompt:
    """The prompt of a request.

    Raises:
        PromptTooLong: the question does not fit the model's context.
    """
    question = request.question
    return generator.prompt(
        question.text, request.passages, question.history, request.examples, scores=request.scores
    )


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
    prompts = [prompt_of(generator, request) for request in requests]
    generation = generator.generate(prompts, tuned=tuned, seed=seed, store=store, done=done)
    answers = [
        read_answer(prompt, output) for prompt, output in zip(prompts, generation.outputs, strict=True)
    ]
    return answers, generation


def read_answer(prompt: Prompt, output: Generated) -> Answer:
    """Resolves markers against the passages of this very request and looks for an abstention.

    To an ensemble each passage was offered as ``[1]``: that becomes the number of the one it stands on.
    """
    raw = output.text
    if output.leader is not None:
        raw = renumbered(raw, output.leader + 1, len(prompt.shown))
    resolved = resolve(without_quote(raw), prompt.shown)
    return Answer(
        text=resolved.text,
        citations=resolved.citations,
        passages=prompt.shown,
        abstained=abstains(resolved.text, cited=bool(resolved.citations)),
        raw=raw,
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
