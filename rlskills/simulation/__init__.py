"""A simulated learner on which curricula are compared in seconds, before a GPU hour is spent."""

from .learner import Learner, Rollouts, advantages
from .record import SeedResult
from .references import Oracle
from .regimes import REGIMES, Protocol, Regime
from .run import Run
from .trained import TRAINED, TrainedRegime
from .world import World, make_world

__all__ = [
    "REGIMES", "TRAINED", "Learner", "Oracle", "Protocol", "Regime", "Rollouts", "Run",
    "SeedResult", "TrainedRegime", "World", "advantages", "make_world",
]  # fmt: skip
