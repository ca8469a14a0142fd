"""What can be asked of `string_transform`, checked before anything is drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

from rlskills.environments import Environment, digest, off_stream
from rlskills.errors import UnknownName

from .presets import CHAINS, PRESETS
from .tiny_functions import TINY_FUNCTIONS

MODES = ("solve", "copy")
IDENTITIES = ("program", "program_and_input")


@dataclass(frozen=True)
class Config(Environment.Config):
    """What a level sets; see `presets.py` for what a preset stands for."""

    preset: str = "clean"
    functions: str = "train"
    """Set that calls are drawn from: all, train, held_out or, with chains, common."""
    depth: int = 1
    show_definitions: bool = off_stream(False, named=True)
    """Show the source of the functions used, under their anonymous names. An address asks the same
    problem with and without it."""
    common: int = 32
    """With `tiny`: how many functions are in neither train nor held_out."""
    binary_prob: float = -1.0
    """Chance of a node with two operands; -1: the preset's own."""
    mode: str = "solve"
    """`solve`; or, with `tiny`, `copy`: write the expression again without computing it."""
    # What follows decides which split owns a problem, or how often a function is drawn. It is off
    # the stream, so that an address draws from the same random numbers whatever it says.
    identity: str = off_stream("program")
    """What makes two compositions the same problem: `program`, or `program_and_input`."""
    holdout_pairs: str = off_stream("")
    """Ordered pairs that training never composes: how many (drawn by hash), or `f>g,f>h` by name,
    for g and h of what f returns."""
    holdout_depth_above: int = off_stream(0)
    """Deepest composition that training sees; 0: it sees all."""
    balance: bool = off_stream(False)
    """Draw every function equally often."""
    last: str = off_stream("")
    """Function that is applied last; empty: any of the set."""
    longest: int = off_stream(0)
    """Characters of the longest input; 0: the preset's own number."""

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
        if self.identity not in IDENTITIES:
            raise UnknownName("identity of string_transform", self.identity, IDENTITIES)
        deepest = self.holdout_depth_above
        self._require("holdout_depth_above", _whole(deepest) and deepest >= 0, "0 or more")
        least = PRESETS[self.preset].input_length[0]
        fits = _whole(self.longest) and (self.longest == 0 or least <= self.longest <= 100)
        self._require("longest", fits, f"0, or a whole number from {least} to 100")
        self._check_functions()
        self._check_preset()
        held_out_pairs(self)

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
        if self.mode == "copy" and self.preset != "tiny":
            raise ValueError("mode='copy' needs preset='tiny'")
        if self.preset not in CHAINS:
            return
        if self.mode == "copy" and (self.holdout_pairs or self.holdout_depth_above):
            raise ValueError("mode='copy' composes nothing, so nothing can be held out from it")
        if self.show_definitions:
            raise ValueError(f"preset={self.preset!r} has no definitions to show")
        if self.binary_prob > 0:
            raise ValueError(f"preset={self.preset!r} has chains only: binary_prob must be 0 or -1")


def held_out_pairs(cfg: Config) -> frozenset[tuple[str, str]]:
    """The pairs (f, g) that `cfg.holdout_pairs` stands for.

    Those drawn by hash are pairs of training functions of one operand, the same ones for every set
    of functions, so that what one environment holds out no other one trains on.
    """
    preset = PRESETS[cfg.preset]
    sets = preset.sets(cfg.common)
    text = cfg.holdout_pairs.strip()
    if not text.isdecimal():
        named = [
            tuple(name.strip() for name in pair.split(">")) for pair in text.split(",") if text
        ]
        for pair in named:
            if len(pair) != 2:
                raise ValueError(f"holdout_pairs must be a number or pairs f>g, not {text!r}")
            for name in pair:
                if name not in sets["all"]:
                    raise UnknownName(f"function of preset {cfg.preset!r}", name, sets["all"])
        return frozenset((f, g) for f, g in named)
    unary = [name for name in sets["train"] if name not in preset.interlace]
    ranked = sorted(product(unary, unary), key=lambda pair: digest("held-out pair", *pair))
    if int(text) >= len(ranked):
        raise ValueError(f"holdout_pairs={text} leaves none of {len(ranked)} pairs to train on")
    return frozenset(ranked[: int(text)])


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
