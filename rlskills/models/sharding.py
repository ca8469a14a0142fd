"""Trained weights in shards: which kind a launcher asks for, and weights made whole for a while.

accelerate's configuration asks (`recipes/accelerate/`), and the trainers' libraries shard a model
when its training begins. What samples, answers eval sets or reads hidden states runs the model as
often as its own share takes, which differs between processes; sharded weights are exchanged in
every run of the model, so unequal numbers would wait for each other forever. So weights are
gathered once, all processes together, before such work, and let go of behind it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Protocol

from accelerate import PartialState
from accelerate.utils import DistributedType
from torch import Tensor, nn
from torch.distributed.checkpoint.state_dict import StateDictOptions, get_model_state_dict
from torch.distributed.fsdp import FSDPModule


class Shards(Protocol):
    """What a trainer has made of a model's weights; every method is called by all processes."""

    def whole(self) -> AbstractContextManager[None]:
        """Within, the model's own parameters are whole, and running it exchanges nothing."""
        ...

    def state_dict(self) -> dict[str, Tensor]:
        """All weights as they are trained (float32) on the CPU; of use on the main process."""
        ...


class FSDP2:
    """Of a model to which `fully_shard` was applied, its root included."""

    def __init__(self, model: Any) -> None:
        self.model = model

    @contextmanager
    def whole(self) -> Iterator[None]:
        """A copy of all weights on every process, in the type that they are computed in."""
        parts = [part for part in self.model.modules() if isinstance(part, FSDPModule)]
        # Has every part know its root, and the root keep its own weights behind a forward pass.
        self.model._get_fsdp_state()._lazy_init()
        resharding = [_reshards(part) for part in parts]
        try:
            for part in parts:
                part.set_reshard_after_forward(False, recurse=False)
                part.unshard()
            yield
        finally:
            # Shards again, and forgets the order of the passes within: FSDP fetches weights ahead
            # in that order, which differs between processes that ran the model unequally often.
            self.model.reset_iter_state()
            for part, was in zip(parts, resharding, strict=True):
                part.set_reshard_after_forward(was, recurse=False)

    def state_dict(self) -> dict[str, Tensor]:
        """Gathered one by one; other processes than the main one get none."""
        options = StateDictOptions(full_state_dict=True, cpu_offload=True)
        found: dict[str, Any] = get_model_state_dict(self.model, options=options)
        # What is one weight in the model (tied embeddings) is one tensor again, and saved once.
        first: dict[int, str] = {}
        for name, weight in self.model.named_parameters(remove_duplicate=False):
            other = first.setdefault(id(weight), name)
            if name in found and other in found:
                found[name] = found[other]
        return found


def sharding() -> str:
    """`fsdp1`, `fsdp2`, `zero1`, `zero2` or `zero3`: what a launcher asks for; empty: none.

    As accelerate does: by its variables, where several processes compute on accelerators. On CPUs
    it trains whole copies instead.
    """
    fsdp, deepspeed = _is_set("ACCELERATE_USE_FSDP"), _is_set("ACCELERATE_USE_DEEPSPEED")
    if not (fsdp or deepspeed):
        return ""
    kind = PartialState().distributed_type
    if kind in (DistributedType.NO, DistributedType.MULTI_CPU):
        return ""
    return f"fsdp{os.environ.get('FSDP_VERSION', '1')}" if fsdp else f"zero{_zero_stage()}"


def is_sharded(model: nn.Module) -> bool:
    """Whether `fully_shard` was applied to it."""
    return isinstance(model, FSDPModule)


def class_of(module: nn.Module) -> type[nn.Module]:
    """The class of a module, without the one that `fully_shard` derives from it."""
    kinds = type(module).__mro__
    return kinds[kinds.index(FSDPModule) + 1] if FSDPModule in kinds else kinds[0]


def _reshards(part: FSDPModule) -> bool:
    """Whether it lets go of its weights behind each forward pass."""
    return any(group._reshard_after_forward for group in part._get_fsdp_state()._fsdp_param_groups)


def _is_set(name: str) -> bool:
    return os.environ.get(name, "false").lower() == "true"


def _zero_stage() -> int:
    file = os.environ.get("ACCELERATE_DEEPSPEED_CONFIG_FILE", "")
    if file and file != "none":
        return int(json.loads(Path(file).read_text())["zero_optimization"]["stage"])
    return int(os.environ.get("ACCELERATE_DEEPSPEED_ZERO_STAGE", "2"))
