"""The bytes of a model in training, from its config alone: it is built and run on torch's meta device.

A tensor there has a shape and no data. So parameters are counted and not estimated, peft itself says which
layers it adapts, and autograd itself says what a forward pass keeps for the backward one: what Korthikanti et
al. (2205.05198, section 4) count by hand for a layer of GPT, for any architecture.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import torch
from peft import LoraConfig, get_peft_model
from transformers import AttentionInterface, AutoConfig, AutoModelForCausalLM

from hybrid.errors import BadInput

Method = Literal["lora", "qlora", "full"]
Mask = Literal["none", "padding", "pairs"]
METHODS: tuple[Method, ...] = ("lora", "qlora", "full")
NF4_BITS = 4 + 8 / 64 + 32 / (64 * 256)
"""A weight in NF4 with double quantisation: 4 bits, an 8-bit constant for each block of 64, and a 32-bit one
for 256 of these (QLoRA, 2305.14314, section 3)."""


@dataclass(frozen=True, slots=True)
class Setup:
    """A training step. The method alone does not fix memory; all of this together does.

    Attributes:
        method: LoRA, LoRA on a 4-bit base (NF4, double quantisation), or all weights.
        rows: sequences in a batch.
        tokens: of the longest of them; the others are padded to it.
        places: positions of which logits are computed, over all rows of the batch.
        labels: tokens on which loss is taken, in the batch.
        dtype: of weights and activations, such as ``bfloat16``.
        adapter_dtype: of LoRA's matrices, which keep their input in it: peft makes them float32, trl bfloat16
            on a 4-bit base.
        rank: of LoRA.
        dropout: of LoRA.
        targets: names of the adapted layers; none: all linear ones.
        optimizer: AdamW with both moments in the parameters' own dtype; paged, they are in the memory of the
            host when a peak comes (2305.14314, section 3).
        checkpointing: keep the inputs of layers, and compute the rest once more in the backward pass.
        step_in_backward: apply each gradient as it comes and drop it, instead of keeping all of them.
        mask: none, if rows are of one length; of padding, which each layer turns into numbers anew; or of
            pairs of tokens, which all layers share.
        attention: as in a pipeline file.
        loss: logits where labels are, as here; or of all positions, shifted by a copy, as in a plain loop.
    """

    method: Method
    rows: int
    tokens: int
    places: int
    labels: int
    dtype: str
    adapter_dtype: str
    rank: int
    dropout: float = 0.0
    targets: tuple[str, ...] = ()
    optimizer: Literal["adamw", "paged_adamw"] = "adamw"
    checkpointing: bool = False
    step_in_backward: bool = False
    mask: Mask = "padding"
    attention: str = "sdpa"
    loss: Literal["at labels", "everywhere"] = "at labels"


@dataclass(frozen=True, slots=True)
class Footprint:
    """Bytes of a model in a setup, and counts.

    Attributes:
        parameters: of the base; tied ones count once.
        trained: parameters that are learned.
        adapted: layers with an adapter.
        vocabulary: logits of a position.
        weights: bytes of all parameters, adapters included.
        gradients: bytes of the gradients of all trained parameters.
        greatest_gradient: bytes of the greatest of these.
        kept: bytes that a forward pass keeps for the backward one, logits aside.
        kept_inputs: bytes of the inputs of all layers: what checkpointing keeps (2205.05198, section 5).
        kept_by_layer: bytes that one layer keeps, the most of any.
        dequantised: bytes of the largest 4-bit layer when it is used; 0 without 4-bit layers.
    """

    parameters: int
    trained: int
    adapted: int
    vocabulary: int
    weights: int
    gradients: int
    greatest_gradient: int
    kept: int
    kept_inputs: int
    kept_by_layer: int
    dequantised: int


def read_auto_config(folder: Path) -> Any:
    """The ``config.json`` of a folder as transformers understands it; no code of the model is ever run.

    Raises:
        BadInput: transformers knows no causal language model of this type.
    """
    try:
        config = AutoConfig.from_pretrained(folder, trust_remote_code=False)
    except (OSError, ValueError, KeyError) as exc:
        raise BadInput(str(folder / "config.json"), str(exc).splitlines()[0]) from exc
    if type(config) not in AutoModelForCausalLM._model_mapping:
        raise BadInput(
            str(folder / "config.json"),
            f"{config.model_type} is no language model that transformers can load.",
        )
    # What is measured here is what autograd keeps of the weights as they are read, not of another 4-bit form.
    config.__dict__.pop("quantization_config", None)
    return config


def footprint(config: Any, setup: Setup) -> Footprint:
    """Builds and runs a model on the meta device.

    Args:
        config: of transformers.
        setup: the step; its batch of ``rows`` × ``tokens`` is run once.

    Raises:
        BadInput: what the model does depends on data, so that it cannot be run without.
    """
    model = _build(config, setup)
    parameters = sum(each.numel() for each in model.parameters())
    quantised = _four_bit(model) if setup.method == "qlora" else []
    four_bit = sum(weight.numel() for weight in quantised)
    saved = sum(weight.nbytes for weight in quantised) - int(four_bit * NF4_BITS / 8)
    vocabulary = model.get_output_embeddings().weight.shape[0]
    model = model if setup.method == "full" else _adapt(model, setup)
    trained = [each for each in model.parameters() if each.requires_grad]
    try:
        total, layers, inputs = _run(model, setup)
    except (NotImplementedError, RuntimeError) as exc:
        # What a model raises that looks at values: on the meta device there are none.
        reason = str(exc).splitlines()[0]
        raise BadInput(
            config.model_type, f"this architecture cannot be planned without weights: {reason}"
        ) from exc
    return Footprint(
        parameters=parameters,
        trained=sum(each.numel() for each in trained),
        adapted=sum(hasattr(module, "lora_A") for module in model.modules()),
        vocabulary=vocabulary,
        weights=sum(each.nbytes for each in model.parameters()) - saved,
        gradients=sum(each.nbytes for each in trained),
        greatest_gradient=max(each.nbytes for each in trained),
        kept=total,
        kept_inputs=inputs,
        kept_by_layer=max(layers, default=total),
        dequantised=max((weight.nbytes for weight in quantised), default=0),
    )


def _build(config: Any, setup: Setup) -> Any:
    kernel = setup.attention
    if kernel != "eager":
        kernel = _ANEW if setup.mask == "padding" and kernel == "sdpa" else _FUSED
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(
            config, dtype=getattr(torch, setup.dtype), attn_implementation=kernel
        )
    return model.train()


def _four_bit(model: Any) -> list[torch.Tensor]:
    """The weights that bitsandbytes makes 4-bit: of all linear layers but the output one."""
    output = model.get_output_embeddings()
    return [
        module.weight
        for module in model.modules()
        if isinstance(module, torch.nn.Linear) and module is not output
    ]


def _adapt(model: Any, setup: Setup) -> Any:
    lora = LoraConfig(
        r=setup.rank,
        lora_dropout=setup.dropout,
        target_modules=list(setup.targets) or "all-linear",
        task_type="CAUSAL_LM",
    )
    with torch.device("meta"):
        adapted = get_peft_model(model, lora, autocast_adapter_dtype=False)
    for parameter in adapted.parameters():
        if parameter.requires_grad:
            parameter.data = parameter.data.to(getattr(torch, setup.adapter_dtype))
    return adapted.get_base_model()


def _run(model: Any, setup: Setup) -> tuple[int, list[int], int]:
    """Bytes kept in all, by each layer, and of the inputs of layers."""
    kept = _Kept(model)
    layers: list[int] = []
    inputs: list[int] = []

    def before(_: Any, given: Sequence[Any]) -> None:
        inputs.append(given[0].nbytes)
        layers.append(-kept.bytes)

    def after(*_: Any) -> None:
        layers[-1] += kept.bytes

    rows, tokens = setup.rows, setup.tokens
    ids = torch.zeros((rows, tokens), dtype=torch.long, device="meta")
    pairs = torch.zeros((rows, 1, tokens, tokens), dtype=model.dtype, device="meta")
    mask = pairs if setup.mask == "pairs" else torch.ones_like(ids)
    with (
        _watched(model, before, after),
        torch.autograd.graph.saved_tensors_hooks(kept.note, lambda each: each),
    ):
        # Without the output layer: logits are computed where labels are, and counted apart.
        model.base_model(input_ids=ids, attention_mask=mask, use_cache=False)
    return kept.bytes, layers, sum(inputs)


@contextmanager
def _watched(model: Any, before: Any, after: Any) -> Iterator[None]:
    """Hooks around the layers that transformers would checkpoint."""
    from transformers.modeling_layers import GradientCheckpointingLayer

    layers = [module for module in model.modules() if isinstance(module, GradientCheckpointingLayer)]
    hooks = [layer.register_forward_pre_hook(before) for layer in layers]
    hooks += [layer.register_forward_hook(after) for layer in layers]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


class _Kept:
    """Sums up the storages that autograd saves: once if several operations do; parameters do not count."""

    def __init__(self, model: Any) -> None:
        own = [each.untyped_storage() for each in (*model.parameters(), *model.buffers())]
        # Held, so that no later storage can have the address of one that is gone.
        self._seen = {storage._cdata: storage for storage in own}
        self.bytes = 0

    def note(self, tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage._cdata not in self._seen:
            self._seen[storage._cdata] = storage
            self.bytes += storage.nbytes()
        return tensor


class _FusedAttention(torch.autograd.Function):
    """Keeps what fused kernels keep: queries, keys, values, output and a log-sum a row, but no probabilities.

    FlashAttention (2205.14135, section 3.1). A mask is kept as well.
    """

    @staticmethod
    def forward(ctx: Any, query: Any, key: Any, value: Any, mask: Any) -> torch.Tensor:
        rows, heads, tokens, _ = query.shape
        output = query.new_empty((rows, tokens, heads, value.shape[-1]))
        log_sums = query.new_empty((rows, heads, tokens), dtype=torch.float32)
        ctx.save_for_backward(query, key, value, output, log_sums, mask)
        return output


def _attend(
    module: Any, query: Any, key: Any, value: Any, attention_mask: Any, *, anew: bool, **_: Any
) -> tuple[torch.Tensor, None]:
    mask = attention_mask
    if anew:
        rows, _heads, tokens, _size = query.shape
        mask = query.new_empty((rows, 1, tokens, tokens))
    groups = query.shape[1] // key.shape[1]
    if mask is not None and groups > 1:
        # Only without a mask do kernels take fewer heads of keys than of queries; else they are repeated.
        key, value = key.repeat_interleave(groups, dim=1), value.repeat_interleave(groups, dim=1)
    return _FusedAttention.apply(query, key, value, mask), None


_FUSED, _ANEW = "kept_by_a_fused_kernel", "kept_by_a_fused_kernel_with_padding"
for _name in (_FUSED, _ANEW):
    AttentionInterface.register(_name, partial(_attend, anew=_name == _ANEW))
