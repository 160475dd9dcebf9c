"""Where a model runs, in which precision, and how much memory it took."""

import contextlib
import ctypes
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

_M_MMAP_THRESHOLD = -3
"""Of ``mallopt(3)``: larger blocks are mapped one by one; set, it no longer moves."""


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
    plain = f"{device.type} {str(pick_dtype(spec.dtype, device)).removeprefix('torch.')}"
    return plain if spec.quantization == "none" else f"{plain} {spec.quantization}"


def load_model(weights: Weights, spec: GenerationSpec, device: torch.device) -> Any:
    """Loads a model from safetensors, in evaluation mode.

    Raises:
        BadSpec: it is to be quantised, on a device that has no way to do it.
    """
    dtype = pick_dtype(spec.dtype, device)
    options = {} if spec.quantization == "none" else nf4_options(dtype, device)
    model = AutoModelForCausalLM.from_pretrained(
        weights.path, dtype=dtype, attn_implementation=spec.attention, use_safetensors=True, **options
    )
    if options:
        compute_alike(model)
    return model.to(device).eval()


def return_freed_memory() -> None:
    """Has each block of a MiB or more given back to the system when it is freed, where glibc allocates.

    By itself it raises that bound to 32 MiB, and the tensors of a training step then leave holes in its heap
    into which the next ones do not fit: a process of 1.1 GB took 1.4 GB.
    """
    with contextlib.suppress(AttributeError):
        ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, 2**20)


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
    return _process_mb("VmHWM")


def resident_memory_mb() -> float:
    """What this process has in memory now; where the system does not tell that, its most so far."""
    return _process_mb("VmRSS")


def _process_mb(field: str) -> float:
    status = Path("/proc/self/status")
    if status.is_file():
        line = next(
            each for each in status.read_text(encoding="ascii").splitlines() if each.startswith(field)
        )
        return int(line.split()[1]) / 2**10
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / 2**20 if sys.platform == "darwin" else most / 2**10


def pick_dtype(name: str, device: torch.device) -> torch.dtype:
    """The number format of weights on a device; ``auto`` is the one that is fast there."""
    if name == "auto":
        # On a CPU float32 is the faster one, by a factor of two in training.
        return torch.bfloat16 if device.type == "cuda" else torch.float32
    dtype: torch.dtype = getattr(torch, name)
    return dtype
