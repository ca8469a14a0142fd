"""Log-probabilities and entropies of completions under a model, without computing the same twice.

TRL computes them on padded rows of a prompt and a completion each. Two other forms of the same
numbers are used where a model allows: on a CPU the prompt of a group is read once for all of its
completions, whose queries find its keys and values in a cache; kernels for sequences of unequal
length (flash attention) get the rows of a micro-batch as one, without padding.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import DynamicCache, PreTrainedModel

from ..generation.exactness import ordinary
from ..models.kernels import Kernels
from ..models.sharding import is_sharded
from .packing import IGNORE, boundaries

Found: TypeAlias = tuple[Tensor, Tensor | None]
"""Log-probabilities and entropies (rows, length of the completions), 0 at padding; no entropies
where the model's fused head gives none."""
Form: TypeAlias = Callable[[nn.Module, Tensor, Tensor, int], Found | None]
"""Of a model with TRL's fused head, ids and mask (rows, length), and how many tokens at the end of
a row are its completion. None: not for these rows."""
ROWS_AT_ONCE = 32
"""Completions, of like length, that are read at a time: fewer have less padding, more have larger
matrices."""
ROWS_OF_A_PROMPT = 2
"""Rows for each prompt from which on it pays to read prompts by themselves."""


def choose_form(model: nn.Module, kernels: Kernels) -> Form | None:
    """The form for this model; None: TRL's own, on padded rows."""
    if kernels.one_row:
        return packed_row
    inner = _inner(model)
    if inner.device.type != "cpu" or is_sharded(inner) or not ordinary(inner):
        return None
    # Recomputed in the backward pass, a layer would add to a cache that it has filled before.
    checkpointed = any(getattr(m, "gradient_checkpointing", False) for m in inner.modules())
    return None if checkpointed else shared_prompts


def shared_prompts(model: nn.Module, ids: Tensor, mask: Tensor, completion: int) -> Found | None:
    """Each prompt, less its last token, is read once; then that token and each completion, those of
    like length together.

    None where prompts are mostly different, or too short.
    """
    start = ids.shape[1] - completion - 1
    prompts = ids[:, : start + 1].masked_fill(mask[:, : start + 1] == 0, -1)
    prompts, of_row = prompts.unique(dim=0, return_inverse=True)
    if start < 1 or len(ids) < ROWS_OF_A_PROMPT * len(prompts):
        return None
    inner = _inner(model)
    read = (prompts[:, :start] >= 0).long()
    cache: Any = DynamicCache(config=inner.config)
    inner.base_model(
        input_ids=prompts[:, :start].clamp(min=0), attention_mask=read,
        position_ids=_positions(read), past_key_values=cache, use_cache=True,
    )  # fmt: skip
    written, shown, positions = ids[:, start:], mask[:, start:], _positions(mask)[:, start:]
    labels = written.masked_fill(shown == 0, IGNORE)
    lengths = shown.sum(1)
    logprobs, entropies = [], []
    order = lengths.argsort(stable=True)
    for rows in order.split(ROWS_AT_ONCE):
        end = max(2, int(lengths[rows].max()))
        out = model(
            input_ids=written[rows, :end], attention_mask=mask[rows, : start + end],
            position_ids=positions[rows, :end], past_key_values=_of(cache, of_row[rows], inner),
            labels=labels[rows, :end], fused_lm_head=True,
        )  # fmt: skip
        padding = (0, completion + 1 - end)
        logprobs.append(F.pad(out.log_probs, padding))
        if out.entropy is not None:
            entropies.append(F.pad(out.entropy, padding))
    back = order.argsort()
    found = torch.cat(logprobs).index_select(0, back)
    return found, torch.cat(entropies).index_select(0, back) if entropies else None


def _of(cache: Any, prompts: Tensor, inner: PreTrainedModel) -> DynamicCache:
    """A cache of these prompts' keys and values (rows) from that of all prompts."""
    found: Any = DynamicCache(config=inner.config)
    for number, layer in enumerate(cache.layers):
        keys, values = (x.index_select(0, prompts) for x in (layer.keys, layer.values))
        found.update(keys, values, number)
    return found


def packed_row(model: nn.Module, ids: Tensor, mask: Tensor, completion: int) -> Found:
    """All rows as a single one without padding, as flash attention takes it."""
    real = mask.bool()
    lengths = real.sum(1).tolist()
    labels = ids.masked_fill(~real, IGNORE)
    labels[:, :-completion] = IGNORE
    out = model(
        input_ids=ids[real][None], position_ids=_positions(mask)[real][None],
        labels=labels[real][None], fused_lm_head=True, **boundaries(lengths, ids.device),
    )  # fmt: skip

    def padded(values: Tensor) -> Tensor:
        """(1, tokens - 1), of all tokens but the first, as (rows, completion)."""
        full = values.new_zeros(ids.shape)
        full = full.masked_scatter(real, F.pad(values[0], (1, 0)))
        return full[:, -completion:]

    return padded(out.log_probs), None if out.entropy is None else padded(out.entropy)


def _inner(model: Any) -> Any:
    """Without what processes and adapters put around it."""
    model = getattr(model, "module", model)
    return model.get_base_model() if hasattr(model, "get_base_model") else model


def _positions(mask: Tensor) -> Tensor:
    return (mask.cumsum(1) - 1).clamp(min=0)
