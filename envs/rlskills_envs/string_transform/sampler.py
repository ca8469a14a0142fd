"""Random programs and inputs. Every path of a program has the same depth, as in the paper."""

from __future__ import annotations

import random
import string
from collections.abc import Iterable, Mapping, Sequence

from .expression import METHODS, Call, Concat, Input, Literal, Method, Node, Value
from .functions import Word
from .presets import Preset

Placed = Mapping[int, str]
"""Functions that a program must call, by height: 1 is a call on leaves."""
NOWHERE: Placed = {}


class Sampler:
    """Draws programs over the active functions of a preset; holds no state of its own.

    No function of `banned`, which holds pairs (f, g), is drawn right below its partner. `balanced`
    draws all functions equally often, those of two operands among them.
    """

    def __init__(
        self,
        preset: Preset,
        active: Sequence[str],
        binary_prob: float,
        banned: Iterable[tuple[str, str]] = (),
        balanced: bool = False,
    ) -> None:
        self.preset = preset
        self.binary_prob = binary_prob
        self.balanced = balanced
        self.interlace = next((name for name in preset.interlace if name in active), None)
        unary = [name for name in active if name not in preset.interlace]
        plain = [name for name in unary if name not in preset.parameters]
        with_parameter = [name for name in unary if name in preset.parameters]
        kinds = [plain, with_parameter] if preset.by_kind else [unary]
        if balanced:
            two = [name for name in active if name in preset.interlace and binary_prob > 0]
            kinds = [[*unary, *two]]
        self.kinds = [kind for kind in kinds if kind]
        self.active = [name for kind in kinds for name in kind]
        """What calls are drawn from, unless they interlace by chance."""
        self.below: dict[str, list[list[str]]] = {}
        """What may stand right below a function, where some may not."""
        for g in sorted({g for _, g in banned}):
            allowed = [[f for f in kind if (f, g) not in banned] for kind in self.kinds]
            self.below[g] = [kind for kind in allowed if kind] or self.kinds

    def program(self, rng: random.Random, depth: int, placed: Placed = NOWHERE) -> Node:
        """A tree in which every leaf is `depth` nodes below the root."""
        return self._node(rng, depth, self.preset.require_x, None, placed)

    def input(self, rng: random.Random) -> str:
        """The program's argument."""
        alphabet: Sequence[str] = self.preset.input_alphabet
        if self.preset.input_variety:
            alphabet = rng.choices(alphabet, k=self.preset.input_variety)
        return "".join(rng.choices(alphabet, k=rng.randint(*self.preset.input_length)))

    def _node(
        self, rng: random.Random, depth: int, need_x: bool, above: str | None, placed: Placed
    ) -> Node:
        if depth == 0:
            literal = not need_x and rng.random() < self.preset.leaf_literal_prob
            return Literal(_word(rng, 3, 6)) if literal else Input()
        if depth in placed:
            return self._call(rng, placed[depth], depth, need_x, placed)
        if rng.random() < self.binary_prob:
            left, right = self._two(rng, depth, above, placed)
            if self.interlace is None or self.balanced or rng.random() < 0.5:
                return Concat(left, right)
            return Call(self.interlace, (left, right))
        if rng.random() < self.preset.builtin_prob:
            name = rng.choice(list(METHODS))
            return Method(name, self._node(rng, depth - 1, need_x, above, placed))
        kinds = self.below.get(above, self.kinds) if above else self.kinds
        return self._call(rng, rng.choice(rng.choice(kinds)), depth, need_x, placed)

    def _call(
        self, rng: random.Random, name: str, depth: int, need_x: bool, placed: Placed
    ) -> Call:
        if name in self.preset.interlace:
            return Call(name, self._two(rng, depth, name, placed))
        below = self._node(rng, depth - 1, need_x, name, placed)
        return Call(name, (below,), self._parameters(rng, name))

    def _two(
        self, rng: random.Random, depth: int, above: str | None, placed: Placed
    ) -> tuple[Node, Node]:
        """Both operands; what is placed below goes to one of them."""
        need = [False, False]
        if self.preset.require_x:
            need[rng.randrange(2)] = True
        sides = [placed, placed]
        if placed:
            sides[rng.randrange(2)] = NOWHERE
        left, right = (
            self._node(rng, depth - 1, x, above, side) for x, side in zip(need, sides, strict=True)
        )
        return left, right

    def _parameters(self, rng: random.Random, name: str) -> tuple[Value, ...]:
        match self.preset.parameters.get(name):
            case None:
                return ()
            case Word(shortest, longest):
                return (_word(rng, shortest, longest),)
            case values:
                return (rng.choice(values),)


def _word(rng: random.Random, shortest: int, longest: int) -> str:
    return "".join(rng.choices(string.ascii_lowercase, k=rng.randint(shortest, longest)))
