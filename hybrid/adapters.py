"""What tuning makes: a plain PEFT folder, or one of whole weights, plus a manifest, written last."""

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hybrid import library
from hybrid.errors import ModelMismatch, ModelMissing
from hybrid.models import Weights, file_digest, holds_model, locate

MANIFEST = "MANIFEST.json"
WEIGHTS = "adapter_model.safetensors"


@dataclass(frozen=True, slots=True)
class Adapter:
    """An adapter on this machine, or the whole weights of a tuned model.

    Attributes:
        path: a PEFT folder, or one with config.json and safetensors.
        digest: SHA-256 of its weights.
        manifest: how it was made; empty for an adapter made elsewhere.
        whole: whether it holds all weights, not what is put on a base.
    """

    path: Path
    digest: str
    manifest: Mapping[str, Any]
    whole: bool = False


def shipped_adapters() -> dict[str, Path]:
    """Adapters for generators that come with the package, by name."""
    weights = Path(__file__).parent / "weights"
    return {path.parent.name: path.parent for path in sorted(weights.glob(f"*/{MANIFEST}"))}


def open_adapter(adapter: str | Path) -> Adapter:
    """Opens a PEFT folder or one of whole weights, made here or elsewhere.

    Args:
        adapter: the folder, or the name of a shipped one.

    Raises:
        ModelMissing: the folder holds neither.
    """
    path = Path(adapter)
    if not path.exists():
        path = shipped_adapters().get(str(adapter), path)
    weights, manifest = path / WEIGHTS, path / MANIFEST
    data = json.loads(manifest.read_text(encoding="utf-8")) if manifest.is_file() else {}
    if weights.is_file() and (path / "adapter_config.json").is_file():
        return Adapter(path, file_digest(weights), data)
    if holds_model(path):
        return Adapter(path, locate(str(path)).digest, data, whole=True)
    raise ModelMissing(
        f"{path} holds no adapter (adapter_config.json and {WEIGHTS}), and no model "
        "(config.json and model.safetensors)."
    )


def adapter_folder(name: str, digest: str) -> Path:
    """Where the adapter of these rows and settings is kept."""
    return library.home() / "adapters" / name / digest[:16]


def publish(made: Path, folder: Path, manifest: Mapping[str, Any]) -> Adapter:
    """Moves a finished folder to its place; its existence there means that it is complete."""
    (made / MANIFEST).write_text(json.dumps(manifest, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    folder.parent.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(folder, ignore_errors=True)
    made.rename(folder)
    return open_adapter(folder)


def check_fit(adapter: Adapter, weights: Weights) -> None:
    """Compares the shapes in an adapter with those that its settings give on a base; no weights are loaded.

    Raises:
        ModelMismatch: they differ, so the adapter was made for another architecture.
    """
    from safetensors import SafetensorError, safe_open

    if adapter.whole:
        _check_whole(adapter, weights)
        return
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


def _check_whole(adapter: Adapter, weights: Weights) -> None:
    """The same for whole weights: of each layer of the base there has to be one of its shape."""
    from safetensors import SafetensorError
    from transformers import AutoModelForCausalLM

    try:
        model, loaded = AutoModelForCausalLM.from_pretrained(
            adapter.path, device_map="meta", use_safetensors=True, output_loading_info=True
        )
    except (SafetensorError, OSError, RuntimeError, TypeError, ValueError) as exc:
        raise _mismatch(adapter, weights, " ".join(str(exc).split())) from exc
    if missing := sorted(loaded["missing_keys"]):
        raise _mismatch(adapter, weights, f"{missing[0]} is missing.")
    found, wanted = _shapes(model), _shapes(_bare(weights))
    for name in sorted({*found, *wanted}):
        if found.get(name) != wanted.get(name):
            shown = found.get(name, "missing"), wanted.get(name, "none")
            raise _mismatch(adapter, weights, f"{name} is {shown[0]}, expected {shown[1]}.")


def _mismatch(adapter: Adapter, weights: Weights, reason: str) -> ModelMismatch:
    return ModelMismatch(f"The adapter {adapter.path} does not fit {weights.name}: {reason}")


def _shapes_on(weights: Weights, adapter: Path) -> dict[str, tuple[int, ...]]:
    """The shapes that an adapter's settings give on a base, found on the device without memory."""
    import torch
    from peft import PeftConfig, PeftModel, get_peft_model_state_dict

    base = _bare(weights)
    with torch.device("meta"):
        model = PeftModel(base, PeftConfig.from_pretrained(str(adapter)))
    state = get_peft_model_state_dict(model, save_embedding_layers=False)
    return {name: tuple(tensor.shape) for name, tensor in state.items()}


def _bare(weights: Weights) -> Any:
    """A model on the device without memory."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    with torch.device("meta"):
        return AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(weights.path))


def _shapes(model: Any) -> dict[str, tuple[int, ...]]:
    return {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}


def base_warnings(adapter: Adapter, weights: Weights, precision: str) -> list[str]:
    """Lines that say how this base differs from the one an adapter was made on; none without a manifest."""
    base, warnings = adapter.manifest.get("base", {}), []
    what, put, answer = "adapter was", "is put on", "answers"
    if adapter.whole:
        what, put, answer = "weights were", "stand beside", "answer"
    if base.get("digest", weights.digest) != weights.digest:
        warnings.append(
            f"Confounded: the {what} tuned on {base['name']} ({base['digest'][:12]}), "
            f"and {put} {weights.name} ({weights.digest[:12]})."
        )
    if (tuned_in := adapter.manifest.get("precision", precision)) != precision:
        warnings.append(f"Confounded: the {what} tuned in {tuned_in}, and {answer} in {precision}.")
    return warnings
