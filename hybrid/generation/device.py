"""Where a model runs, in which precision, and how much memory it took."""

import contextlib
import resource
import sys
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM

from hybrid.errors import BadSpec
from hybrid.generation.quantized import compute_alike, nf4_options
from hybrid.models import Weights
from hybrid.specs import GenerationSpec


def pick_device(name: str) -> torch.device:
    """``auto`` is the GPU if there is one.

    Raises:
        BadSpec: there is no such device here.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        return torch.empty(0, device=name).device
    except (RuntimeError, AssertionError) as exc:
        reason = str(exc).strip().splitlines()[0]
        raise BadSpec(f'generation.device: "{name}" cannot be used here: {reason}') from exc


def precision(spec: GenerationSpec) -> str:
    """Device, number format and quantisation that a pipeline comes to here, such as ``cpu float32 nf4``."""
    device = pick_device(spec.device)
    plain = f"{device.type} {str(_dtype(spec.dtype, device)).removeprefix('torch.')}"
    return plain if spec.quantization == "none" else f"{plain} {spec.quantization}"


def load_model(weights: Weights, spec: GenerationSpec, device: torch.device) -> Any:
    """Loads a model from safetensors, in evaluation mode.

    Raises:
        BadSpec: it is to be quantised, on a device that has no way to do it.
    """
    dtype = _dtype(spec.dtype, device)
    options = {} if spec.quantization == "none" else nf4_options(dtype, device)
    model = AutoModelForCausalLM.from_pretrained(
        weights.path, dtype=dtype, attn_implementation=spec.attention, use_safetensors=True, **options
    )
    if options:
        compute_alike(model)
    return model.to(device).eval()


def reset_peak_memory(device: torch.device) -> None:
    """Starts the measurement of :func:`peak_memory_mb` anew, where the system can."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    else:
        with contextlib.suppress(OSError):
            Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def peak_memory_mb(device: torch.device) -> float:
    """The most memory that was in use since the reset: of the GPU, or of this process."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**20
    status = Path("/proc/self/status")
    if status.is_file():
        peak = next(
            line for line in status.read_text(encoding="ascii").splitlines() if line.startswith("VmHWM")
        )
        return int(peak.split()[1]) / 2**10
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / 2**20 if sys.platform == "darwin" else most / 2**10


def _dtype(name: str, device: torch.device) -> torch.dtype:
    if name == "auto":
        # On a CPU float32 is the faster one, by a factor of two in training.
        return torch.bfloat16 if device.type == "cuda" else torch.float32
    dtype: torch.dtype = getattr(torch, name)
    return dtype
