"""A real OpenAI-compatible server on loopback around a tiny model, with faults on request."""

import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Literal

Fault = Literal["busy", "down", "slow", "broken"]
"""429 with Retry-After, 500, an answer after ``slow_seconds``, or half a JSON object."""

SHORT_PAUSE = "0.05"


@dataclass
class TinyServer:
    """A running server.

    Attributes:
        url: for ``endpoint:tiny@URL``.
        faults: the next requests for text meet these, one each; add to it at will.
        requests: path and body of every request for text, in the order in which they came.
        keys: what the requests brought as ``Authorization``.
        takes_ids: whether ``/v1/completions`` accepts token ids.
        slow_seconds: how long the fault ``slow`` takes.
    """

    url: str = ""
    faults: list[Fault] = field(default_factory=list)
    requests: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)
    takes_ids: bool = True
    slow_seconds: float = 1.0


@contextmanager
def serve_tiny(
    folder: Path, *, name: str = "tiny", adapters: Mapping[str, Path] | None = None
) -> Iterator[TinyServer]:
    """Serves a small model on a free port of loopback until the block ends.

    Args:
        folder: a model as :func:`hybrid.testing.build_tiny_model` writes it.
        name: of the base.
        adapters: the name of each tuned model and its PEFT folder, as ``vllm --lora-modules`` has them.
    """
    model = _TinyModel(folder, name, dict(adapters or {}))
    state = TinyServer()
    handler = type("Handler", (_Handler,), {"model": model, "state": state})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        state.url = f"http://127.0.0.1:{server.server_port}/v1"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield state
        finally:
            server.shutdown()
            thread.join()


class _Refusal(Exception):
    """What the request is answered with instead of text."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class _TinyModel:
    """A model and its adapters, one request at a time."""

    def __init__(self, folder: Path, name: str, adapters: Mapping[str, Path]) -> None:
        from peft import PeftModel
        from transformers import AutoModelForCausalLM, AutoTokenizer

        self.names = [name, *adapters]
        self._base = name
        self._lock = threading.Lock()
        self._tokenizer: Any = AutoTokenizer.from_pretrained(folder)
        self._model: Any = AutoModelForCausalLM.from_pretrained(folder, use_safetensors=True).eval()
        for adapter, path in adapters.items():
            if isinstance(self._model, PeftModel):
                self._model.load_adapter(str(path), adapter_name=adapter)
            else:
                self._model = PeftModel.from_pretrained(self._model, str(path), adapter_name=adapter).eval()

    def encode(self, body: Mapping[str, Any], takes_ids: bool) -> list[int]:
        """Token ids of a prompt (ids or text) or of messages."""
        prompt = body.get("prompt")
        if prompt is None:
            text = self._tokenizer.apply_chat_template(
                body["messages"], tokenize=False, add_generation_prompt=True
            )
        elif isinstance(prompt, str):
            text = prompt
        elif takes_ids:
            return [int(token) for token in prompt]
        else:
            raise _Refusal(400, "prompt must be a string")
        return list(self._tokenizer(text, add_special_tokens=False)["input_ids"])

    def write(self, ids: list[int], body: Mapping[str, Any]) -> tuple[str, int, str]:
        """The text, how many tokens it has, and why it ends there."""
        import torch
        from transformers import GenerationConfig

        limit, end = int(body.get("max_tokens") or 16), self._tokenizer.eos_token_id
        if len(ids) + limit > self._model.config.max_position_embeddings:
            raise _Refusal(400, f"{len(ids)} tokens and {limit} more exceed the maximum context length")
        decoding = GenerationConfig(
            do_sample=False, max_new_tokens=limit, eos_token_id=end, pad_token_id=self._tokenizer.pad_token_id
        )
        given = torch.tensor([ids])
        with self._lock, torch.inference_mode(), self._adapter(str(body["model"])):
            written = self._model.generate(
                input_ids=given, attention_mask=torch.ones_like(given), generation_config=decoding
            )[0, len(ids) :].tolist()
        ended = end in written
        kept = written[: written.index(end)] if ended else written
        text = str(self._tokenizer.decode(kept, skip_special_tokens=True))
        return text, len(kept), "stop" if ended else "length"

    @contextmanager
    def _adapter(self, name: str) -> Iterator[None]:
        if len(self.names) == 1:
            yield
        elif name == self._base:
            with self._model.disable_adapter():
                yield
        else:
            self._model.set_adapter(name)
            yield


class _Handler(BaseHTTPRequestHandler):
    model: _TinyModel
    state: TinyServer

    def do_GET(self) -> None:
        """``/v1/models``."""
        if self.path == "/v1/models":
            data = [{"id": name, "object": "model"} for name in self.model.names]
            self._send(200, {"object": "list", "data": data})
        else:
            self._send(404, {"error": {"message": f"no {self.path}"}})

    def do_POST(self) -> None:
        """``/v1/completions`` and ``/v1/chat/completions``."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.state.requests.append((self.path, body))
        self.state.keys.append(self.headers["Authorization"])
        if self._meets_fault():
            return
        try:
            self._send(200, self._reply(body))
        except _Refusal as refusal:
            self._send(refusal.status, {"error": {"message": str(refusal)}})

    def _meets_fault(self) -> bool:
        """Whether the request was answered with a fault; a slow one is answered after it."""
        match self.state.faults.pop(0) if self.state.faults else None:
            case "busy":
                self._send(429, {"error": {"message": "busy"}}, {"Retry-After": SHORT_PAUSE})
            case "down":
                self._send(500, {"error": {"message": "down"}})
            case "broken":
                self._send_bytes(200, b'{"choices": [', {})
            case "slow":
                time.sleep(self.state.slow_seconds)
                return False
            case _:
                return False
        return True

    def _reply(self, body: Mapping[str, Any]) -> dict[str, Any]:
        if body.get("model") not in self.model.names:
            raise _Refusal(404, f"The model {body.get('model')} does not exist.")
        ids = self.model.encode(body, self.state.takes_ids)
        text, written, reason = self.model.write(ids, body)
        content: dict[str, Any] = {"text": text}
        if self.path == "/v1/chat/completions":
            content = {"message": {"role": "assistant", "content": text}}
        usage = {
            "prompt_tokens": len(ids),
            "completion_tokens": written,
            "total_tokens": len(ids) + written,
        }
        return {"choices": [content | {"index": 0, "finish_reason": reason}], "usage": usage}

    def _send(self, status: int, data: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> None:
        self._send_bytes(status, json.dumps(data).encode(), headers or {})

    def _send_bytes(self, status: int, content: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        try:
            self.wfile.write(content)
        except (BrokenPipeError, ConnectionResetError):
            # The client has stopped waiting, which a slow server is for.
            return

    def log_message(self, format: str, *args: Any) -> None:
        """Prints nothing."""
