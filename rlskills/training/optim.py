"""Muon for the weight matrices of a model's layers, AdamW for its embeddings, head and norms.

Muon (Jordan et al. 2024, https://kellerjordan.github.io/posts/muon/) steps along the nearest
orthogonal matrix of its momentum; docs/log/2026-11-21-quickstart.md says what it saves on a model
trained from scratch. Both parts are torch's own (`muon.py` says what differs on a CPU). Here they
form a single optimizer, so that schedulers and checkpoints of a trainer work as usual.
"""

from __future__ import annotations

from torch import nn
from torch.optim import AdamW, Optimizer
from transformers import PreTrainedModel

from ..errors import UserError
from ..models.lora import adapted
from .muon import Muon
from .settings import Training


class MuonWithAdamW(Optimizer):
    """One learning rate for both: Muon's steps are as long as AdamW's."""

    def __init__(self, model: PreTrainedModel, settings: Training) -> None:
        matrices, rest = split(model)
        rate, decay = settings.learning_rate, settings.weight_decay
        betas = (0.9, settings.beta2)
        self._parts: list[Optimizer] = [
            Muon(matrices, rate, decay),
            AdamW(rest, lr=rate, betas=betas, weight_decay=decay, fused=True),
        ]
        super().__init__([part.param_groups[0] for part in self._parts], {})

    def step(self, closure: object = None) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Step both parts on the groups and state here, which schedules and checkpoints set."""
        for part, group in zip(self._parts, self.param_groups, strict=True):
            part.param_groups, part.state = [group], self.state
            part.step()


def optimizer_for(model: PreTrainedModel, settings: Training) -> Optimizer | None:
    """The optimizer that `settings` name; None stands for the library's AdamW."""
    if adapted(model):
        refuse_with_adapters(settings)
    return MuonWithAdamW(model, settings) if settings.optimizer == "muon" else None


def refuse_with_adapters(settings: Training) -> None:
    """A `UserError` for optimizers that do not go with adapters."""
    if settings.optimizer == "muon":
        raise UserError(
            "muon is for whole weight matrices, not for the two thin factors of an adapter: take "
            "optimizer adamw with lora.rank"
        )


def split(model: PreTrainedModel) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
    """Weight matrices of the layers, and all other trained parameters."""
    tables = [model.get_input_embeddings(), model.get_output_embeddings()]
    outside = {id(one) for table in tables if table is not None for one in table.parameters()}
    trained = [one for one in model.parameters() if one.requires_grad]
    matrices = [one for one in trained if one.ndim == 2 and id(one) not in outside]
    inside = {id(one) for one in matrices}
    return matrices, [one for one in trained if id(one) not in inside]
