"""What samples completions: one protocol for training, evaluation and episodes of several turns.

An engine turns prompts into completions and says of itself what it cannot do. `select_engine` takes
the first that can: our own decoder, then transformers; vLLM first where it is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, Protocol, TypeAlias, runtime_checkable

Prompt: TypeAlias = Sequence[int]
"""Token ids that the completion follows."""
Schedule: TypeAlias = Callable[[int], float]
"""The temperature of a token, given how many tokens of the completion come before it."""


@dataclass(frozen=True)
class SamplingParams:
    """How completions are drawn. A temperature of 0 is greedy."""

    max_new_tokens: int
    """Length at which a completion is cut off."""
    temperature: float | Schedule = 1.0
    """The same for all tokens, or a function of the position in the completion."""
    n: int = 1
    """Completions of each prompt."""
    logprobs: bool = False
    """Whether to return the log-probability with which each token was drawn."""
    top_p: float = 1.0
    """Nucleus sampling: the likeliest tokens with this much probability in all; 1 keeps all."""

    def temperature_at(self, position: int) -> float:
        """The temperature of the token that has `position` tokens of the completion before it."""
        return self.temperature(position) if callable(self.temperature) else self.temperature

    def limited(self, max_new_tokens: int, n: int) -> SamplingParams:
        """The same with another length and number of completions."""
        return replace(self, max_new_tokens=max_new_tokens, n=n)


@dataclass(frozen=True)
class Completion:
    """One completion; `ids` include the end token where it was reached."""

    ids: list[int]
    finish_reason: Literal["stop", "length"]
    """`stop` after an end token, `length` where it was cut off."""
    logprobs: list[float] | None = None
    """One for each id, under the distribution that was sampled from; None if not asked for."""


@runtime_checkable
class Engine(Protocol):
    """Samples from one model, whose weights may change between calls."""

    name: str

    @property
    def together(self) -> int:
        """Processes that sample as one: neighbours, which must be asked for the same."""
        ...

    def refuses(self, params: SamplingParams) -> str | None:
        """Why it cannot sample like this, None if it can."""
        ...

    def generate(
        self, prompts: Sequence[Prompt], params: SamplingParams, seed: int
    ) -> list[Completion]:
        """`params.n` completions of each prompt, those of a prompt next to each other.

        The same arguments and weights give the same completions.
        """
        ...

    def sync(self, step: int) -> None:
        """Take over the weights that the model has after `step` optimizer steps."""
        ...

    def rest(self) -> None:
        """Nothing is sampled until the next `sync`: memory may be given back."""
        ...


def completion_of(
    ids: Sequence[int], ends: frozenset[int], logprobs: Sequence[float] | None = None
) -> Completion:
    """A completion of `ids` up to and with the first end token; what lies behind it is dropped."""
    stop = next((i for i, token in enumerate(ids) if token in ends), None)
    length = len(ids) if stop is None else stop + 1
    kept = None if logprobs is None else list(logprobs[:length])
    return Completion(list(ids[:length]), "length" if stop is None else "stop", kept)
