"""What to train on next. One file a method; the catalogue below finds them by name."""

from .interface import Base, Choice, Curriculum, Outcome
from .mixture import Mixture
from .pool import Pool
from .uniform import Uniform

CATALOGUE = {"uniform": Uniform, "mixture": Mixture}

__all__ = ["CATALOGUE", "Base", "Choice", "Curriculum", "Mixture", "Outcome", "Pool", "Uniform"]
