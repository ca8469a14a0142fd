"""What can be set about a model beside its name; part of a run's configuration."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from ..errors import UserError
from ..spec.pairs import read_pairs


@dataclass(frozen=True)
class LoraOptions:
    """Low-rank adapters, which are trained in place of the weights (LoRA)."""

    rank: int = 0
    """Rank of the adapters; 0 trains the weights themselves."""
    alpha: float = 0.0
    """What they add is scaled by alpha / rank; 0: twice the rank."""
    targets: tuple[str, ...] = ()
    """Names of the layers that get one, such as q_proj; empty: all linear ones but the head."""
    dropout: float = 0.0
    """Of their input; training on rewards has none."""

    def __post_init__(self) -> None:
        if self.rank < 0:
            raise UserError(f"lora.rank must be at least 0, not {self.rank}")
        if not 0 <= self.alpha < math.inf:
            raise UserError(f"lora.alpha must be at least 0 and finite, not {self.alpha}")
        if not 0 <= self.dropout < 1:
            raise UserError(f"lora.dropout must be at least 0 and below 1, not {self.dropout}")


@dataclass(frozen=True)
class ModelOptions:
    """How a model is loaded and spoken to."""

    revision: str = ""
    """Branch, tag or commit of a model on the Hugging Face hub; empty: its main branch."""
    system_prompt: str = ""
    """Put before every conversation that has no system message of its own."""
    template_options: tuple[str, ...] = ()
    """Further variables of the chat template, as KEY=VALUE: `enable_thinking=false`."""
    lora: LoraOptions = LoraOptions()
    """Adapters that are trained in place of the weights."""
    base_dtype: Literal["float32", "bfloat16"] = "float32"
    """Of the weights under adapters, which are not trained; adapters are float32."""

    def __post_init__(self) -> None:
        _ = self.template_variables
        if self.base_dtype != "float32" and not self.lora.rank:
            raise UserError(
                f"base_dtype {self.base_dtype} is for weights under adapters (lora.rank): weights "
                "that are trained are float32"
            )

    @property
    def template_variables(self) -> Mapping[str, Any]:
        """`template_options` by name."""
        return read_pairs(self.template_options, "template_options")
