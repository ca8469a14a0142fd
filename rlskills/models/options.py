"""What can be set about a model beside its name; part of a run's configuration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class ModelOptions:
    """How a model is loaded and spoken to."""

    revision: str = ""
    """Branch, tag or commit of a model on the Hugging Face hub; empty: its main branch."""
    system_prompt: str = ""
    """Put before every conversation that has no system message of its own."""
    template_options: Mapping[str, Any] = field(default_factory=dict)
    """Further variables of the chat template, such as `enable_thinking`."""
