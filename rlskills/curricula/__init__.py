"""What to train on next. One file a method; the catalogue finds them by name."""

from .base import Base
from .batch import Batch
from .catalogue import CATALOGUE, DEFAULT, find, make
from .interface import Choice, Curriculum, Outcome
from .methods.mixture import Mixture
from .methods.uniform import Uniform
from .pool import BoxPool, Pool

__all__ = [
    "CATALOGUE", "DEFAULT", "Base", "Batch", "BoxPool", "Choice", "Curriculum", "Mixture",
    "Outcome", "Pool", "Uniform", "find", "make",
]  # fmt: skip
