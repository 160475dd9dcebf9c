"""A generator whose model runs on an OpenAI-compatible server, such as vLLM.

With the model's tokenizer at hand (``generation.tokenizer``) token ids are sent, so that the server reads the
very prompt that a local model would, and no document can hold a control token. A server that takes no ids, or
a pipeline without the tokenizer, gets messages, which the server puts into its own template.
"""

import hashlib
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from itertools import takewhile
from pathlib import Path
from typing import Any

from hybrid.adapters import Adapter
from hybrid.endpoint import Endpoint, EndpointError, Reply
from hybrid.errors import BadInput, BadSpec, RunStopped, UnknownName
from hybrid.generation.answers import AnswerStore, Generated, GeneratedBatch
from hybrid.generation.budget import Budget, cost
from hybrid.generation.encode import ChatEncoder
from hybrid.generation.fitting import BYTES_A_TOKEN, Prompt, Rendering, fitted
from hybrid.generation.generator import Generation, Parity
from hybrid.generation.prompt import Example, Message, chat
from hybrid.models import Served, locate_tokenizer
from hybrid.progress import Done
from hybrid.records import Passage, Turn
from hybrid.specs import GenerationSpec, PriceSpec, Style

UNLIMITED = 10**9
"""Tokens that fit where nobody says how many do."""
CONTEXT_KEYS = {"config.json": "max_position_embeddings", "tokenizer_config.json": "model_max_length"}
FREE = PriceSpec(prompt=0, output=0)
NOT_FOUND = 404
TAKES_NO_IDS = frozenset({400, 404, 405, 415, 422, 501})


class EndpointGenerator:
    """A model on a server that answers prompts greedily.

    Args:
        served: the model and where it is.
        spec: how answers are written.
        style: whether the prompt asks for short answers or for long ones.
        budget: what the answers may cost.

    Raises:
        BadSpec: the URL cannot be used.
        ModelMissing: the tokenizer that the pipeline names is not to be had.
    """

    def __init__(
        self, served: Served, spec: GenerationSpec, style: Style = "short", budget: Budget | None = None
    ) -> None:
        self.served = served
        self.spec = spec
        self.style = style
        self.budget = budget or Budget()
        self.endpoint = open_endpoint(served, spec)
        self.known = spec.served(served.model)
        folder = locate_tokenizer(self.known.tokenizer) if self.known.tokenizer else None
        self.encoder = _encoder(folder) if folder else None
        self.context = self.known.context or (_context(folder) if folder else UNLIMITED)

    def model(self, tuned: bool) -> str:
        """The server's name of the tuned model, if one is named and wanted, else of the base."""
        return (tuned and self.known.tuned_model) or self.served.model

    def prompt(
        self,
        question: str,
        passages: Sequence[Passage],
        history: Sequence[Turn] = (),
        examples: Sequence[Example] = (),
        *,
        scores: Sequence[float] = (),
    ) -> Prompt:
        """Encodes a request as far as that can be done here; what does not fit is left out as locally.

        Scores are not used: an ensemble cannot be had from a server.

        Raises:
            PromptTooLong: the question does not fit even alone.
        """
        rendering = Rendering(question, passages, history, examples, self.style)
        encode = self.encoder.prompt if self.encoder else lambda _: ()
        return fitted(rendering, encode, self.context - self.spec.max_new_tokens, self.served.name)

    @cached_property
    def parity(self) -> Parity:
        """``ids`` if the server takes token ids, which is tried once.

        Raises:
            BadSpec: the tokenizer is that of another model.
        """
        if self.encoder is None:
            return "template"
        body = {"model": self.served.model, "prompt": self.encoder.text("a")[:1], "max_tokens": 1}
        (reply,) = self.endpoint.send_all("/completions", [body])
        if isinstance(reply, EndpointError) and reply.status not in TAKES_NO_IDS:
            raise reply
        if isinstance(reply, EndpointError):
            return "template"
        self._check_tokenizer(self.encoder)
        return "ids"

    def _check_tokenizer(self, encoder: ChatEncoder) -> None:
        """Lets the server encode a message: ids of another tokenizer would be noise to its model."""
        messages = chat("How many of 1,234 words – and numbers – are counted?", ())
        body = {"model": self.served.model, "messages": _plain(messages), "max_tokens": 1}
        (reply,) = self.endpoint.send_all("/chat/completions", [body])
        counted = {} if isinstance(reply, EndpointError) else reply.get("usage") or {}
        here, there = len(encoder.prompt(messages)), counted.get("prompt_tokens")
        if isinstance(there, int) and there != here:
            raise BadSpec(
                f"generation.tokenizer: {self.known.tokenizer} makes {here} tokens of a message, "
                f"{self.endpoint.host} makes {there}. Name the tokenizer of {self.served.model}, or none."
            )

    def generate(
        self,
        prompts: Sequence[Prompt],
        *,
        tuned: bool = False,
        seed: int = 0,
        store: AnswerStore | None = None,
        done: Done = lambda done, note: None,
    ) -> Generation:
        """Greedy answers to all prompts, in their order; each is kept as soon as it has come.

        Args:
            prompts: what :meth:`prompt` made.
            tuned: whether the tuned model is asked.
            seed: sent with each request.
            store: where answers are kept and found again.
            done: told after each answer how many prompts are done.

        Raises:
            RunStopped: some requests failed, or the budget is spent; what was answered is kept.
        """
        bodies = [self._body(prompt, tuned, seed) for prompt in prompts]
        answers = dict(self._stored(bodies, store))
        missing = [row for row in range(len(prompts)) if row not in answers]
        failed: list[EndpointError] = []
        done(len(answers), "")
        for row, outcome in self._ask(missing, prompts, bodies, tuned):
            if isinstance(outcome, EndpointError):
                failed.append(outcome)
                continue
            answers[row] = outcome
            if store:
                store.put(self._key(bodies[row]), outcome)
            done(len(answers), "")
        if len(answers) < len(prompts):
            raise self._stopped(failed, len(prompts) - len(answers), len(prompts), tuned)
        outputs = tuple(answers[row].outputs[0] for row in range(len(prompts)))
        return Generation(outputs, sum(answer.seconds for answer in answers.values()), None)

    def _stored(
        self, bodies: Sequence[Mapping[str, Any]], store: AnswerStore | None
    ) -> Iterator[tuple[int, GeneratedBatch]]:
        for row, body in enumerate(bodies):
            if store and (answer := store.get(self._key(body))):
                yield row, answer

    def _ask(
        self, rows: Sequence[int], prompts: Sequence[Prompt], bodies: Sequence[Mapping[str, Any]], tuned: bool
    ) -> Iterator[tuple[int, GeneratedBatch | EndpointError]]:
        """Asks the server, within the budget; the seconds of all answers add up to the time it took."""
        price = self.known.price or FREE
        most = [cost(price, prompts[row].tokens, self.spec.max_new_tokens) for row in rows]
        affordable = takewhile(lambda position: self.budget.reserve(most[position]), range(len(rows)))
        last = time.perf_counter()
        for position, reply in self.endpoint.send_each(self._path, (bodies[rows[i]] for i in affordable)):
            outcome = self._read(reply, prompts[rows[position]])
            if isinstance(outcome, EndpointError):
                self.budget.settle(most[position], 0.0)
                yield rows[position], outcome
                continue
            self.budget.settle(most[position], cost(price, outcome.prompt_tokens or 0, outcome.tokens))
            now = time.perf_counter()
            yield rows[position], GeneratedBatch((outcome,), now - last, None)
            last = now

    @property
    def _path(self) -> str:
        return "/completions" if self.parity == "ids" else "/chat/completions"

    def _body(self, prompt: Prompt, tuned: bool, seed: int) -> dict[str, Any]:
        if self.parity == "ids":
            content: dict[str, Any] = {"prompt": list(prompt.ids)}
        else:
            content = {"messages": _plain(prompt.messages)}
        limits = {"max_tokens": self.spec.max_new_tokens, "temperature": 0, "seed": seed}
        return {"model": self.model(tuned)} | content | limits

    def _key(self, body: Mapping[str, Any]) -> str:
        """The digest of everything that decides an answer, as far as it is known here."""
        known = [self.endpoint.url, self._path, body]
        return hashlib.sha256(json.dumps(known, sort_keys=True).encode()).hexdigest()

    def _read(self, reply: Reply, prompt: Prompt) -> Generated | EndpointError:
        """The text and the tokens of a reply; what is not counted there is counted here."""
        if isinstance(reply, EndpointError):
            return reply
        try:
            choice = reply["choices"][0]
            text = choice["text"] if self.parity == "ids" else choice["message"]["content"]
        except (KeyError, IndexError, TypeError):
            text = None
        if not isinstance(text, str):
            remedy = "A model that reasons first needs a larger generation.max_new_tokens."
            return EndpointError(self.endpoint.host, "a reply without any text", remedy)
        usage = reply.get("usage") or {}
        read, written = usage.get("prompt_tokens"), usage.get("completion_tokens")
        return Generated(
            text.strip(),
            written if isinstance(written, int) else self._count(text),
            read if isinstance(read, int) else prompt.tokens,
        )

    def _count(self, text: str) -> int:
        return len(self.encoder.text(text)) if self.encoder else len(text.encode()) // BYTES_A_TOKEN

    def _stopped(
        self, failed: Sequence[EndpointError], missing: int, wanted: int, tuned: bool
    ) -> RunStopped | UnknownName:
        if not failed:
            return self.budget.exhausted()
        if failed[0].status == NOT_FOUND and (names := self._models()) and self.model(tuned) not in names:
            return UnknownName(f"model on {self.endpoint.host}", self.model(tuned), names)
        return RunStopped(
            f"{missing} of {wanted} answers are missing. {failed[0]} "
            "What was answered is kept; the same command continues, that of an evaluation with --resume."
        )

    def _models(self) -> list[str]:
        """The names that the server knows; none if it does not tell."""
        reply = self.endpoint.get("/models")
        listed = [] if isinstance(reply, EndpointError) else reply.get("data")
        return [str(each["id"]) for each in listed or [] if isinstance(each, dict) and "id" in each]


def open_endpoint(served: Served, spec: GenerationSpec) -> Endpoint:
    """The server of a model, asked as the pipeline says; nothing is sent yet."""
    return Endpoint(
        served.url,
        key_variable=spec.server.key_variable,
        timeout=spec.server.timeout,
        retries=spec.server.retries,
        concurrency=spec.server.concurrency,
    )


def folder_refused(adapter: Adapter, served: Served) -> BadSpec:
    """The error for an adapter of this machine beside a model on a server."""
    return BadSpec(
        f"--adapter: {adapter.path} is on this machine, {served.name} is not. "
        "Name the tuned model that the server knows: --set generation.tuned_model=NAME."
    )


def _plain(messages: Sequence[Message]) -> list[dict[str, str]]:
    return [{"role": message.role, "content": message.content.strip()} for message in messages]


def _encoder(folder: Path) -> ChatEncoder:
    from transformers import AutoTokenizer

    try:
        return ChatEncoder(AutoTokenizer.from_pretrained(folder))
    except (OSError, ValueError) as exc:
        raise BadInput(str(folder), f"no tokenizer can be read here: {str(exc).splitlines()[0]}") from exc


def _context(folder: Path) -> int:
    """The model's context, as one of the files beside its tokenizer tells; UNLIMITED if none does."""
    for file, key in CONTEXT_KEYS.items():
        path = folder / file
        found = json.loads(path.read_text(encoding="utf-8")).get(key) if path.is_file() else None
        # Tokenizers without a limit say 10^30.
        if isinstance(found, int) and found < UNLIMITED:
            return found
    return UNLIMITED
