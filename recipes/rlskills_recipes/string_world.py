"""The small world of string functions that the quickstart and others train in.

Some functions are common: stage 1 composes them. The others are taught one by one; half of them
are composed in stage 2 (train), half never (held out).
"""

from collections.abc import Mapping
from dataclasses import dataclass

from rlskills import environments
from rlskills.environments import Environment
from rlskills.experiments import checks
from rlskills.training.stream import Source, spread


@dataclass(frozen=True)
class World:
    """Which functions there are, and what stage 1 shows of them."""

    common: int = 32
    """Functions that stage 1 composes; half of the others are trained on, half held out."""
    longest: int = 6
    """Letters of stage 1's longest single calls; within compositions strings grow that long."""
    refreshing: float = 0.25
    """Share of stage 1 that is single calls of common functions; those of others are the rest."""
    composing: float = 0.2
    """Share of stage 1 that composes common functions, two to four deep."""
    copying: float = 0.15
    """Share of stage 1 that copies nested calls of any functions, computing nothing."""
    rows: float = 0.0
    """Share of stage 1 that puts single calls of any functions side by side."""

    def __post_init__(self) -> None:
        checks.positive(common=self.common, longest=self.longest)
        checks.shares(
            refreshing=self.refreshing, composing=self.composing,
            copying=self.copying, rows=self.rows,
        )  # fmt: skip

    def calls(self, functions: str, **options: object) -> Environment:
        """Problems of one set of functions: common, train, held_out or all."""
        return environments.load(
            "string_transform", preset="tiny", common=self.common, functions=functions, **options
        )

    def groups(self) -> dict[str, Environment]:
        """What is evaluated on."""
        return {name: self.calls(name) for name in ("common", "train", "held_out")}

    def lessons(self) -> Mapping[str, tuple[Source, float]]:
        """The parts of stage 1, with their weights."""
        rest = (1 - self.refreshing - self.composing - self.copying - self.rows) / 2
        row = environments.load("string_row", common=self.common)
        parts = spread("common", self.calls("common"), (2, 3, 4), self.composing)
        parts |= spread("copy", self.calls("all", mode="copy"), (2, 3, 4), self.copying)
        parts |= spread("row", row, (1, 2, 3), self.rows)
        for of, share in (("common", self.refreshing), ("train", rest), ("held_out", rest)):
            parts |= spread(of, self.calls(of, longest=self.longest), (1,), share)
        return parts

    def compositions(self, alone: float) -> Mapping[str, tuple[Source, float]]:
        """The parts of stage 2: single calls of train functions (`alone`), and two nested."""
        checks.shares(alone=alone)
        train = self.calls("train")
        return spread("train", train, (1,), alone) | spread("train", train, (2,), 1 - alone)
