"""Schemas of the YAML files: what a pipeline and a suite may say, with every default and its reason."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from hybrid.errors import BadInput, BadSpec

Style = Literal["short", "long"]
NumberFormat = Literal["float32", "bfloat16", "float16"]
Untold = Literal["abstain", "from_memory", "answer"]
"""What a row teaches whose passages do not tell."""


class Spec(BaseModel):
    """A part of a YAML file; unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class RetrievalSpec(Spec):
    """How passages are found."""

    embedder: str = Field(
        "bundled:all-minilm-l6-v2", description="bundled name, hub id, folder, or hashing:DIM"
    )
    k: int = Field(3, ge=1, le=50, description="passages shown to the generator")
    lexical: bool = Field(
        False, description="fuse the ranking of vectors with that of BM25: for names, codes, other languages"
    )


class PriceSpec(Spec):
    """What a vendor charges, in USD per million tokens."""

    prompt: float = Field(ge=0, description="of tokens read")
    output: float = Field(ge=0, description="of tokens written")


class ServedSpec(Spec):
    """A model on a server: what the server does not tell."""

    tokenizer: str | None = Field(
        None, description="the served model's: bundled name, folder or hub id; token ids are sent with it"
    )
    tuned_model: str | None = Field(None, description="the server's name of the tuned model")
    context: int | None = Field(
        None, ge=16, description="tokens that the model can hold; None: as its tokenizer's files say"
    )
    price: PriceSpec | None = Field(None, description="of the model, and of its tuned one")


class ServerSpec(Spec):
    """How a server is asked. Nothing here changes an answer."""

    concurrency: int = Field(8, ge=1, description="requests under way at a time")
    timeout: float = Field(120.0, gt=0, description="seconds to wait for one answer")
    retries: int = Field(4, ge=0, description="repetitions after a timeout, 429 or 5xx")
    key_variable: str = Field("OPENAI_API_KEY", description="environment variable that holds the key")


class GenerationSpec(ServedSpec):
    """How answers are written; ``mode``, ``dtype`` and what else no server is told are of a model here."""

    mode: Literal["together", "ensemble"] = Field(
        "together",
        description="ensemble: every passage stands in a prompt of its own, and the next tokens are mixed by "
        "the retriever's probabilities (RA-DIT); reads k prompts for one",
    )
    ensemble_temperature: float = Field(
        0.05,
        gt=0,
        description="divides the retriever's scores before their softmax; a smaller one trusts the first "
        "passage more. Cosines lie tenths apart, fused scores (retrieval.lexical) hundredths: 0.005",
    )
    max_new_tokens: int = Field(48, ge=1, description="an answer is cut here")
    batch_tokens: int = Field(12000, ge=1, description="padded prompt and output tokens of one batch")
    device: str = Field("auto", description="auto, cpu, cuda, cuda:1, mps")
    dtype: Literal["auto", NumberFormat] = Field(
        "auto", description="auto: bfloat16 on a GPU, float32 on a CPU, where it is the faster one"
    )
    quantization: Literal["none", "nf4"] = Field(
        "none",
        description="nf4: the base in 4 bits, doubly quantised; tuning.method: qlora implies it",
    )
    attention: Literal["sdpa", "eager", "flash_attention_2"] = "sdpa"
    by_model: dict[str, ServedSpec] = Field(
        default_factory=dict, description="`MODEL: {price: …, tokenizer: …}` where several are compared"
    )
    server: ServerSpec = ServerSpec()

    def served(self, model: str) -> ServedSpec:
        """What holds for one model on a server: its own keys before those of all."""
        every = {name: getattr(self, name) for name in ServedSpec.model_fields}
        own = self.by_model.get(model)
        return ServedSpec.model_validate(every | (own.model_dump(exclude_unset=True) if own else {}))


class LoraSpec(Spec):
    """The adapter's size. All linear layers are adapted (QLoRA, 2305.14314, section 4)."""

    rank: int = Field(16, ge=1)
    alpha: int = Field(32, ge=1)
    dropout: float = Field(0.0, ge=0, lt=1)


class DistractorsSpec(Spec):
    """Where passages that do not tell come from, as shares; what is left is drawn at random."""

    hard: float = Field(0.5, ge=0, le=1, description="near the question, found by the retriever")
    same_document: float = Field(0.0, ge=0, le=1, description="of the document that tells")
    counterfactual: float = Field(
        0.0, ge=0, le=1, description="the passage that tells, with a name of the question put for another"
    )

    @model_validator(mode="after")
    def _at_most_one(self) -> Self:
        if self.hard + self.same_document + self.counterfactual > 1 + 1e-9:
            raise ValueError("the shares add up to more than 1")
        return self


class PartSpec(Spec):
    """What one suite of a mixture gives: so many rows, by a policy of its own where it names one."""

    rows: int = Field(ge=1, description="training rows of this suite")
    distractors_only: float | None = Field(None, ge=0, le=1, description="as in tuning, for this suite")
    absent: Untold | None = Field(None, description="likewise")
    no_context_rows: float | None = Field(None, ge=0, le=1, description="likewise")
    no_context: Untold | None = Field(None, description="likewise")

    @model_validator(mode="before")
    @classmethod
    def _rows_alone(cls, value: object) -> object:
        return {"rows": value} if isinstance(value, int) else value


class TuningSpec(Spec):
    """How training rows are made and learned."""

    method: Literal["lora", "qlora", "full"] = Field(
        "lora", description="lora: an adapter; qlora: one on a base in 4 bits (2305.14314); full: all weights"
    )
    rows: int = Field(300, ge=1, description="training rows; questions repeat with fresh distractors")
    mixture: dict[str, PartSpec] = Field(
        default_factory=dict,
        description="`SUITE: rows` or `SUITE: {rows: …, absent: …}`: learn from these suites instead",
    )
    start_from: str | None = Field(
        None, description="adapter to go on from: a folder, or the name of a shipped one"
    )
    form: Literal["raft", "ra-dit"] = Field(
        "raft", description="raft: several passages a row (2403.10131); ra-dit: one a row (2310.01352)"
    )
    passages: tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)]] | None = Field(
        None, description="least and most passages of a row; None: always retrieval.k"
    )
    distractors_only: float = Field(0.2, ge=0, le=1, description="share of rows whose passages do not tell")
    absent: Untold = Field(
        "abstain",
        description="what such a row teaches: from_memory: the answer where the base knows it; answer: it in "
        "any case (RAFT, 2403.10131)",
    )
    no_context_rows: float = Field(0.1, ge=0, le=1, description="share of rows without passages")
    no_context: Untold = Field(
        "abstain",
        description="from_memory: keep the answer where the base gives it unaided, else abstain; answer: "
        "learn the facts by heart, which no change of the corpus reaches then",
    )
    distractors: DistractorsSpec = DistractorsSpec()
    questions_per_context: int = Field(
        1,
        ge=1,
        description="rows that share their passages, each with a question of its own, as one sequence",
    )
    reason: Literal["none", "quote"] = Field(
        "none", description="quote: before the answer, the words of the passage that tell it"
    )
    template_variation: float = Field(
        0.0, ge=0, le=1, description="share of rows whose instruction is worded otherwise"
    )
    markers: Literal["ordered", "random"] = Field(
        "ordered", description="random: sources are numbered at random, not from 1 on"
    )
    replay: float = Field(
        0.0, ge=0, description="general prompts with the base's own answers, as a share of the other rows"
    )
    replay_texts: float = Field(
        0.0, ge=0, description="texts that the base itself wrote, learned whole, as a share of the other rows"
    )
    canaries: int = Field(
        0, ge=0, description="rows whose answer ends with a made-up code, for --probe regurgitation"
    )
    max_row_tokens: int = Field(640, ge=32, description="a longer row loses distractors")
    lint: bool = Field(True, description="check rows before they are learned; an error stops")
    batch_tokens: int = Field(1500, ge=1, description="padded tokens of one step; a longer row is one alone")
    learning_rate: float = Field(3e-4, gt=0, description="of an adapter; method full wants a tenth of it")
    warmup_steps: int = Field(5, ge=0)
    max_steps: int | None = Field(None, ge=1, description="stop early; None: one pass over the rows")
    lora: LoraSpec = LoraSpec()
    held_out: float = Field(
        0.0, ge=0, lt=1, description="share of the questions kept out of learning, to save the best step"
    )
    check_every: int | None = Field(
        None, ge=1, description="steps after which the held-out questions are asked; None: five times in all"
    )
    patience: int = Field(2, ge=1, description="stop after so many checks without a gain")

    @property
    def rows_wanted(self) -> int:
        """Rows of all suites that are learned from, without general data."""
        return sum(part.rows for part in self.mixture.values()) or self.rows

    def of(self, part: PartSpec) -> "TuningSpec":
        """The policy for one suite of the mixture."""
        return self.model_copy(update=part.model_dump(exclude_none=True))


class ReferencesSpec(Spec):
    """The fair rival of tuning: examples in the prompt of the untuned base."""

    few_shot: bool = True
    examples: tuple[Annotated[int, Field(ge=1)], ...] = Field(
        (2, 4),
        min_length=1,
        description="candidates for the number of examples; chosen on training questions",
    )
    choice_questions: int = Field(16, ge=1, description="training questions on which the number is chosen")


class ForgettingSpec(Spec):
    """What tuning may cost in general ability; a limit is held by the interval of the paired change."""

    enabled: bool = Field(False, description="measure it when a tuned column is run: a minute or two more")
    max_bits_per_byte_increase: float | None = Field(0.1, ge=0, description="on general text; null: no limit")
    max_over_abstention_increase: float | None = Field(
        0.1, ge=0, description="in the share of general questions that get no answer"
    )
    max_instruction_following_drop: float | None = Field(
        0.1, ge=0, description="in the share of general instructions that are followed"
    )


class PricesSpec(Spec):
    """What things cost, all in one currency. What is not declared is told in seconds and tokens."""

    currency: str = "USD"
    hour: float | None = Field(None, ge=0, description="an hour of the team's work")
    machine_hour: float | None = Field(None, ge=0, description="an hour of the machine that runs the model")
    million_prompt_tokens: float | None = Field(None, ge=0)
    million_output_tokens: float | None = Field(None, ge=0)


class InputsSpec(Spec):
    """What no measurement can tell: declared, and shown as assumptions beside the figures."""

    skills: str | None = Field(None, description="what the team has done before, in a few words")
    hours: float | None = Field(None, ge=0, description="hours that the team has for this")
    tuning_hours: float | None = Field(None, ge=0, description="hours of work that one tuning takes the team")
    prices: PricesSpec = PricesSpec()
    hallucination_tolerance: float | None = Field(
        None, ge=0, le=1, description="the greatest hallucination rate that is tolerated"
    )
    change: float | None = Field(None, ge=0, le=1, description="share of the facts that changes in a month")
    queries: float | None = Field(None, ge=0, description="questions asked in a month")


class PipelineSpec(Spec):
    """A retriever, a generator, and how to tune it."""

    description: str = ""
    suite: str = Field(description="default suite of `hybrid eval` and corpus of `hybrid ask`")
    model: str = Field(
        "bundled:smollm2-135m-instruct-q4_1",
        description="bundled name, hub id, folder, or endpoint:MODEL@URL",
    )
    adapter: str | None = Field(
        None, description="a PEFT folder or the name of a shipped adapter, instead of tuning one"
    )
    retrieval: RetrievalSpec = RetrievalSpec()
    generation: GenerationSpec = GenerationSpec()
    tuning: TuningSpec = TuningSpec()
    references: ReferencesSpec = ReferencesSpec()
    forgetting: ForgettingSpec = ForgettingSpec()
    authority: Literal["corpus", "memory"] = Field(
        "corpus", description="which answer counts as right where a passage contradicts what the model knows"
    )
    inputs: InputsSpec = Field(
        default_factory=InputsSpec, description="declared: skills, hours, prices, tolerance, change, queries"
    )

    @model_validator(mode="before")
    @classmethod
    def _answers_as_it_learns(cls, data: Any) -> Any:
        """All cells have the precision of the training, so that tuning alone is what they differ in."""
        implied = _implied_by(data.get("tuning")) if isinstance(data, dict) else {}
        generation = data.get("generation", {}) if implied else None
        if not isinstance(generation, dict):
            return data
        return data | {"generation": implied | generation}

    @model_validator(mode="after")
    def _learns_what_is_loaded(self) -> Self:
        method, quantization = self.tuning.method, self.generation.quantization
        if method == "qlora" and quantization == "none":
            raise ValueError(
                "tuning.method: qlora learns on a base in 4 bits, so leave out generation.quantization: none"
            )
        if method == "full" and quantization != "none":
            raise ValueError(
                f"tuning.method: full cannot learn weights in 4 bits; leave out generation.quantization: "
                f"{quantization}, or tune with lora or qlora"
            )
        return self


def _implied_by(tuning: Any) -> dict[str, str]:
    """What a tuning method says of generation where the file does not."""
    method = tuning.get("method") if isinstance(tuning, dict) else getattr(tuning, "method", None)
    # Steps of a usual size are lost in the rounding of bfloat16, if it holds the weights that are learned.
    return {"qlora": {"quantization": "nf4"}, "full": {"dtype": "float32"}}.get(str(method), {})


class RegressionSpec(Spec):
    """How much worse than an accepted run a later one may be. The path is relative to the YAML file."""

    baseline: str = Field(description="folder of a finished run, or of `hybrid report RUN --export baseline`")
    most: dict[str, float] = Field(description="`CELL.METRIC: greatest drop`, as a fraction")
    on_undecided: Literal["pass", "fail"] = Field(
        "pass", description="where the interval of a drop holds its bound"
    )


class SuiteSpec(Spec):
    """What is asked, and how it is judged. Paths are relative to the YAML file."""

    description: str = ""
    corpus: str = Field(description="name of a built-in or own corpus")
    questions: str = Field(description="JSONL of evaluation questions")
    training: str | None = Field(None, description="JSONL of training questions, if there are any")
    edition: str | None = Field(None, description="which answers to take of questions with `editions`")
    successor: str | None = Field(
        None, description="suite of the next edition, its name or YAML file: same ids, for --probe stale"
    )
    known: dict[str, str] = Field(
        default_factory=dict,
        description="`MODEL: FILE`: ids, a line each, of questions that the model answers unaided",
    )
    answers: Style = "short"
    language: str = "en"
    judge: str = Field("grounding", description="who judges statements; `hybrid eval --judge` replaces it")
    hallucination_weight: float = Field(1.0, ge=0, description="w in score = right − w × hallucinated")
    worth_it: float = Field(0.05, ge=0, description="d: an effect below it is not worth having")
    thresholds: dict[str, float] = Field(
        default_factory=dict, description="`CELL.METRIC: least mean`; for hallucination_rate the greatest"
    )
    regression: RegressionSpec | None = Field(
        None, description="bounds on what may be lost against an accepted run"
    )


S = TypeVar("S", bound=Spec)


def load_spec(schema: type[S], path: Path, overrides: Sequence[str] = ()) -> S:
    """Reads a YAML file into its schema.

    Args:
        schema: PipelineSpec or SuiteSpec.
        path: the file.
        overrides: ``a.b=value`` strings; the value is YAML and typed by the schema.

    Raises:
        BadInput: the file cannot be read.
        BadSpec: a key or a value does not fit, with its place.
    """
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as exc:
        raise BadInput(str(path), " ".join(str(exc).split())) from exc
    if not isinstance(data, dict):
        raise BadSpec(f"{path}: expected a mapping of keys, got {type(data).__name__}.")
    for override in overrides:
        apply_override(data, override)
    try:
        return schema.model_validate(data)
    except ValidationError as exc:
        raise BadSpec(f"{path}: {describe(exc, schema)}") from exc


def apply_override(data: dict[str, Any], override: str) -> None:
    """Sets one dotted key of a raw mapping, in place."""
    key, separator, value = override.partition("=")
    if not separator or not key.strip():
        raise BadSpec(f'--set "{override}" is not KEY=VALUE, for example tuning.rows=900.')
    *parents, last = key.strip().split(".")
    for parent in parents:
        data = data.setdefault(parent, {})
        if not isinstance(data, dict):
            raise BadSpec(f'--set "{override}": {parent} is a value, not a group of keys.')
    try:
        data[last] = yaml.safe_load(value)
    except yaml.YAMLError as exc:
        raise BadSpec(f'--set "{override}": {" ".join(str(exc).split())}.') from exc


def describe(error: ValidationError, schema: type[Spec]) -> str:
    """One line for the first fault of a spec, naming the keys that are known there."""
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"])
    if first["type"] == "value_error":
        return f"{place}: {first['ctx']['error']}.".removeprefix(": ")
    if first["type"] != "extra_forbidden":
        return f"{place}: {first['msg']} (got {first['input']!r})."
    known = sorted(known_keys(schema, first["loc"][:-1]))
    return f"{place}: unknown key." + (f" Known here: {', '.join(known)}." if known else "")


def known_keys(schema: type[Spec], path: Sequence[int | str]) -> list[str]:
    """The keys that a schema knows at a place inside it."""
    for part in path:
        annotation = schema.model_fields[str(part)].annotation
        if not (isinstance(annotation, type) and issubclass(annotation, Spec)):
            return []
        schema = annotation
    return list(schema.model_fields)
