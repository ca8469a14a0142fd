"""Settings of an evaluation."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import UserError


@dataclass(frozen=True)
class EvalConfig:
    """How to ask: the token limit (of a whole episode), how many samples, which temperature."""

    max_new_tokens: int
    samples: int = 0
    temperature: float = 1.0

    def __post_init__(self) -> None:
        if self.max_new_tokens < 1 or self.samples < 0:
            raise UserError(
                f"an evaluation needs at least 1 new token and 0 samples, not "
                f"{self.max_new_tokens} and {self.samples}"
            )
        if not 0 <= self.temperature < float("inf"):
            raise UserError(f"temperature must be at least 0 and finite, not {self.temperature}")
