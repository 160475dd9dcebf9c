"""A base in 4 bits: NF4 with double quantisation (QLoRA, 2305.14314, section 3), through bitsandbytes."""

from typing import Any

import torch
from transformers import BitsAndBytesConfig

from hybrid.errors import BadSpec

DEVICES = ("cpu", "cuda")


def nf4_options(dtype: torch.dtype, device: torch.device) -> dict[str, Any]:
    """What ``from_pretrained`` needs to quantise the linear layers while it loads them.

    About 4.1 bits a weight; embeddings, norms and the output layer keep ``dtype``, in which is computed.

    Raises:
        BadSpec: not on this device.
    """
    if device.type not in DEVICES:
        raise BadSpec(f"generation.quantization: nf4 runs on {' and '.join(DEVICES)}, not on {device.type}.")
    config = BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=dtype,
    )
    return {"quantization_config": config, "device_map": {"": device}}


def compute_alike(model: Any) -> None:
    """Lets a quantised model compute in evaluation as it does in training, on every CPU.

    On a CPU with AVX512-BF16, bitsandbytes packs the weights anew at the first evaluation and goes on in
    bfloat16: answers would have another precision than the training, and another CPU other answers.
    """
    from bitsandbytes.nn import Linear4bit

    for module in model.modules():
        if isinstance(module, Linear4bit):
            module.support_avx512bf16_for_cpu = False
