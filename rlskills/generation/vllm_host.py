"""One vLLM for all models of a process, in this process or on a server.

Before a model is sampled the host has vLLM hold its weights. So the arms of a study follow each
other in the same vLLM, and the model that samples a data set takes turns with the one that learns
from it.
"""

from __future__ import annotations

import weakref
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from ..models.loaded import LoadedModel
from ..models.vllm_settings import VLLMSettings

Drawn: TypeAlias = tuple[list[int], list[float]]
"""Ids of a completion, and their log-probabilities."""


@dataclass(frozen=True)
class Draw:
    """How completions are drawn, as vLLM wants to know it."""

    n: int
    temperature: float
    top_p: float
    max_tokens: int
    stop_token_ids: tuple[int, ...]

    @property
    def keywords(self) -> dict[str, Any]:
        """What vLLM's parameters and TRL's client both know.

        All that a server would otherwise take from a model's generation config is named.
        """
        return {
            "n": self.n,
            "temperature": self.temperature,
            "top_p": self.top_p,
            "max_tokens": self.max_tokens,
            "logprobs": 0,  # of the drawn token alone
            "top_k": 0,
            "min_p": 0.0,
            "repetition_penalty": 1.0,
        }


class Link(Protocol):
    """A vLLM that runs."""

    max_length: int
    """Tokens of prompt and completion together."""

    def push(self, model: Any) -> None:
        """Send the weights of a model, adapters added."""
        ...

    def draw(self, prompts: list[list[int]], seeds: list[int], how: Draw) -> list[Drawn]:
        """`how.n` completions of each prompt, those of a prompt next to each other."""
        ...

    def rest(self) -> bool:
        """Give memory back until the next `push`, if it is set to; whether the weights are gone."""
        ...

    def close(self) -> None:
        """Give everything back."""
        ...


class VLLMHost:
    """One vLLM of this process; it starts when the first model is to be held."""

    def __init__(self, settings: VLLMSettings | None = None) -> None:
        self.settings = settings or VLLMSettings()
        self._link: Link | None = None
        self._shape: dict[str, Any] = {}
        # Not the model itself: the memory of an arm that has ended is needed by the next.
        self._held: tuple[weakref.ref[LoadedModel], int] | None = None

    def hold(self, loaded: LoadedModel, step: int) -> Link:
        """vLLM with the weights that `loaded` has after `step` steps; sent unless it has them."""
        if self._held and self._held[0]() is loaded and self._held[1] == step and self._link:
            return self._link
        self._held = None
        shape = _shape(loaded.model.config)
        if shape != self._shape:
            self.close()
        if self._link is None:
            self._link, self._shape = _start(loaded, self.settings), shape
        self._link.push(loaded.model)
        self._held = weakref.ref(loaded), step
        return self._link

    def rest(self) -> None:
        """Nothing is sampled until the next `hold`."""
        if self._link and self._link.rest():
            self._held = None

    def close(self) -> None:
        """End vLLM, or the connection to it; the next `hold` starts another."""
        link, self._link, self._held = self._link, None, None
        if link:
            link.close()


def _start(loaded: LoadedModel, settings: VLLMSettings) -> Link:
    """Either kind; vLLM and what TRL needs of it are imported here and not before."""
    if settings.mode == "server":
        from .vllm_server import Served

        return Served(loaded, settings)
    from .vllm_colocated import Colocated

    return Colocated(loaded, settings)


def _shape(config: Any) -> dict[str, Any]:
    """What must be alike in two models for one vLLM to hold either, in turn."""
    names = (
        "model_type", "vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers",
        "num_attention_heads", "num_key_value_heads", "head_dim", "tie_word_embeddings",
        "max_position_embeddings", "rope_theta", "rope_scaling", "rope_parameters",
    )  # fmt: skip
    text = config.get_text_config()
    return {name: getattr(text, name, None) for name in names}
