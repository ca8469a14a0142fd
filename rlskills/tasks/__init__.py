"""What is asked and how it is graded: tasks, environments, splits, registry. Standard library."""

from .driver import Play, bare_answer, demonstration, play
from .environment import Environment, GraderError
from .episode import Caps, Episode, Turn
from .registry import find, load, names, register
from .seeding import digest, seed_from, stream
from .splits import SPLITS, Holdout
from .types import Draft, Message, Score, Task, joined

__all__ = [
    "SPLITS", "Caps", "Draft", "Environment", "Episode", "GraderError", "Holdout", "Message",
    "Play", "Score", "Task", "Turn", "bare_answer", "demonstration", "digest", "find", "joined",
    "load", "names", "play", "register", "seed_from", "stream",
]  # fmt: skip
