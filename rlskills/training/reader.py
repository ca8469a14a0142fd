"""What treatments ask of a model about rollouts: how likely it finds them, and its hidden states.

Without gradients, in the precision of training. Under several processes each reads its share.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, TypeAlias

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from ..errors import UserError
from ..models.loaded import LoadedModel
from ..models.loading import load
from ..models.lora import adapted, base_of
from .batch import Rollout
from .sampler import Processes

START = "start"
NUMBERS_AT_ONCE = 2**26
"""Logits of a pass, at most, where a row has no more: a quarter of a gigabyte."""
Take: TypeAlias = Callable[[LoadedModel, Sequence[Rollout]], list[Tensor]]


class Reader:
    """Reads rollouts with the policy, the model it started from, or any other."""

    def __init__(self, loaded: LoadedModel, processes: Processes | None = None) -> None:
        self.loaded = loaded
        self.processes = processes or Processes()
        self._others: dict[str, LoadedModel] = {}

    def logprobs(self, rows: Sequence[Rollout], model: str = "") -> list[Tensor]:
        """Log-probability of every completion token (T) of each row, given the row's prompt.

        `model` is empty for the policy as it is, `start` for the model that the arm began with, or
        the name or folder of another one with the same tokens; a `UserError` where it has others.
        """
        return self._read(rows, model, _logprobs)

    def hidden(self, rows: Sequence[Rollout], model: str = START) -> Tensor:
        """Means of the last hidden states over the completion tokens of each row (N, D)."""
        return torch.stack(self._read(rows, model, _hidden))

    def _read(self, rows: Sequence[Rollout], model: str, take: Take) -> list[Tensor]:
        loaded, context = self._model(model)
        share = -(-len(rows) // self.processes.count)
        first = self.processes.index * share
        mine = rows[first : first + share]
        # Those of like length together have little padding.
        order = sorted(range(len(mine)), key=lambda i: _length(mine[i]))
        found: dict[int, Tensor] = {}
        with context, loaded.inference():
            for part in _parts(order, mine, loaded):
                found.update(zip(part, take(loaded, [mine[i] for i in part]), strict=True))
        return self.processes.gathered([found[i].cpu() for i in range(len(mine))])

    def _model(self, name: str) -> tuple[LoadedModel, AbstractContextManager[object]]:
        """A model, and a context in which it is that model."""
        policy = self.loaded
        if not name:
            return policy, nullcontext()
        if name == START and adapted(policy.model) and base_of(policy.source) is None:
            # The arm began without adapters, so that is the model without them.
            return policy, policy.model.disable_adapter()
        if name not in self._others:
            other = load(
                policy.source if name == START else name, policy.kernels, policy.device,
                policy.options,
            )  # fmt: skip
            if other.codec.tokenizer.get_vocab() != policy.codec.tokenizer.get_vocab():
                raise UserError(f"model {name!r} has other tokens than the policy: it cannot read")
            self._others[name] = other
        return self._others[name], nullcontext()


def _length(row: Rollout) -> int:
    return len(row.prompt_ids) + len(row.ids)


def _parts(
    order: Sequence[int], rows: Sequence[Rollout], loaded: LoadedModel
) -> Iterator[list[int]]:
    """Rows, from short to long, as many at a time as there is room for."""
    part: list[int] = []
    size = loaded.model.config.get_text_config().vocab_size
    for i in order:
        # Kernels for rows without padding take one here; few rows are read, and seldom.
        full = loaded.kernels.one_row or (len(part) + 1) * _length(rows[i]) * size > NUMBERS_AT_ONCE
        if part and full:
            yield part
            part = []
        part.append(i)
    if part:
        yield part


def _run(loaded: LoadedModel, rows: Sequence[Rollout], **more: bool) -> Any:
    """The model's output for rows padded on the right: causal attention never sees that."""
    ids = [torch.tensor([*row.prompt_ids, *row.ids], device=loaded.device) for row in rows]
    batch = pad_sequence(ids, batch_first=True, padding_value=loaded.codec.pad)
    return loaded.model(input_ids=batch, use_cache=False, **more), batch


def _logprobs(loaded: LoadedModel, rows: Sequence[Rollout]) -> list[Tensor]:
    out, ids = _run(loaded, rows)
    logits = out.logits[:, :-1].float()
    chosen = logits.gather(2, ids[:, 1:, None])[..., 0] - logits.logsumexp(2)
    return [
        chosen[i, len(row.prompt_ids) - 1 : _length(row) - 1].clone() for i, row in enumerate(rows)
    ]


def _hidden(loaded: LoadedModel, rows: Sequence[Rollout]) -> list[Tensor]:
    out, _ = _run(loaded, rows, output_hidden_states=True)
    states = out.hidden_states[-1].float()
    return [
        states[i, len(row.prompt_ids) : _length(row)].mean(0)
        if row.ids
        else states.new_zeros(states.shape[2])
        for i, row in enumerate(rows)
    ]
