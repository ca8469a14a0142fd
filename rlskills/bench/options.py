"""What `rlskills bench train` measures, as settings; no torch here, so that help is quick."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from ..errors import UserError
from ..models.tiny_base import NAME as TINY_BASE

STRINGS = "string_transform?preset=tiny&common=32&functions=train"
"""The problems of the quickstart's RL arm."""
WEIGHTS = {".safetensors", ".bin"}


@dataclass(frozen=True)
class TrainOptions:
    """Completions per second of GRPO, beside plain TRL on the same weights, problems and rewards.

    Each contestant makes whole updates: problems, sampling, grading, loss, backward pass, optimizer
    and logging. They take turns, in reversed order every other round, and the first updates of each
    turn are left out.
    """

    model: str = TINY_BASE
    """tiny-base, smollm2 or a model's folder; or a shape, whose weights are random: a size (0.6B,
    1.7B, 4B, ...), wideN (six Llama layers of hidden size N), or a folder with a config.json and no
    weights."""
    layers: int = 0
    """Layers of a random model in place of its shape's; 0: those."""
    env: str = ""
    """Environment of the problems; empty: string_transform for tiny-base and random weights,
    arithmetic for others."""
    levels: tuple[int, ...] = ()
    """Its levels, equally often; empty: 2, of which the base gets some right and some wrong."""
    prompts_per_step: int = 16
    """Problems of an update."""
    group_size: int = 8
    """Completions of each problem."""
    max_new_tokens: int = 0
    """Length at which a completion is cut off; 0: 64 for tiny-base, 48 for others."""
    micro_batches: int = 1
    """Parts into which the rows of an update are split in the loss, for all contestants."""
    gradient_checkpointing: bool = False
    """Recompute activations in the backward pass, for all contestants."""
    rounds: int = 0
    """Turns of each contestant; 0: 8 for tiny-base, 3 for others."""
    updates: int = 0
    """Timed updates of each turn; 0: 6 for tiny-base, 1 for others."""
    warmup: int = 0
    """Updates at the start of each turn that are left out; 0: 3 for tiny-base, 1 for others."""
    threads: int = 1
    """CPU threads; 0: the physical cores."""
    attention: str = "auto"
    """Attention kernel of all contestants; auto: each has the one that is quickest for it."""
    precision: Literal["auto", "highest", "high", "medium"] = "auto"
    """Of float32 matrix products; auto: as with the attention."""
    trl_defaults: bool = False
    """A further contestant: TRL with nothing set (bfloat16 and gradient checkpointing), slow."""
    accuracy: bool = False
    """Compare what is learned in place of speed: greedy accuracy after --accuracy-updates."""
    accuracy_updates: int = 40
    """Updates of each contestant."""
    accuracy_seeds: int = 3
    """Seeds, each from the base of its own where the model is tiny-base."""
    accuracy_problems: int = 256
    """Held-out problems of each level."""
    learning_rate: float = 2e-4
    """Of --accuracy; while speed is measured the policy stands still."""
    profile: bool = False
    """Also write a table of operators of one update of rlskills: profile.txt in --output."""
    output: Path | None = None
    """Folder for train.json (accuracy.json) and the same as Markdown."""
    check: Path | None = None
    """A train.json: exit with status 1 if a ratio to tuned TRL is lower here than there."""
    tolerance: float = 0.15
    """Share by which a ratio may be lower before --check fails."""

    def __post_init__(self) -> None:
        for name in ("layers", "max_new_tokens", "rounds", "updates", "warmup", "threads"):
            _require(name, getattr(self, name) >= 0, "at least 0", self)
        for name in ("prompts_per_step", "micro_batches", "accuracy_updates", "accuracy_seeds",
                     "accuracy_problems"):  # fmt: skip
            _require(name, getattr(self, name) >= 1, "at least 1", self)
        _require("group_size", self.group_size >= 2, "at least 2", self)
        _require("tolerance", 0 <= self.tolerance < 1, "at least 0 and below 1", self)
        rate = self.learning_rate
        _require("learning_rate", 0 < rate < math.inf, "positive and finite", self)
        if self.prompts_per_step * self.group_size % self.micro_batches:
            raise UserError("--micro-batches must divide the completions of an update")
        if self.layers and not self.random:
            raise UserError("--layers is for random weights: name a shape, such as 0.6B or wide256")
        if self.profile and not self.output:
            raise UserError("--profile writes into a folder: add --output")
        if self.accuracy and (self.random or self.check or self.trl_defaults or self.profile):
            raise UserError(
                "--accuracy goes with weights that know something, and not with --check, "
                "--trl-defaults or --profile"
            )

    @property
    def random(self) -> bool:
        """Whether the weights are random, so that every answer is wrong and nothing is learned."""
        from ..planning.shapes import known

        folder = Path(self.model)
        if folder.is_dir():
            files = {file.suffix for file in folder.iterdir()}
            return (folder / "config.json").is_file() and not files & WEIGHTS
        if self.model == "smollm2" or "/" in self.model:
            return False
        wide = self.model.startswith("wide") and self.model[4:].isdecimal()
        return wide or known(self.model) is not None

    @property
    def named(self) -> str:
        """What is trained, in words."""
        return Path(self.model).name if Path(self.model).is_dir() else self.model

    def resolved(self) -> TrainOptions:
        """The same with nothing left to the model."""
        tiny = self.model == TINY_BASE
        env = self.env or (STRINGS if tiny or self.random else "arithmetic")
        return replace(
            self,
            env=env,
            levels=self.levels or (2,),
            max_new_tokens=self.max_new_tokens or (64 if tiny else 48),
            rounds=self.rounds or (8 if tiny else 3),
            updates=self.updates or (6 if tiny else 1),
            warmup=self.warmup or (3 if tiny else 1),
        )


def _require(name: str, holds: bool, what: str, options: TrainOptions) -> None:
    if not holds:
        raise UserError(f"{name} must be {what}, not {getattr(options, name)}")
