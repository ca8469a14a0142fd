"""Which models our own decoder computes exactly: a list of what it knows, all else refused.

A model passes if its classes, its modules and every setting of its config are ones that `Decoder`
has been written for. What a later version of transformers adds to these models, an adapter puts
into them or a sharding does to their weights is then a reason to refuse, never a wrong token. A
model that FSDP2 has sharded passes while its weights are whole (`LoadedModel.whole_weights`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import fields
from typing import Any

import torch
from torch import nn
from transformers import PreTrainedConfig
from transformers.activations import SiLUActivation
from transformers.models.llama import modeling_llama as llama
from transformers.models.qwen2 import modeling_qwen2 as qwen2
from transformers.models.qwen3 import modeling_qwen3 as qwen3

from ..models.sharding import class_of

_PLAIN = {nn.Embedding, nn.Linear, nn.ModuleList, nn.SiLU, SiLUActivation}
_KNOWN: dict[type[nn.Module], set[type[nn.Module]]] = {
    llama.LlamaForCausalLM: {
        llama.LlamaModel, llama.LlamaDecoderLayer, llama.LlamaAttention, llama.LlamaMLP,
        llama.LlamaRMSNorm, llama.LlamaRotaryEmbedding,
    },
    qwen2.Qwen2ForCausalLM: {
        qwen2.Qwen2Model, qwen2.Qwen2DecoderLayer, qwen2.Qwen2Attention, qwen2.Qwen2MLP,
        qwen2.Qwen2RMSNorm, qwen2.Qwen2RotaryEmbedding,
    },
    qwen3.Qwen3ForCausalLM: {
        qwen3.Qwen3Model, qwen3.Qwen3DecoderLayer, qwen3.Qwen3Attention, qwen3.Qwen3MLP,
        qwen3.Qwen3RMSNorm, qwen3.Qwen3RotaryEmbedding,
    },
}  # fmt: skip
"""The models, and what each may consist of besides `_PLAIN`."""

_SETTINGS = {field.name for field in fields(PreTrainedConfig)} | {
    # Sizes and switches whose effect shows in the modules, which is where they are read.
    "attention_bias", "head_dim", "hidden_size", "intermediate_size", "mlp_bias",
    "num_attention_heads", "num_hidden_layers", "num_key_value_heads", "quantization_config",
    "tie_word_embeddings", "vocab_size",
    # Checked below.
    "attention_dropout", "hidden_act", "layer_types", "rms_norm_eps", "rope_parameters",
    # Only choose the layers of a sliding window, which `layer_types` then has.
    "max_window_layers", "use_sliding_window",
    # Without effect on what a given token's logits are.
    "initializer_range", "max_position_embeddings", "pretraining_tp", "use_cache",
    # Notes that published checkpoints carry; no model class reads them.
    "is_llama_config", "model_type", "rope_interleaved", "transformers.js_config", "use_mrope",
}  # fmt: skip
_ATTENTION = {
    "eager", "sdpa", "torch_varlen", "flash_attention_2", "flash_attention_3", "flex_attention",
}  # fmt: skip
"""Kernels for the one softmax attention; others may compute something else."""
_HARMLESS_HOOKS = (
    "transformers.modeling_utils", "transformers.utils.output_capturing",
    "torch.distributed.fsdp._fully_shard._fsdp_state",
)  # fmt: skip
"""Where hooks come from that only look on (gradients of inputs, hidden states asked for), or have
nothing to do while weights are whole."""


def unsupported(model: nn.Module) -> str | None:
    """Why `decode` does not compute exactly what this model computes; None if it does."""
    if class_of(model) not in _KNOWN:
        names = ", ".join(known.__name__ for known in _KNOWN)
        return f"decodes {names} only, not {class_of(model).__name__}"
    return next(_reasons(model), None)


def ordinary(model: Any) -> bool:
    """Whether it is of a class that is known here, with the settings that are: causal attention
    over all that came before, in every layer."""
    return class_of(model) in _KNOWN and not any(_of_config(model.config))


def _reasons(model: Any) -> Iterator[str]:
    yield from _of_config(model.config)
    yield from _of_modules(model)
    yield from _of_weights(model)
    yield from _of_shapes(model)
    if model.training and model.config.attention_dropout:
        yield "does not know dropout, and the model is in training mode"
    if "_original_forward" in vars(model) or torch.is_autocast_enabled(model.device.type):
        yield "computes in float32, not under autocast"


def _of_modules(model: nn.Module) -> Iterator[str]:
    """Modules of other classes, and anything hung onto them."""
    known = _PLAIN | _KNOWN[class_of(model)] | {class_of(model)}
    for name, module in model.named_modules():
        kind = class_of(module)
        if kind not in known:
            yield f"does not know {kind.__module__}.{kind.__name__}, which is the model's {name}"
        if not _plain_forward(module):
            yield f"does not know the forward that {name or 'the model'} was given"
        hooks = [*module._forward_hooks.values(), *module._forward_pre_hooks.values()]
        if any(getattr(hook, "__module__", None) not in _HARMLESS_HOOKS for hook in hooks):
            yield f"does not know the hooks on {name or 'the model'}"


def _plain_forward(module: nn.Module) -> bool:
    """Whether it is the class's, or TRL's around it, which is the same unless asked."""
    kind = class_of(module)
    if kind.forward.__module__ != kind.__module__ and kind is not nn.ModuleList:
        return False
    own = vars(module).get("forward")
    known = getattr(getattr(own, "__func__", own), "__globals__", {})
    return own is None or known.get("__name__", "").startswith("trl.")


def _of_config(config: PreTrainedConfig) -> Iterator[str]:
    """Settings it has not heard of, and values that it does not compute."""
    declared = {field.name for field in fields(config)}
    others = {name for name, value in vars(config).items() if value is not None and name[0] != "_"}
    # `sliding_window` matters to a class that does not declare it: the library's cache obeys it.
    known = _SETTINGS | ({"sliding_window"} & declared)
    for name in sorted((declared | others) - known):
        if not name.endswith("_token_id"):
            yield f"does not know the setting {name!r}"
    found: Any = config
    if found.is_heterogeneous:
        yield "does not know layers that differ in their settings"
    if found.hidden_act not in ("silu", "swish"):
        yield f"does not know the activation {found.hidden_act!r}"
    if (found.rope_parameters or {}).get("rope_type", "default") != "default":
        yield "knows the default rotary embedding only"
    if set(getattr(found, "layer_types", None) or ["full_attention"]) != {"full_attention"}:
        yield "knows layers of full attention only"
    if (found._attn_implementation or "eager") not in _ATTENTION:
        yield f"does not know the attention {found._attn_implementation!r}"


def _of_weights(model: nn.Module) -> Iterator[str]:
    """Weights that are not whole float32 tensors on one device."""
    devices = {weight.device for weight in model.parameters()}
    if len(devices) > 1 or torch.device("meta") in devices:
        yield "needs all weights on one device"
    for name, weight in model.named_parameters():
        if weight.dtype != torch.float32:
            yield f"knows float32 weights only, and {name} is {_of(weight.dtype)}"
        if type(weight) is not nn.Parameter:
            yield f"does not know {type(weight).__name__}, which {name} is"


def _of_shapes(model: Any) -> Iterator[str]:
    """Weights that are not as large as the modules say, such as a shard of them."""
    config, rotary = model.config, model.model.rotary_emb
    if len(model.model.layers) != config.num_hidden_layers:
        yield "needs as many layers as the config says"
    if rotary.rope_type != "default" or rotary.attention_scaling != 1:
        yield "knows the default rotary embedding only"
    if model.model.embed_tokens.max_norm is not None:
        yield "does not know embeddings of a limited norm"
    for name, module in model.named_modules():
        if isinstance(module, nn.Linear):
            if module.weight.shape != (module.out_features, module.in_features):
                yield f"needs the whole of {name}.weight, not a shard"
        elif hasattr(module, "q_proj"):
            yield from _of_attention(name, module, config, len(rotary.inv_freq))


def _of_attention(name: str, attention: Any, config: Any, frequencies: int) -> Iterator[str]:
    size, queries = attention.head_dim, config.num_attention_heads
    keys = config.num_key_value_heads
    rows: Iterable[tuple[nn.Linear, int]] = (
        (attention.q_proj, queries), (attention.k_proj, keys), (attention.v_proj, keys),
    )  # fmt: skip
    fits = all(linear.out_features == heads * size for linear, heads in rows)
    if not fits or queries % keys or attention.num_key_value_groups * keys != queries:
        yield f"does not know the heads of {name}"
    if size != 2 * frequencies:
        yield "knows rotary embeddings of whole heads only"
    if not attention.is_causal:
        yield "knows causal attention only"


def _of(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
