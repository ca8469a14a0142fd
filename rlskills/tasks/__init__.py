"""What is asked and how it is graded: tasks, environments, splits, registry. Standard library."""

from .environment import Environment, GraderError
from .registry import find, load, names, register
from .scoring import score_batch
from .seeding import digest, seed_from, stream
from .skillmix import SkillMix
from .skills import never_trained, twins
from .splits import SPLITS, Holdout
from .types import Draft, Message, Score, Task
from .unique import unique_tasks

__all__ = [
    "SPLITS", "Draft", "Environment", "GraderError", "Holdout", "Message", "Score", "SkillMix",
    "Task", "digest", "find", "load", "names", "never_trained", "register", "score_batch",
    "seed_from", "stream", "twins", "unique_tasks",
]  # fmt: skip
