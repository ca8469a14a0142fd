"""Every reasoning-gym dataset as an environment: `rg:NAME`, with options as in a web address.

Splits, seeds and keys are ours, so that no problem is in two splits; the questions are
reasoning-gym's (arXiv 2505.24760), and so are the graders, except those that execute the answer or
accept wrong ones. What remains of its graders runs in killable workers, except plain comparison.
"""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, ClassVar

from ...environments import Draft, Environment, Task
from ...environments.types import JSON
from ...errors import UserError
from ...spec import typed
from . import entries
from .catalogue import HOSTED
from .host import DRAW_S, HOST

ASK = "\n\nEnd with the final answer alone, as in <answer>...</answer>."
REFUSED = 100
"""Problems in a row without a right answer of their own after which drawing stops."""


class ReasoningGym(Environment):
    """What all datasets share; `rlskills.adapters.rg.find` makes a subclass of each."""

    dataset: ClassVar[str]
    reward_components = ("partial",)

    def __init__(self, **options: Any) -> None:
        common = ("seed", "reward", "composition")
        config = typed(
            {name: value for name, value in options.items() if name not in common},
            self.Config,
            f"rg:{self.dataset}",
        )
        # What the user sets holds at every level; levels that then are invalid or alike go.
        wanted: list[Mapping[str, Any]] = []
        for level in type(self).levels:
            left = {name: value for name, value in level.items() if name not in config}
            if left not in wanted and self._valid({**left, **config}):
                wanted.append(left)
        vars(self)["levels"] = tuple(wanted) or ({},)
        super().__init__(**options)
        self._drawing: tuple[random.Random | None, float] = (None, 0.0)
        self._graded: tuple[Any, float] = (None, 0.0)

    def make(self, rng: random.Random, cfg: Any) -> Draft:
        """A problem whose own right answer its grader accepts."""
        settings = self._settings(cfg)
        stored = [(k, v) for k, v in settings if isinstance(v, bool | int | float | str)]
        for _ in range(REFUSED):
            self._watch(rng)
            draw = HOST.draw if self.dataset in HOSTED else entries.entry
            found = draw(self.dataset, settings, rng.getrandbits(31))
            metadata, oracle = found["metadata"], found["answer"]
            if isinstance(oracle, str) and oracle.strip():
                oracle = oracle.strip()
                if entries.reward(self.dataset, settings, metadata, oracle, oracle) == 1.0:
                    data = {"metadata": metadata, "settings": dict(stored)}
                    return Draft(found["question"] + ASK, oracle, (self.dataset,), data)
        raise UserError(f"{self.name}: {REFUSED} problems in a row have no right answer")

    def identity(self, draft: Draft) -> JSON:
        """The question; for games on numbers, the numbers in any order."""
        metadata = draft.data["metadata"]
        if self.dataset in ("countdown", "puzzle24"):
            return [sorted(metadata["numbers"]), metadata.get("target", 24)]
        return str(draft.prompt)

    def verify(self, task: Task, answer: str) -> bool:
        """Full reward is right, anything less is wrong."""
        return self._reward(task, answer) == 1.0

    def component_scores(self, task: Task, answer: str) -> Mapping[str, float]:
        """`partial`: reasoning-gym's reward, which often pays for parts or for the form."""
        return {"partial": self._reward(task, answer)}

    def _reward(self, task: Task, answer: str) -> float:
        asked = (task.key, answer)
        if self._graded[0] != asked:
            value = entries.reward(
                self.dataset,
                entries.settings_of(task.data["settings"]),
                task.data["metadata"],
                task.answer or "",
                answer,
            )
            self._graded = (asked, value)
        return self._graded[1]

    def _settings(self, cfg: Any) -> entries.Settings:
        default = self.Config()
        return entries.settings_of(
            (item.name, getattr(cfg, item.name))
            for item in fields(cfg)
            if getattr(cfg, item.name) != getattr(default, item.name)
        )

    def _valid(self, options: Mapping[str, Any]) -> bool:
        try:
            self.Config(**options)
        except (TypeError, ValueError):
            return False
        return True

    def _watch(self, rng: random.Random) -> None:
        """An error, never another task, when one address takes too long."""
        if self._drawing[0] is not rng:
            self._drawing = (rng, time.monotonic())
        elif time.monotonic() - self._drawing[1] > DRAW_S:
            raise UserError(f"{self.name} took over {DRAW_S:g} s to draw a task of this split")
