"""Parameters that an update leaves as they are, by what treatments say."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from ..errors import UserError
from ..models.sharding import sharding
from .treatments import Treatment


class Freezing(TrainerCallback):
    """Takes away the gradients of what is frozen; optimizers pass over what has none.

    Not `requires_grad`: processes that share gradients expect those of all parameters.
    """

    def __init__(self, treatments: Sequence[Treatment]) -> None:
        self.treatments = [t for t in treatments if type(t).frozen is not Treatment.frozen]
        if self.treatments and sharding():
            named = ", ".join(treatment.spec.name for treatment in self.treatments)
            raise UserError(f"{named} freezes parameters, which needs whole ones: without sharding")

    def on_pre_optimizer_step(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        model: nn.Module | None = None,
        **more: object,
    ) -> None:
        """Behind clipping, whose norm is of all gradients."""
        if not self.treatments or model is None:
            return
        parameters = dict(model.named_parameters())
        for treatment in self.treatments:
            for name in treatment.frozen(list(parameters), state.global_step):
                parameters[name].grad = None
