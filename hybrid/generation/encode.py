"""From messages to token ids, so that no text of a document can ever become a control token.

A document may hold ``<|im_end|>``. A tokenizer reads that as the end of the turn wherever it stands
(transformers#29279). Here only the chat template can give control tokens: a prompt whose control tokens are
not exactly those of the bare template is encoded again, piece by piece, with a tokenizer that has none.
"""

import json
import re
import secrets
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from jinja2 import TemplateError

from hybrid.errors import BadInput
from hybrid.generation.prompt import Message


class ChatEncoder:
    """Encodes messages with a tokenizer's own chat template.

    Args:
        tokenizer: a fast tokenizer of transformers with a chat template.

    Raises:
        BadInput: the tokenizer has no chat template, or is not a fast one.
    """

    def __init__(self, tokenizer: Any) -> None:
        place = str(getattr(tokenizer, "name_or_path", "") or "tokenizer")
        if not getattr(tokenizer, "chat_template", None):
            raise BadInput(place, "this model has no chat template; use an instruct model.")
        if not getattr(tokenizer, "is_fast", False):
            raise BadInput(place, "this model has no tokenizer.json; only fast tokenizers are supported.")
        self.tokenizer = tokenizer
        self._control = _control_tokens(tokenizer)
        self._template_controls: dict[tuple[str, ...], list[int]] = {}

    def prompt(self, messages: Sequence[Message]) -> list[int]:
        """Token ids up to where the assistant's answer begins.

        Equal to ``apply_chat_template(messages, add_generation_prompt=True)`` unless a message holds the text
        of a control token.
        """
        clean = [Message(message.role, message.content.strip()) for message in messages]
        ids = self._encode_rendered(self._render(clean))
        if self._controls_of(ids) == self._controls_of_template(clean):
            return ids
        return self._encode_piecewise(clean)

    def text(self, text: str) -> list[int]:
        """Token ids of a text that can hold no control token, such as the target of a training row."""
        return list(self._plain.encode(text, add_special_tokens=False).ids)

    def prompt_text(self, messages: Sequence[Message]) -> str:
        """The text of a prompt. Other encoders make the same ids of it if every message :meth:`is_plain`."""
        return self._render([Message(message.role, message.content.strip()) for message in messages])

    def is_plain(self, text: str) -> bool:
        """Whether a text holds no text of a control token, so that any encoder reads it as text."""
        return not self._controls_of(self._encode_rendered(text))

    @property
    def start_id(self) -> int:
        """The token before a text that stands alone: the tokenizer's first, or else its end of a turn."""
        first = self.tokenizer.bos_token_id
        return int(first if first is not None else self.tokenizer.eos_token_id)

    def _render(self, messages: Sequence[Message]) -> str:
        return self._apply(messages if self._takes_system else _without_system(messages))

    def _apply(self, messages: Sequence[Message]) -> str:
        chat = [{"role": message.role, "content": message.content} for message in messages]
        return str(self.tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=True))

    @cached_property
    def _takes_system(self) -> bool:
        """Whether the template knows the role; that of Gemma 2, for one, raises an error."""
        try:
            self._apply([Message("system", "a"), Message("user", "b")])
        except TemplateError:
            return False
        return True

    def _encode_rendered(self, text: str) -> list[int]:
        return list(self.tokenizer(text, add_special_tokens=False)["input_ids"])

    def _controls_of(self, ids: Sequence[int]) -> list[int]:
        return [i for i in ids if i in self._control]

    def _controls_of_template(self, messages: Sequence[Message]) -> list[int]:
        roles = tuple(message.role for message in messages)
        if roles not in self._template_controls:
            bare = [Message(message.role, _placeholder(i)) for i, message in enumerate(messages)]
            self._template_controls[roles] = self._controls_of(self._encode_rendered(self._render(bare)))
        return self._template_controls[roles]

    def _encode_piecewise(self, messages: Sequence[Message]) -> list[int]:
        """Control tokens from the bare template alone; all text between them without added tokens."""
        rendered = self._render([Message(m.role, _placeholder(i)) for i, m in enumerate(messages)])
        contents = {_placeholder(i): message.content for i, message in enumerate(messages)}
        ids: list[int] = []
        for piece in self._control_pattern.split(rendered):
            if piece in self._control_texts:
                ids.append(self._control_texts[piece])
            elif piece:
                ids.extend(self.text(_PLACEHOLDER.sub(lambda match: contents[match.group()], piece)))
        return ids

    @cached_property
    def _control_texts(self) -> dict[str, int]:
        return {text: i for i, text in self._control.items()}

    @cached_property
    def _control_pattern(self) -> re.Pattern[str]:
        longest_first = sorted(self._control_texts, key=len, reverse=True)
        return re.compile("(" + "|".join(re.escape(text) for text in longest_first) + ")")

    @cached_property
    def _plain(self) -> Any:
        return plain_tokenizer(self.tokenizer)


def plain_tokenizer(tokenizer: Any) -> Any:
    """The same tokenizer without control tokens and without a template of its own for bos and eos.

    Args:
        tokenizer: a fast tokenizer of transformers.

    Returns:
        A ``tokenizers.Tokenizer`` that finds no control token in any text.
    """
    from tokenizers import Tokenizer

    state = _backend(tokenizer)
    model = _without_control(state["model"], {text: i for i, text in _control_tokens(tokenizer).items()})
    # Some files hold a truncation of their own, which would silently cut a text.
    none = dict.fromkeys(("post_processor", "truncation", "padding"))
    return Tokenizer.from_str(json.dumps(state | none | {"added_tokens": [], "model": model}))


def _backend(tokenizer: Any) -> dict[str, Any]:
    state: dict[str, Any] = json.loads(tokenizer.backend_tokenizer.to_str())
    return state


def _control_tokens(tokenizer: Any) -> dict[int, str]:
    control = {**_added_tokens(tokenizer), **_special_tokens(tokenizer)}
    # Any text may give the mark of an unknown character, and it steers nothing.
    unknown = _unknown_id(_backend(tokenizer)["model"])
    if unknown is not None and unknown not in _ends(tokenizer):
        control.pop(unknown, None)
    return control


def _without_system(messages: Sequence[Message]) -> list[Message]:
    """The rules, if there are any, at the head of the first question instead."""
    if messages[0].role != "system":
        return list(messages)
    rules, first, *rest = messages
    return [Message("user", f"{rules.content}\n\n{first.content}"), *rest]


def _placeholder(index: int) -> str:
    return f"hybridcontent{index}end"


_PLACEHOLDER = re.compile(r"hybridcontent\d+end")


def _without_control(model: Mapping[str, Any], control: Mapping[str, int]) -> dict[str, Any]:
    """A tokenizer's model whose vocabulary names control tokens as no text can.

    ``<s>`` is often a piece of the vocabulary too, and a Unigram model finds it in a text by itself.
    """
    nonce = secrets.token_hex(16)
    hidden = {text: f"{nonce}{i}" for text, i in control.items()}
    changed = dict(model)
    if isinstance(model["vocab"], list):
        changed["vocab"] = [[hidden.get(piece, piece), score] for piece, score in model["vocab"]]
    else:
        changed["vocab"] = {hidden.get(piece, piece): i for piece, i in model["vocab"].items()}
    if "merges" in model:
        changed["merges"] = [pair for pair in model["merges"] if not {*pair, "".join(pair)} & hidden.keys()]
    if model.get("unk_token") in hidden:
        changed["unk_token"] = hidden[model["unk_token"]]
    return changed


def _unknown_id(model: Mapping[str, Any]) -> int | None:
    if isinstance(model["vocab"], list):
        return model.get("unk_id")
    unknown: int | None = model["vocab"].get(model.get("unk_token"))
    return unknown


def _ends(tokenizer: Any) -> set[int | None]:
    return {tokenizer.bos_token_id, tokenizer.eos_token_id}


def _added_tokens(tokenizer: Any) -> dict[int, str]:
    return {int(i): str(token.content) for i, token in tokenizer.added_tokens_decoder.items()}


def _special_tokens(tokenizer: Any) -> dict[int, str]:
    return dict(zip(tokenizer.all_special_ids, tokenizer.all_special_tokens, strict=True))
