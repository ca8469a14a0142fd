"""What a model's configuration says before its weights are loaded: attention, size of its cache."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import psutil
import torch
from transformers import AutoConfig
from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING

from ..planning.memory import cache_bytes
from .lora import base_of

MARKS = {
    "_supports_sdpa": ("sdpa", "torch_varlen"),
    "_supports_flash_attn": ("flash_attention_2", "flash_attention_3"),
    "_supports_flex_attn": ("flex_attention",),
}
"""Attributes of a model class, and the attention kernels that each stands for."""
SHARE = 0.25
"""Of the free memory, what keys and values may take; the rest is for weights and training."""
LEAST, MOST = 2**13, 2**18
"""Bounds of the tokens that are decoded at a time."""


@dataclass(frozen=True)
class Traits:
    """Of an architecture; the defaults are those of a small model that has everything."""

    attention: frozenset[str] | None = None
    """Attention kernels that it has; None: not known, taken for all."""
    cached_numbers: int = 2**10
    """Numbers that it keeps of each token while it decodes: keys and values of all layers."""

    def has(self, kernel: str) -> bool:
        """Whether it has an attention kernel; every model has `eager`."""
        return self.attention is None or kernel in self.attention or kernel == "eager"

    def tokens_that_fit(self, device: str, compute: str) -> int:
        """Tokens whose keys and values fit into `SHARE` of the memory that is free now.

        A power of two: what is sampled in parts depends on where it is parted, so it should not
        depend on how much memory some other program happens to hold.
        """
        if device == "cuda":
            free = torch.cuda.mem_get_info()[0]
        else:
            free = psutil.virtual_memory().available
        size = 2 if compute == "bfloat16" else 4
        fit = int(SHARE * free / cache_bytes(self.cached_numbers, 1, size))
        return max(LEAST, min(MOST, 2 ** (max(1, fit).bit_length() - 1)))


@lru_cache(maxsize=64)
def traits_of(model: str, revision: str = "") -> Traits:
    """Those of the architecture in a folder or of a name; adapters have those of their base.

    A few architectures (Gemma 2, GPT-OSS) compute attention in a way that fused kernels cannot; a
    choice by timing another model would pick one that fails.
    """
    try:
        if base := base_of(model):
            model, revision = base.model, base.revision
        config = AutoConfig.from_pretrained(model, revision=revision or "main")
        found = MODEL_FOR_CAUSAL_LM_MAPPING[type(config)]
    except Exception:  # whatever is wrong with the folder, loading it will say so
        return Traits()
    architecture = found[0] if isinstance(found, tuple | list) else found
    names = [name for mark, kernels in MARKS.items() for name in kernels
             if getattr(architecture, mark, False)]  # fmt: skip
    return Traits(frozenset(names), numbers_cached(config.get_text_config()))


def numbers_cached(config: Any) -> int:
    """Numbers that a decoder keeps of each token: keys and values of all layers."""
    heads = getattr(config, "num_attention_heads", 1)
    kept = getattr(config, "num_key_value_heads", None) or heads
    size = getattr(config, "head_dim", None) or getattr(config, "hidden_size", 1) // heads
    return max(1, 2 * getattr(config, "num_hidden_layers", 1) * kept * size)
