"""What is asked and how it is graded: tasks, environments, splits, registry. Standard library."""

from .driver import Play, bare_answer, demonstration, play, replied
from .environment import Environment, GraderError
from .episode import Caps, Episode, Turn
from .registry import find, load, names, register
from .scoring import score_batch
from .seeding import digest, off_stream, rng_of, seed_from
from .skillmix import SkillMix
from .skills import never_trained, twins
from .splits import SPLITS, Holdout
from .types import Draft, Message, Score, StepScore, Task, joined
from .unique import unique_tasks

__all__ = [
    "SPLITS", "Caps", "Draft", "Environment", "Episode", "GraderError", "Holdout", "Message",
    "Play", "Score", "SkillMix", "StepScore", "Task", "Turn", "bare_answer", "demonstration",
    "digest", "find", "joined", "load", "names", "never_trained", "off_stream", "play", "register",
    "replied", "rng_of", "score_batch", "seed_from", "twins", "unique_tasks",
]  # fmt: skip
