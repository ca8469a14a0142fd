"""What can be asked of `string_transform`, checked before anything is drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rlskills.errors import UnknownName
from rlskills.tasks import Environment

from .presets import PRESETS
from .tiny_functions import TINY_FUNCTIONS

MODES = ("solve", "copy")


@dataclass(frozen=True)
class Config(Environment.Config):
    """What a level sets; see `presets.py` for what a preset stands for."""

    preset: str = "clean"
    functions: str = "train"
    """Set that calls are drawn from: all, train, held_out or, with `tiny`, common."""
    depth: int = 1
    show_definitions: bool = False
    """Show the source of the functions used, under their anonymous names."""
    common: int = 32
    """With `tiny`: how many functions are in neither train nor held_out."""
    binary_prob: float = -1.0
    """Chance of a node with two operands; -1: the preset's own."""
    last: str = ""
    """Function that is applied last; empty: any of the set."""
    mode: str = "solve"
    """`solve`; or, with `tiny`, `copy`: write the expression again without computing it."""

    def __post_init__(self) -> None:
        """Refuse what no problem can be drawn from, and what would silently have no effect."""
        if self.preset not in PRESETS:
            raise UnknownName("preset of string_transform", self.preset, PRESETS)
        if self.mode not in MODES:
            raise UnknownName("mode of string_transform", self.mode, MODES)
        most = len(TINY_FUNCTIONS) - 2  # leaves one to train on and one to hold out
        self._require("depth", _whole(self.depth) and self.depth > 0, "a whole number from 1")
        in_range = _whole(self.common) and 0 <= self.common <= most
        self._require("common", in_range, f"a whole number from 0 to {most}")
        share = isinstance(self.binary_prob, int | float) and 0 <= self.binary_prob <= 1
        self._require("binary_prob", share or self.binary_prob == -1, "in [0, 1], or -1")
        self._check_functions()
        self._check_preset()

    def _require(self, option: str, holds: bool, rule: str) -> None:
        if not holds:
            raise ValueError(f"{option} must be {rule}, not {getattr(self, option)!r}")

    def _check_functions(self) -> None:
        sets = PRESETS[self.preset].sets(self.common)
        if self.functions not in sets:
            raise UnknownName(f"function set of preset {self.preset!r}", self.functions, sets)
        if self.last and self.last not in (unary := self._unary(sets[self.functions])):
            raise UnknownName(f"function of one argument in {self.functions!r}", self.last, unary)
        if not sets[self.functions]:
            raise ValueError(f"functions={self.functions!r} is empty with common={self.common}")

    def _unary(self, names: Sequence[str]) -> list[str]:
        return [name for name in names if name not in PRESETS[self.preset].interlace]

    def _check_preset(self) -> None:
        if self.preset != "tiny":
            if self.mode == "copy":
                raise ValueError("mode='copy' needs preset='tiny'")
            return
        if self.show_definitions:
            raise ValueError("preset='tiny' has no definitions to show")
        if self.binary_prob > 0:
            raise ValueError("preset='tiny' has chains only, so binary_prob must be 0 or -1")


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
