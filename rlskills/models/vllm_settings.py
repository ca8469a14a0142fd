"""How vLLM is run, as settings; no torch here, so that help texts are quick."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from ..errors import UserError

_OF_MODE = {
    "colocate": (
        "memory_share", "tensor_parallel", "max_length", "max_sequences", "sleep", "model_impl",
    ),
    "server": ("server_url", "group_port", "timeout"),
}  # fmt: skip
"""Settings that only one mode knows."""


@dataclass(frozen=True)
class VLLMSettings:
    """vLLM, where `engine` is vllm. One serves all arms of a study and every evaluation."""

    mode: Literal["colocate", "server"] = "colocate"
    """colocate: inside the processes that train, on their GPUs; server: a `vllm serve` elsewhere,
    which is sent the weights after every step."""
    memory_share: float = 0.3
    """Of each GPU's memory that vLLM takes; training needs the rest (colocate)."""
    tensor_parallel: int = 1
    """GPUs that hold one vLLM together; must divide the number of processes (colocate)."""
    max_length: int = 0
    """Tokens of prompt and completion together; 0: the model's own (colocate)."""
    max_sequences: int = 0
    """Sequences decoded at a time; 0: vLLM's default (colocate)."""
    sleep: bool = False
    """Give the memory of weights and cache back while the model trains; every round then begins
    with sending the weights again (colocate)."""
    model_impl: Literal["auto", "vllm", "transformers"] = "auto"
    """Implementation of the model; auto: vLLM's, else that of transformers (colocate)."""
    server_url: str = "http://localhost:8000"
    """Where the server answers (server)."""
    group_port: int = 51216
    """A free port of this machine, over which the server fetches weights (server)."""
    timeout: float = 240.0
    """Seconds that a server which does not answer is waited for (server)."""

    def __post_init__(self) -> None:
        self._require("memory_share", 0 < self.memory_share <= 1, "above 0 and at most 1")
        self._require("tensor_parallel", self.tensor_parallel >= 1, "at least 1")
        self._require("max_length", self.max_length >= 0, "at least 0")
        self._require("max_sequences", self.max_sequences >= 0, "at least 0")
        self._require("group_port", 0 < self.group_port < 2**16, "a port, from 1 to 65535")
        self._require("timeout", 0 <= self.timeout < math.inf, "at least 0 and finite")
        self._require("server_url", _is_url(self.server_url), "such as http://localhost:8000")
        other = "server" if self.mode == "colocate" else "colocate"
        for name in _OF_MODE[other]:
            if getattr(self, name) != getattr(type(self), name):
                hint = "" if other == "server" else "; it is an option of `vllm serve` then"
                raise UserError(f"{_flag(name)} is for --machine.vllm.mode {other}{hint}")

    def _require(self, name: str, holds: bool, what: str) -> None:
        if not holds:
            raise UserError(f"{_flag(name)} must be {what}, not {getattr(self, name)}")

    def check_processes(self, count: int) -> None:
        """A `UserError` where `count` processes cannot share vLLMs of `tensor_parallel` GPUs."""
        if count % self.tensor_parallel:
            raise UserError(
                f"{_flag('tensor_parallel')} ({self.tensor_parallel}) must divide the number of "
                f"processes ({count}): `accelerate launch --num_processes N -m` in front"
            )


def _flag(name: str) -> str:
    return f"--machine.vllm.{name.replace('_', '-')}"


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number
        return False
