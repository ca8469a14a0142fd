"""Random programs and inputs. Every path of a program has the same depth, as in the paper."""

from __future__ import annotations

import random
import string
from collections.abc import Sequence

from .expression import METHODS, Call, Concat, Input, Literal, Method, Node, Value
from .functions import Word
from .presets import Preset


class Sampler:
    """Draws programs over the active functions of a preset; holds no state of its own."""

    def __init__(self, preset: Preset, active: Sequence[str], binary_prob: float) -> None:
        self.preset = preset
        self.binary_prob = binary_prob
        self.interlace = next((name for name in preset.interlace if name in active), None)
        unary = [name for name in active if name not in preset.interlace]
        plain = [name for name in unary if name not in preset.parameters]
        with_parameter = [name for name in unary if name in preset.parameters]
        kinds = [plain, with_parameter] if preset.by_kind else [unary]
        self.kinds = [kind for kind in kinds if kind]

    def program(self, rng: random.Random, depth: int, last: str = "") -> Node:
        """A tree in which every leaf is `depth` nodes below the root, which may be given."""
        if last:
            return self._call(rng, last, depth, self.preset.require_x)
        return self._node(rng, depth, self.preset.require_x)

    def input(self, rng: random.Random) -> str:
        """The program's argument."""
        alphabet: Sequence[str] = self.preset.input_alphabet
        if self.preset.input_variety:
            alphabet = rng.choices(alphabet, k=self.preset.input_variety)
        return "".join(rng.choices(alphabet, k=rng.randint(*self.preset.input_length)))

    def _node(self, rng: random.Random, depth: int, need_x: bool) -> Node:
        if depth == 0:
            literal = not need_x and rng.random() < self.preset.leaf_literal_prob
            return Literal(_word(rng, 3, 6)) if literal else Input()
        if rng.random() < self.binary_prob:
            return self._binary(rng, depth)
        if rng.random() < self.preset.builtin_prob:
            return Method(rng.choice(list(METHODS)), self._node(rng, depth - 1, need_x))
        return self._call(rng, rng.choice(rng.choice(self.kinds)), depth, need_x)

    def _call(self, rng: random.Random, name: str, depth: int, need_x: bool) -> Node:
        return Call(name, (self._node(rng, depth - 1, need_x),), self._parameters(rng, name))

    def _binary(self, rng: random.Random, depth: int) -> Node:
        need = [False, False]
        if self.preset.require_x:
            need[rng.randrange(2)] = True
        left, right = (self._node(rng, depth - 1, side) for side in need)
        if self.interlace is None or rng.random() < 0.5:
            return Concat(left, right)
        return Call(self.interlace, (left, right))

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
