"""What to train on next: a file per method; the catalogue finds them by name."""

from .base import CURRICULA, Base
from .batch import Batch
from .catalogue import CATALOGUE, DEFAULT, find, make, option_names
from .interface import Choice, Curriculum, Outcome
from .methods.mixture import Mixture
from .methods.uniform import Uniform
from .options import at_least, below_one, fraction, inside, positive
from .pool import BoxPool, Pool
from .units import Labels, pool_of

__all__ = [
    "CATALOGUE", "CURRICULA", "DEFAULT", "Base", "Batch", "BoxPool", "Choice", "Curriculum",
    "Labels", "Mixture", "Outcome", "Pool", "Uniform", "at_least", "below_one", "find", "fraction",
    "inside", "make", "option_names", "pool_of", "positive",
]  # fmt: skip
