"""Half fine-tuning: each update moves half of the parameters, and leaves the other half.

In every layer two of the four matrices of the attention (queries, keys, values, output) are left as
they are; of the three of the feed-forward part one in every other layer and two in the layers in
between; of all norms half. Embeddings, head and what is none of these always learn. Which ones is
drawn anew every `every` updates. Hui et al. 2024, "HFT: Half Fine-Tuning for Large Language
Models", arXiv 2404.18466 (by category); there a half is drawn for each stage of training, which
`every=0` is, as an arm is one stage.

In a model of plain attention that is half of what layers have, exactly where their number is even.
With fewer keys and values than queries it is only nearly so. What is frozen keeps its moments in
the optimizer, where the paper's stages begin with new ones; no weight decay acts on it. Adapters
are frozen by the matrix that they belong to. It acts on all rows alike, right or wrong, and in
supervised arms, which the paper's are, as in others.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from ...environments import rng_of
from ...errors import UserError
from .treatment import TREATMENTS, Treatment

ATTENTION = ("q_proj", "k_proj", "v_proj", "o_proj")
FEED_FORWARD = ("gate_proj", "up_proj", "down_proj")
PART = re.compile(rf"\blayers\.\d+\b(?=.*\.({'|'.join(ATTENTION + FEED_FORWARD)})\b)")
NORM = re.compile(r"norm\b")


@TREATMENTS.register("half_fine_tuning")
class HalfFineTuning(Treatment):
    """A drawn half of the matrices of every layer, and of the norms, is not updated."""

    paper = "Hui et al. 2024, arXiv 2404.18466"

    @dataclass(frozen=True)
    class Options(Treatment.Options):
        """How long a half lasts."""

        every: int = 0
        """Updates after which another half is drawn; 0: it stays."""

        def __post_init__(self) -> None:
            if self.every < 0:
                raise UserError(f"half_fine_tuning: every must not be negative: {self.every}")

    def setup(self) -> None:
        """The seed of all draws."""
        self._seed = self.rng.getrandbits(63)
        self._drawn: tuple[int, frozenset[str]] = (-1, frozenset())

    def frozen(self, names: Sequence[str], step: int) -> Collection[str]:
        """The half that stays as it is; a `UserError` for a model with other names."""
        number = step // self.options.every if self.options.every else 0
        if self._drawn[0] != number:
            rng = rng_of("half_fine_tuning", self._seed, number)
            self._drawn = (number, frozenset(half(names, rng)))
        return self._drawn[1]

    def state_dict(self) -> dict[str, Any]:
        """With the seed of the draws, from which each follows."""
        return super().state_dict() | {"seed": self._seed}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Draw on as before."""
        super().load_state_dict(state)
        self._seed, self._drawn = state["seed"], (-1, frozenset())


def half(names: Sequence[str], rng: Random) -> list[str]:
    """Names of the parameters to leave."""
    layers: dict[str, dict[str, list[str]]] = {}
    norms: list[str] = []
    for name in names:
        if found := PART.search(name):
            layer = layers.setdefault(name[: found.end()], {})
            layer.setdefault(found[1], []).append(name)
        elif NORM.search(name):
            norms.append(name)
    _check(layers)
    left = rng.sample(norms, len(norms) // 2)
    first = rng.randrange(2)
    for number, parts in enumerate(layers.values()):
        still = rng.sample(ATTENTION, 2) + rng.sample(FEED_FORWARD, 1 + (number + first) % 2)
        left += [name for part in still for name in parts[part]]
    return left


def _check(layers: Mapping[str, Mapping[str, object]]) -> None:
    """A `UserError` unless every layer has all parts."""
    if not layers:
        raise UserError(
            f"half_fine_tuning needs layers with {', '.join(ATTENTION + FEED_FORWARD)}; this model "
            "has none of that name"
        )
    for layer, parts in layers.items():
        missing = [part for part in ATTENTION + FEED_FORWARD if part not in parts]
        if missing:
            raise UserError(f"half_fine_tuning: {layer} of this model has no {', '.join(missing)}")
