"""Bytes and operations of real models on this machine, beside what `rlskills plan` works out.

    python benchmarks/plan.py                          # small models with random weights, seconds
    python benchmarks/plan.py --models smollm2         # 135 million weights, 3 GB of memory
    python benchmarks/plan.py --models llama qwen3 smollm2 --page docs/scale.md

prints, for each part, what the planner says, what was counted, and the ratio. The last one also
writes the page on scale. Counted are the tensors themselves: parameters, gradients and the state of
AdamW after one step, all that autograd saves for the backward pass (each storage once), the keys
and values that `generate` leaves, and operations by torch's `FlopCounterMode`.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import tyro
from torch import Tensor
from torch.autograd.graph import saved_tensors_hooks
from torch.utils.flop_counter import FlopCounterMode
from transformers import AutoModelForCausalLM, GenerationConfig, LlamaConfig, Qwen3Config
from transformers.utils import logging as library_logging

from rlskills.models import choose_kernels
from rlskills.models.loading import folder_of
from rlskills.models.shape import shape_from
from rlskills.planning.gpus import GPUS
from rlskills.planning.job import Job, Layout
from rlskills.planning.memory import (
    STATE_BYTES,
    activations,
    cache_bytes,
    layer_activations,
    memory_of,
    number_bytes,
)
from rlskills.planning.page import Row, page
from rlskills.planning.shapes import Shape
from rlskills.planning.speed import trained_flops

SMALL: dict[str, Any] = {
    "vocab_size": 1000, "hidden_size": 128, "intermediate_size": 384, "num_hidden_layers": 3,
    "num_attention_heads": 8, "num_key_value_heads": 2, "head_dim": 32,
}  # fmt: skip


@dataclass
class Config:
    """Which models, and how long."""

    models: tuple[str, ...] = ("llama", "qwen3")
    """llama and qwen3 are small and random; else smollm2 or a model folder."""
    tokens: int = 200
    """Of a sequence."""
    page: Path | None = None
    """Where the page on scale is written."""


def model_of(name: str, attention: str = "sdpa") -> Any:
    """A model by its name, in float32."""
    kinds: dict[str, Callable[..., Any]] = {"llama": LlamaConfig, "qwen3": Qwen3Config}
    if name in kinds:
        torch.manual_seed(0)
        config = kinds[name](**SMALL, attn_implementation=attention)
        return AutoModelForCausalLM.from_config(config, attn_implementation=attention)
    return AutoModelForCausalLM.from_pretrained(
        folder_of(name), attn_implementation=attention, dtype=torch.float32
    )


def shape_of_model(model: Any) -> Shape:
    """Its shape, by its own configuration and count."""
    return shape_from("it", model.config, sum(weight.numel() for weight in model.parameters()))


def job_of(shape: Shape, tokens: int, prompt: int = 1) -> Job:
    """One sequence of `tokens` tokens, on one GPU."""
    return Job(shape, GPUS["H100"], 1, tokens, prompt, 1, 2, engine="transformers")


def autocast(half: bool) -> AbstractContextManager[object]:
    """What training computes in."""
    return torch.autocast("cpu", torch.bfloat16) if half else nullcontext()


def saved_bytes(model: Any, ids: Tensor, mask: Tensor | None, half: bool) -> tuple[int, int]:
    """Bytes that the model without its head saves for the backward pass: activations, and copies
    of weights."""
    own = {weight.untyped_storage().data_ptr() for weight in model.parameters()}
    shapes = {tuple(side.shape) for weight in model.parameters() if weight.dim() == 2
              for side in (weight, weight.t())}  # fmt: skip
    kept: dict[int, tuple[int, bool, Tensor]] = {}  # tensors stay, so that no address comes twice

    def note(saved: Tensor) -> Tensor:
        storage = saved.untyped_storage()
        if storage.data_ptr() not in own and saved.is_floating_point():
            copy = tuple(saved.shape) in shapes
            kept.setdefault(storage.data_ptr(), (storage.nbytes(), copy, saved))
        return saved

    with saved_tensors_hooks(note, lambda saved: saved), autocast(half):
        out = model.base_model(input_ids=ids, attention_mask=mask, use_cache=False)
    assert out.last_hidden_state.requires_grad
    sizes = [(size, copy) for size, copy, _ in kept.values()]
    return (sum(size for size, copy in sizes if not copy),
            sum(size for size, copy in sizes if copy))  # fmt: skip


def activation_rows(name: str, model: Any, ids: Tensor) -> Iterator[Row]:
    """Activations in both precisions, with padding, and with checkpointing."""
    shape, length = shape_of_model(model), ids.shape[1]
    job, plain = job_of(shape, length), Layout("ddp")
    found, copies = saved_bytes(model, ids, None, True)
    yield Row(name, "activations, bfloat16", activations(job, plain), found)
    weights = memory_of(job, plain, 0).training["bfloat16 weights"]
    yield Row(name, "bfloat16 weights kept", weights, copies)
    layers = layer_activations(shape, length, half=False) * shape.layers + 8 * shape.hidden
    yield Row(name, "activations, float32", length * layers,
              saved_bytes(model, ids, None, False)[0])  # fmt: skip
    padded = torch.ones_like(ids)
    padded[0, : length // 10] = 0
    layers = layer_activations(shape, length, attention="sdpa") * shape.layers + 8 * shape.hidden
    found = saved_bytes(model, ids, padded, True)[0]
    yield Row(name, "activations, sdpa with padding", length * layers, found)
    model.train()
    # Re-entrant, since what the other kind keeps is hidden from hooks; both keep the same.
    model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": True})
    found = saved_bytes(model, ids, None, True)[0]
    model.gradient_checkpointing_disable()
    again = length * layer_activations(shape, length)
    inputs = activations(job, Layout("ddp", checkpointing=True)) - again
    yield Row(name, "inputs of layers, checkpointing", inputs, found)


def state_rows(name: str, model: Any, ids: Tensor) -> Iterator[Row]:
    """Weights, gradients and moments after a step; and the step's operations."""
    shape, length = shape_of_model(model), ids.shape[1]
    optimizer = torch.optim.AdamW(model.parameters(), fused=True)
    counter = FlopCounterMode(display=False)
    with counter:
        model(input_ids=ids, labels=ids).loss.backward()
    optimizer.step()
    tensors = [*model.parameters(), *(weight.grad for weight in model.parameters())]
    for state in optimizer.state.values():
        tensors += [value for key, value in state.items() if key != "step"]
    found = sum(tensor.numel() * tensor.element_size() for tensor in tensors)
    yield Row(name, "weights, gradients, AdamW", STATE_BYTES * shape.parameters, found)
    flops = length * trained_flops(job_of(shape, length), Layout("ddp"))
    yield Row(name, "operations of a step", flops, counter.get_total_flops())
    optimizer.zero_grad(set_to_none=True)


def cache_row(name: str, model: Any, prompt: int, new: int) -> Row:
    """Keys and values that transformers keeps under autocast; the last token is never put there."""
    shape = shape_of_model(model)
    how = GenerationConfig(
        max_new_tokens=new, min_new_tokens=new, do_sample=False, pad_token_id=0,
        return_dict_in_generate=True,
    )  # fmt: skip
    ids = torch.randint(5, shape.vocabulary, (2, prompt))
    model.eval()
    with torch.inference_mode(), autocast(True):
        out = model.generate(input_ids=ids, attention_mask=ids * 0 + 1, generation_config=how)
    layers = out.past_key_values.layers
    found = sum(kept.nbytes for layer in layers for kept in (layer.keys, layer.values))
    size = number_bytes(job_of(shape, prompt + new), Layout("ddp"))
    return Row(name, "KV cache of transformers",
               cache_bytes(shape.cached, 2 * (prompt + new - 1), size), found)  # fmt: skip


def rows_of(name: str, tokens: int) -> Iterator[Row]:
    """All that is compared of a model."""
    model = model_of(name)
    ids = torch.randint(5, model.config.vocab_size, (1, tokens))
    yield from activation_rows(name, model, ids)
    yield cache_row(name, model, 20, 12)
    del model
    # Scores that are computed whole: fused kernels are counted as if they skipped none either, but
    # not on every version.
    yield from state_rows(name, model_of(name, "eager"), ids)


def main(config: Config) -> None:
    """Print the table, and write the page if asked for."""
    warnings.filterwarnings("ignore")
    library_logging.disable_progress_bar()
    library_logging.set_verbosity_error()
    choose_kernels.use_threads(1)
    rows = []
    print(f"{'model':9} {'part':32} {'planned':>14} {'counted':>14} planned / counted")
    for name in config.models:
        for row in rows_of(name, config.tokens):
            rows.append(row)
            print(f"{row.model:9} {row.part:32} {row.planned:14,.0f} {row.counted:14,.0f} "
                  f"{row.ratio:17.3f}", flush=True)  # fmt: skip
    if config.page:
        words = f"python benchmarks/plan.py --models {' '.join(config.models)}"
        config.page.write_text(page(rows, words, config.tokens))
        print(config.page)


if __name__ == "__main__":
    main(tyro.cli(Config))
