"""Replay against forgetting: general prompts with the base's own answers, and texts that the base wrote.

A model that keeps seeing what it said before keeps saying it (rehearsal on its own outputs; RA-DIT mixes
in dialogue for the same reason). The prompts carry no rules of a pipeline, as those of other uses do not.
Texts are drawn from the base's own distribution: to learn them is to stay near it, on plain text as well.
"""

import json
import random
from collections.abc import Sequence
from itertools import cycle, islice

from hybrid import library
from hybrid.generation.answers import AnswerStore, Generated
from hybrid.generation.encode import ChatEncoder
from hybrid.generation.fitting import Prompt
from hybrid.generation.generator import Generator
from hybrid.generation.prompt import Message
from hybrid.models import Weights
from hybrid.progress import Progress
from hybrid.specs import GenerationSpec, PipelineSpec, TuningSpec
from hybrid.tuning.encoding import IGNORED, EncodedRow, Lesson, encode_chat

PROMPTS = "general/training.jsonl"
OPENINGS = "general/openings.jsonl"
ANSWER_TOKENS = 64
TEXT_TOKENS = 96
TEXTS_AT_ONCE = 20


def replay(spec: PipelineSpec, weights: Weights, rows: int, seed: int, progress: Progress) -> list[Lesson]:
    """The general data that a pipeline learns beside so many other rows."""
    prompts, texts = _counts(spec.tuning, rows)
    lessons: list[Lesson] = []
    if not prompts and not texts:
        return lessons
    generator = replay_generator(weights, spec.generation)
    if prompts:
        asked = replay_prompts(prompts, seed)
        lessons += replay_rows(asked, generator, max_tokens=spec.tuning.max_row_tokens, progress=progress)
    if texts:
        lessons += replay_texts(texts, seed, generator, progress=progress)
    return lessons


def replay_generator(weights: Weights, spec: GenerationSpec) -> Generator:
    """The base as it writes what is to be learned again; ``spec`` says where and in which precision."""
    return Generator(weights, spec.model_copy(update={"max_new_tokens": ANSWER_TOKENS}))


def stand_ins(tuning: TuningSpec, rows: int, encoder: ChatEncoder, seed: int) -> list[EncodedRow]:
    """Rows as long as those of replay may become, without asking the base: their answers are no words."""
    prompts, texts = _counts(tuning, rows)
    answer, text = ([encoder.start_id] * count for count in (ANSWER_TOKENS, TEXT_TOKENS))
    asked = [encoder.prompt([Message("user", prompt)]) for _, prompt in replay_prompts(prompts, seed)]
    return [
        *(EncodedRow("", (*ids, *answer), (*[IGNORED] * len(ids), *answer)) for ids in asked),
        *(_text_row(row["id"], [*encoder.text(row["text"]), *text], encoder) for row in _openings(texts)),
    ]


def replay_prompts(count: int, seed: int) -> list[tuple[str, str]]:
    """So many general prompts, with their ids; they come again once all were used."""
    prompts = [(row["id"], row["prompt"]) for row in _general(PROMPTS)]
    chooser = random.Random(f"replay {seed}")
    drawn: list[tuple[str, str]] = []
    while len(drawn) < count:
        drawn += chooser.sample(prompts, len(prompts))
    return drawn[:count]


def replay_rows(
    prompts: Sequence[tuple[str, str]],
    generator: Generator,
    *,
    max_tokens: int,
    progress: Progress,
) -> list[Lesson]:
    """Rows that teach the base's own answers; an answer that was cut off teaches no end.

    Args:
        prompts: see :func:`replay_prompts`.
        generator: the base, see :func:`replay_generator`.
        max_tokens: of a row.
        progress: shows the answering.
    """
    distinct = dict(prompts)
    asked = {id: [Message("user", prompt)] for id, prompt in distinct.items()}
    store = AnswerStore(library.home() / "answers")
    with progress.track("Answers of the base, for replay", len(asked)) as done:
        encoded = [Prompt(tuple(generator.encoder.prompt(messages)), ()) for messages in asked.values()]
        outputs = generator.generate(encoded, store=store, done=done).outputs
    answers = dict(zip(asked, outputs, strict=True))
    lessons = (
        _lesson(id, asked[id], answers[id], generator, max_tokens) for id, _ in prompts if answers[id].text
    )
    return [lesson for lesson in lessons if lesson is not None]


def replay_texts(count: int, seed: int, generator: Generator, *, progress: Progress) -> list[Lesson]:
    """So many texts that the base writes after openings of sentences, learned whole; they teach no end.

    Args:
        count: of texts; openings come again, and go on otherwise, once all were used.
        seed: draws the texts.
        generator: the base, see :func:`replay_generator`.
        progress: shows the writing.
    """
    store = AnswerStore(library.home() / "answers")
    rows = _openings(count)
    chooser = random.Random(f"texts {seed}")
    texts: list[str] = []
    with progress.track("Texts of the base, for replay", count) as done:
        while len(texts) < count:
            openings = [row["text"] for row in rows[len(texts) : len(texts) + TEXTS_AT_ONCE]]
            drawn = chooser.getrandbits(32)
            written = generator.sampled(openings, tokens=TEXT_TOKENS, seed=drawn, store=store)
            texts += [f"{opening} {text}" for opening, text in zip(openings, written, strict=True)]
            done(len(texts), "")
    encoder = generator.encoder
    return [
        Lesson(_text_row(row["id"], encoder.text(text), encoder), (), text, ends=False)
        for row, text in zip(rows, texts, strict=True)
    ]


def _counts(tuning: TuningSpec, rows: int) -> tuple[int, int]:
    """How many prompts and how many texts come to so many other rows."""
    return round(tuning.replay * rows), round(tuning.replay_texts * rows)


def _openings(count: int) -> list[dict[str, str]]:
    return list(islice(cycle(_general(OPENINGS)), count))


def _text_row(name: str, ids: Sequence[int], encoder: ChatEncoder) -> EncodedRow:
    """A text learned whole, after the token that starts one."""
    return EncodedRow(name, (encoder.start_id, *ids), (IGNORED, *ids))


def _general(name: str) -> list[dict[str, str]]:
    text = (library.builtin_folder("eval") / name).read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def _lesson(
    id: str, messages: Sequence[Message], answer: Generated, generator: Generator, max_tokens: int
) -> Lesson | None:
    ends = answer.tokens < ANSWER_TOKENS
    end_id = generator.tokenizer.eos_token_id if ends else None
    encoded = encode_chat(id, messages, answer.text, generator.encoder, end_id=end_id, max_tokens=max_tokens)
    return None if encoded is None else Lesson(encoded, tuple(messages), answer.text, ends=ends)
