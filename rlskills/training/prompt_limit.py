"""Problems that are too long for the model: refused in one line, or passed over.

Every problem is measured when it is drawn, in the tokens of this model, so that no run ends in an
error of the library's, or in completions that were given no room.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from ..environments import Environment, Task
from ..errors import UserError
from ..models.loaded import too_long
from .settings import Training

Asked: TypeAlias = Sequence[tuple[Environment, Task]]
Lengths: TypeAlias = tuple[int, int]
"""Tokens of a prompt, and of all that a model has to hold with it."""


@dataclass(frozen=True)
class PromptLimit:
    """What a model has room for, under some settings."""

    settings: Training
    positions: int | None
    """Tokens that the model can see; None if it does not say."""
    measure: Callable[[Asked], Sequence[Lengths]]
    """The lengths of problems as they are trained on."""

    @property
    def accept(self) -> Callable[[Environment, Task], bool] | None:
        """What a stream asks of a problem where long ones are passed over; else None."""
        return self.fits if self.settings.long_prompts == "skip" else None

    def fits(self, env: Environment, task: Task) -> bool:
        """Whether a problem is short enough."""
        asked = [(env, task)]
        return self._fault(task, *self.measure(asked)[0]) is None

    def check(self, asked: Asked, lengths: Sequence[Lengths] | None = None) -> None:
        """A `UserError` that names the first problem that is too long; `lengths` if known."""
        lengths = self.measure(asked) if lengths is None else lengths
        for (_, task), (prompt, whole) in zip(asked, lengths, strict=True):
            if fault := self._fault(task, prompt, whole):
                raise UserError(f"{fault} (long_prompts skip passes over such problems)")

    def _fault(self, task: Task, prompt: int, whole: int) -> str | None:
        most = self.settings.max_prompt_tokens
        if most and prompt > most:
            place = f"{task.env} (level {task.level})"
            return f"a prompt of {place} has {prompt} tokens, above max_prompt_tokens {most}"
        return too_long(task, prompt, whole, self.positions)
