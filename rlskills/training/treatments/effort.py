"""Effort: a prompt says how long the answer may be, as a share of what is usual for it now.

For each problem of a round an effort e is drawn from `levels`, all alike, and stated behind its
last message, the same for all of its completions. The reward is kept only by right completions of
at most

    L <= e * mean length of the group

tokens, right or wrong ones counted, without those that were cut off. Kleinman et al. 2025, "e1:
Learning Adaptive Control of Reasoning Effort", arXiv 2510.27042. Which efforts are drawn, their
wording, and that the mean is the group's are this project's own; evaluations state no effort.

All right: those that are short enough stand out. All wrong: as it stands. All truncated: as it
stands, since none is right. Right and too long: 0; wrong: the reward that it has. Ungraded: as it
was. An effort below that of the shortest completion leaves a group without any reward. `text` must
be one that the model can read: its words are new to a model that was trained on problems alone. It
changes rewards, so methods that go by `correct` do not see it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

from ...environments import Message, Task
from ...errors import UserError
from ...generation.engine import SamplingParams
from ..batch import RolloutBatch
from .treatment import TREATMENTS, Treatment


@TREATMENTS.register("effort")
class Effort(Treatment):
    """An effort is stated with each problem, and what takes more than that has no reward."""

    paper = "Kleinman et al. 2025, arXiv 2510.27042"
    role = "prices length"

    @dataclass(frozen=True)
    class Options(Treatment.Options):
        """Which efforts, and in what words."""

        levels: tuple[float, ...] = (0.25, 0.5, 0.75, 1.0, 1.5)
        """Efforts that are drawn from, as shares of the mean length."""
        text: str = "\nEffort: {effort}"
        """What is put behind the last message, with the effort in the place of `{effort}`."""

        def __post_init__(self) -> None:
            if not (self.levels and all(0 < level < inf for level in self.levels)):
                raise UserError(f"effort: levels must be positive numbers, not {self.levels}")
            if "{effort}" not in self.text:
                raise UserError(f"effort: text must hold {{effort}}: {self.text!r}")

    def setup(self) -> None:
        """No round yet."""
        self._drawn: dict[str, float] = {}
        self._kept = 0.0

    def sampling(self, params: SamplingParams, step: int) -> SamplingParams:
        """A round begins: its efforts are drawn anew."""
        self._drawn = {}
        return params

    def prompt(self, messages: Sequence[Message], task: Task) -> Sequence[Message]:
        """A task that is drawn twice in a round has the same effort in both groups."""
        if task.key not in self._drawn:
            self._drawn[task.key] = self.rng.choice(self.options.levels)
        stated = self.options.text.replace("{effort}", f"{self._drawn[task.key]:g}")
        *before, last = messages
        return (*before, {**last, "content": last["content"] + stated})

    def shape(self, batch: RolloutBatch) -> None:
        """Right completions that are too long lose their reward."""
        right = short = 0
        for group in batch.groups():
            graded = [rollout for rollout in group if not rollout.score.failed]
            whole = [rollout.sampled for rollout in graded if not rollout.truncated]
            mean = sum(whole) / len(whole) if whole else inf
            # Not below a length that is exactly the share, for the sake of a last bit.
            limit = self._drawn.get(group[0].task.key, inf) * mean * (1 + 1e-9)
            for rollout in graded:
                if rollout.score.correct:
                    right, short = right + 1, short + (rollout.sampled <= limit)
                    rollout.reward = rollout.reward if rollout.sampled <= limit else 0.0
        self._kept = short / max(1, right)

    def metrics(self) -> dict[str, float]:
        """The mean effort that was asked for, and the share of right answers within it."""
        drawn = list(self._drawn.values())
        return {"effort": sum(drawn) / max(1, len(drawn)), "within": self._kept}
