"""What there is to tune on: named GPUs, and this machine."""

import math
import os
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import torch

from hybrid.generation.device import resident_memory_mb

GPUS: Mapping[str, int] = MappingProxyType(
    {
        "T4 16GB": 15360,
        "A10 24GB": 23028,
        "L4 24GB": 23034,
        "RTX 4090 24GB": 24564,
        "A100 40GB": 40960,
        "L40S 48GB": 46068,
        "H100 80GB": 81559,
        "A100 80GB": 81920,
        "H200 141GB": 143771,
    }
)
"""Memory in MiB as ``nvidia-smi`` shows it; the vendor's figure in the name is rounded, mostly up."""
GPU_BASE_MB = 1024
"""Assumed: the CUDA context, libraries' workspaces, and what the allocator holds and cannot use, in MiB."""


def this_machine() -> dict[str, float]:
    """Memory in MiB that tuning can have here: this process's and what is free, and all of each GPU."""
    memory = {"this CPU": resident_memory_mb() + _free_mb()}
    for number in range(torch.cuda.device_count()):
        properties = torch.cuda.get_device_properties(number)
        memory[f"this {properties.name}"] = properties.total_memory / 2**20
    return memory


def room_of_container_mb(folder: Path = Path("/sys/fs/cgroup")) -> float:
    """What the memory limit of a control group (version 2) leaves, in MiB; infinite without one."""
    try:
        limit, used = ((folder / f"memory.{name}").read_text().strip() for name in ("max", "current"))
    except OSError:
        return math.inf
    return math.inf if limit == "max" else max(0.0, int(limit) - int(used)) / 2**20


def _free_mb() -> float:
    """What other processes and the limit of a container leave; without Linux all memory of the machine."""
    meminfo = Path("/proc/meminfo")
    if meminfo.is_file():
        lines = meminfo.read_text(encoding="ascii").splitlines()
        free = int(next(line for line in lines if line.startswith("MemAvailable")).split()[1]) / 2**10
        return min(free, room_of_container_mb())
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**20
