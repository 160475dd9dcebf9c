"""Whether a model, here or on a server, fits a job's adapter and questions: looked at before any work."""

from collections.abc import Sequence

from hybrid.adapters import Adapter, base_warnings, check_fit
from hybrid.errors import BadSpec
from hybrid.evaluation.columns import Column
from hybrid.generation.budget import Budget
from hybrid.generation.device import precision
from hybrid.generation.endpoint import EndpointGenerator, folder_refused
from hybrid.generation.generator import check_room
from hybrid.models import Model, Served, Weights
from hybrid.records import Question
from hybrid.specs import PipelineSpec
from hybrid.suites import Suite
from hybrid.tuning.lint.leaks import unseen_of


def learns(model: Model, adapter: Adapter | None) -> bool:
    """Whether the tuned model has to be made first: on a server it is there already."""
    return adapter is None and isinstance(model, Weights)


def has_tuned(model: Model, spec: PipelineSpec) -> bool:
    """Whether there can be tuned columns."""
    return isinstance(model, Weights) or spec.generation.served(model.model).tuned_model is not None


def check_tuned(spec: PipelineSpec, model: Model, adapter: Adapter | None, columns: Sequence[Column]) -> None:
    """Looks at how the tuned model is named: a folder for a model here, a name for one on a server.

    Args:
        spec: the pipeline.
        model: the base.
        adapter: that was given.
        columns: that were asked for by name.

    Raises:
        BadSpec: the wrong one is named, or none for a tuned column.
    """
    if isinstance(model, Weights):
        if name := spec.generation.tuned_model:
            raise BadSpec(
                f'generation.tuned_model: "{name}" is for a model on a server. {model.name} is here: '
                "name the folder of its adapter with --adapter."
            )
        return
    if adapter is not None:
        raise folder_refused(adapter, model)
    if not has_tuned(model, spec) and any(column.tuned for column in columns):
        raise BadSpec(
            f"{model.name} cannot be tuned from here. Name the tuned model that the server knows with "
            "--set generation.tuned_model=NAME, or leave it out with --cells base,base+rag."
        )


def check_examples(spec: PipelineSpec, columns: Sequence[Column]) -> None:
    """Looks whether few-shot columns can be run.

    Args:
        spec: the pipeline.
        columns: that were asked for by name.

    Raises:
        BadSpec: answers are an ensemble.
    """
    if spec.generation.mode == "ensemble" and any(column.few_shot for column in columns):
        raise BadSpec(
            "generation.mode: ensemble shows each passage alone, examples show several together. "
            "Leave the few-shot columns out: --cells base,base+rag,tuned,tuned+rag."
        )


def left_out(spec: PipelineSpec) -> list[str]:
    """A line if the few-shot columns are left out although the pipeline wants them."""
    if spec.generation.mode == "ensemble" and spec.references.few_shot:
        return ["the few-shot columns are left out: generation.mode ensemble shows each passage alone"]
    return []


def check_price(spec: PipelineSpec, model: Model, budget: Budget) -> None:
    """Looks whether a limited budget can be kept.

    Raises:
        BadSpec: the pipeline tells no price of a model on a server.
    """
    if budget.limit is None or isinstance(model, Weights):
        return
    if spec.generation.served(model.model).price is None:
        raise BadSpec(
            f"--max-cost needs the price of {model.model}, in USD per million tokens: "
            "--set generation.price='{prompt: 0.5, output: 1.5}'."
        )


def check_questions(model: Model, spec: PipelineSpec, questions: Sequence[Question]) -> None:
    """Encodes questions without passages, before a model is loaded or asked.

    Raises:
        PromptTooLong: one does not fit the model's context.
    """
    if isinstance(model, Weights):
        check_room(model, spec.generation, questions)
        return
    generator = EndpointGenerator(model, spec.generation)
    for question in questions:
        generator.prompt(question.text, (), question.history)


def adapter_warnings(adapter: Adapter | None, model: Model, spec: PipelineSpec) -> list[str]:
    """Lines that say how this base differs from the one an adapter was made on.

    Raises:
        ModelMismatch: the adapter was made for another architecture.
    """
    if adapter is None or isinstance(model, Served):
        return []
    check_fit(adapter, model)
    return base_warnings(adapter, model, precision(spec.generation))


def leak_warnings(adapters: Sequence[Adapter], suite: Suite) -> list[str]:
    """Lines that name documents called unseen from which an adapter, by its manifest, has learned."""
    unseen, warnings = unseen_of(suite.questions), []
    for adapter in adapters:
        learned = {
            document
            for source in adapter.manifest.get("sources", ())
            if source["corpus"]["name"] == suite.corpus.name
            for document in source["documents"]
        }
        if leaked := sorted(unseen & learned):
            warnings.append(
                f"Leak: the adapter {adapter.path} has learned from {len(leaked)} documents of "
                f"{suite.corpus.name} whose questions are called unseen, such as {leaked[0]}."
            )
    return warnings


def precision_of(model: Model, spec: PipelineSpec) -> str:
    """Device and number format; those of a server are not known."""
    return precision(spec.generation) if isinstance(model, Weights) else "unknown: on a server"
