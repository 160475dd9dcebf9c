"""What tuning makes: a plain PEFT folder plus a manifest, written last."""

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hybrid import library
from hybrid.disk import sync, sync_tree
from hybrid.errors import ModelMismatch, ModelMissing
from hybrid.models import Weights, file_digest

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


def find_adapter(name: str | Path) -> Path:
    """The folder of an adapter: a path, or the name of one that comes with the package."""
    shipped = Path(__file__).parent / "weights" / name
    return shipped if not Path(name).exists() and shipped.is_dir() else Path(name)


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
    """Moves a finished PEFT folder to its place; its manifest there means that it is complete.

    The manifest is written last, and everything is on the disk before the folder gets its name.
    """
    sync_tree(made)
    (made / MANIFEST).write_text(json.dumps(manifest, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    sync(made / MANIFEST)
    folder.parent.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(folder, ignore_errors=True)
    made.rename(folder)
    sync(folder.parent)
    return open_adapter(folder)


def check_fit(adapter: Adapter, weights: Weights) -> None:
    """Compares the shapes in an adapter with those that its settings give on a base; no weights are loaded.

    Raises:
        ModelMismatch: they differ, so the adapter was made for another architecture.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(adapter.path / WEIGHTS, "pt") as file:
            found = {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}
        wanted = _shapes_on(weights, adapter.path)
    except (SafetensorError, RuntimeError, TypeError, ValueError) as exc:
        raise _mismatch(adapter, weights, " ".join(str(exc).split())) from exc
    for name, shape in wanted.items():
        if found.get(name) != shape:
            raise _mismatch(adapter, weights, f"{name} is {found.get(name, 'missing')}, expected {shape}.")
    # What else the file may hold is no part of the layers: a copy of the embeddings, for example.
    if surplus := [name for name in found if ".lora_" in name and name not in wanted]:
        raise _mismatch(adapter, weights, f"the base has no layer for {surplus[0]}.")


def _mismatch(adapter: Adapter, weights: Weights, reason: str) -> ModelMismatch:
    return ModelMismatch(f"The adapter {adapter.path} does not fit {weights.name}: {reason}")


def _shapes_on(weights: Weights, adapter: Path) -> dict[str, tuple[int, ...]]:
    """The shapes that an adapter's settings give on a base, found on the device without memory."""
    import torch
    from peft import PeftConfig, PeftModel, get_peft_model_state_dict
    from transformers import AutoConfig, AutoModelForCausalLM

    with torch.device("meta"):
        base = AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(weights.path))
        model = PeftModel(base, PeftConfig.from_pretrained(str(adapter)))
    state = get_peft_model_state_dict(model, save_embedding_layers=False)
    return {name: tuple(tensor.shape) for name, tensor in state.items()}


def base_warnings(adapter: Adapter, weights: Weights, precision: str) -> list[str]:
    """Lines that say how this base differs from the one an adapter was made on; none without a manifest."""
    base, warnings = adapter.manifest.get("base", {}), []
    if base.get("digest", weights.digest) != weights.digest:
        warnings.append(
            f"Confounded: the adapter was tuned on {base['name']} ({base['digest'][:12]}), "
            f"and is put on {weights.name} ({weights.digest[:12]})."
        )
    if (tuned_in := adapter.manifest.get("precision", precision)) != precision:
        warnings.append(f"Confounded: the adapter was tuned in {tuned_in}, and answers in {precision}.")
    return warnings
