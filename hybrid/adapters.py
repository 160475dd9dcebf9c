"""What tuning makes: a plain PEFT folder plus a manifest, written last."""

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hybrid import library
from hybrid.errors import ModelMissing
from hybrid.models import Weights, file_digest, read_config

MANIFEST = "MANIFEST.json"
WEIGHTS = "adapter_model.safetensors"


@dataclass(frozen=True, slots=True)
class Adapter:
    """An adapter on this machine.

    Attributes:
        path: a PEFT folder.
        digest: SHA-256 of its weights.
        manifest: how it was made; empty for an adapter made elsewhere.
    """

    path: Path
    digest: str
    manifest: Mapping[str, Any]


def open_adapter(path: Path) -> Adapter:
    """Opens a PEFT folder, made here or elsewhere.

    Raises:
        ModelMissing: the folder holds no adapter.
    """
    weights = path / WEIGHTS
    if not weights.is_file() or not (path / "adapter_config.json").is_file():
        raise ModelMissing(f"{path} holds no adapter (adapter_config.json and {WEIGHTS}).")
    manifest = path / MANIFEST
    data = json.loads(manifest.read_text(encoding="utf-8")) if manifest.is_file() else {}
    return Adapter(path, file_digest(weights), data)


def adapter_folder(name: str, digest: str) -> Path:
    """Where the adapter of these rows and settings is kept."""
    return library.home() / "adapters" / name / digest[:16]


def publish(made: Path, folder: Path, manifest: Mapping[str, Any]) -> Adapter:
    """Moves a finished PEFT folder to its place; its existence there means that it is complete."""
    (made / MANIFEST).write_text(json.dumps(manifest, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    folder.parent.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(folder, ignore_errors=True)
    made.rename(folder)
    return open_adapter(folder)


def base_warning(adapter: Adapter, weights: Weights) -> str:
    """A line if the adapter was made on other weights of the same architecture; else empty."""
    base = adapter.manifest.get("base", {})
    if not base or base["digest"] == weights.digest:
        return ""
    architecture = read_config(weights).get("architectures")
    return (
        f"The adapter was tuned on {base['name']} ({base['digest'][:12]}), "
        f"now it is put on {weights.name} ({weights.digest[:12]}, {architecture})."
    )
