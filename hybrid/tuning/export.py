"""A tuned model for other programs: whole weights in one folder, and how vLLM serves them."""

import json
import shlex
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from hybrid.adapters import CONFIG, WEIGHTS, Adapter, base_warnings, check_fit, publish
from hybrid.errors import RunError
from hybrid.models import Weights
from hybrid.specs import NumberFormat

LORA_RANKS = (8, 16, 32, 64, 128, 256, 320, 512)
"""Bounds on the rank that vLLM takes for ``--max-lora-rank``."""


def export_weights(
    adapter: Adapter, weights: Weights, folder: Path, dtype: NumberFormat = "bfloat16"
) -> Adapter:
    """Writes a tuned model as whole weights: safetensors, configuration, tokenizer, and the manifest last.

    An adapter is added to the base as that is stored, never to one in 4 bits (peft#2321), and rounded once.

    Args:
        adapter: an adapter, or whole weights, which are then only rounded.
        weights: the base.
        folder: where to; it is made, or has to be empty.
        dtype: the number format of the weights.

    Raises:
        RunError: the folder is not empty.
        ModelMismatch: the adapter was made for another architecture.
    """
    check_fit(adapter, weights)
    with _beside(folder) as (folder, beside):
        _merged(adapter, weights).to(getattr(torch, dtype)).save_pretrained(beside)
        AutoTokenizer.from_pretrained(weights.path).save_pretrained(beside)
        return publish(beside, folder, _manifest(adapter, weights, dtype))


def export_adapter(
    adapter: Adapter, weights: Weights, folder: Path, dtype: NumberFormat = "bfloat16"
) -> Adapter:
    """Writes an adapter as it is, a PEFT folder, in a number format: half the bytes in 16 bits.

    Args:
        adapter: no whole weights.
        weights: the base.
        folder: where to; it is made, or has to be empty.
        dtype: the number format of its weights.

    Raises:
        RunError: the folder is not empty, or these are whole weights.
        ModelMismatch: the adapter was made for another architecture.
    """
    if adapter.whole:
        raise RunError(f"{adapter.path} holds whole weights, and no adapter: leave out --unmerged.")
    check_fit(adapter, weights)
    with _beside(folder) as (folder, beside):
        beside.mkdir(parents=True)
        tensors = load_file(adapter.path / WEIGHTS)
        rounded = {name: tensor.to(getattr(torch, dtype)) for name, tensor in tensors.items()}
        save_file(rounded, beside / WEIGHTS, metadata={"format": "pt"})
        # Where the base lay on the machine of the training helps nobody.
        config = json.loads((adapter.path / CONFIG).read_text(encoding="utf-8"))
        config["base_model_name_or_path"] = weights.name
        (beside / CONFIG).write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
        (beside / WEIGHTS).chmod(0o644)
        return publish(beside, folder, _manifest(adapter, weights, dtype))


@contextmanager
def _beside(folder: Path) -> Iterator[tuple[Path, Path]]:
    """A folder that is to be made, and a place beside it, cleared away in any case."""
    folder = folder.resolve()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise RunError(f"{folder} is not an empty folder; name another one.")
    beside = folder.with_name(f".{folder.name}.unfinished")
    # Of an export that was killed.
    shutil.rmtree(beside, ignore_errors=True)
    try:
        yield folder, beside
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def export_warnings(adapter: Adapter, weights: Weights) -> list[str]:
    """Lines that say why the exported weights may answer otherwise than the adapter did on its base."""
    warnings = base_warnings(adapter, weights, adapter.manifest.get("precision", ""))
    if _on_four_bits(adapter):
        warnings.append(
            "The adapter was tuned on a base in 4 bits. Merged into the unquantised base its answers change "
            "(peft#2321); served unmerged on a base in 4 bits they do not."
        )
    return warnings


def serve_commands(adapter: Adapter, weights: Weights, folder: Path) -> list[str]:
    """The command lines with which vLLM serves what was exported, and base and adapter unmerged.

    ``--generation-config vllm`` keeps it from taking penalties out of the model's files.
    """
    folder, name = folder.resolve(), folder.resolve().name
    own = ("--generation-config", "vllm", "--served-model-name")
    merged = ["vllm", "serve", str(folder), *own, name]
    if adapter.whole:
        return [shlex.join(merged)]
    unmerged = [
        *("vllm", "serve", _public_name(weights), *own, f"{name}-base"),
        *(("--quantization", "bitsandbytes") if _on_four_bits(adapter) else ()),
        *("--enable-lora", "--max-lora-rank", str(_rank_bound(adapter))),
        *("--lora-modules", f"{name}={adapter.path.resolve()}"),
    ]
    return [shlex.join(merged), shlex.join(unmerged)]


def _merged(adapter: Adapter, weights: Weights) -> Any:
    place = adapter.path if adapter.whole else weights.path
    model = AutoModelForCausalLM.from_pretrained(place, dtype="auto", use_safetensors=True)
    if adapter.whole:
        return model
    from peft import PeftModel

    return PeftModel.from_pretrained(model, str(adapter.path)).merge_and_unload()


def _manifest(adapter: Adapter, weights: Weights, dtype: NumberFormat) -> Mapping[str, Any]:
    """How the adapter was made, and what became of it; of one made elsewhere the base that was named."""
    base = {"base": {"name": weights.name, "digest": weights.digest}}
    return base | dict(adapter.manifest) | {"exported": {"from": adapter.digest, "dtype": dtype}}


def _on_four_bits(adapter: Adapter) -> bool:
    return str(adapter.manifest.get("precision", "")).endswith("nf4")


def _public_name(weights: Weights) -> str:
    """A hub id as it is; of any other model the folder that holds it."""
    on_hub = ":" not in weights.name and not Path(weights.name).is_dir()
    return weights.name if on_hub else str(weights.path)


def _rank_bound(adapter: Adapter) -> int:
    """The least bound that lets the adapter's layers in, some of which may have a rank of their own."""
    from peft import PeftConfig

    config = PeftConfig.from_pretrained(str(adapter.path))
    rank = max([config.r, *(config.rank_pattern or {}).values()])
    return min((bound for bound in LORA_RANKS if bound >= rank), default=rank)
