"""What a model must know before it is trained further: every skill by itself.

Accuracy on a composition is about the product of those of its parts, so RL on compositions of a
skill that is not known learns nothing of it, and its result says nothing of RL. Whether a model
knows a function is mostly yes or no, so a mean over functions hides the ones it does not know.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..console import Console
from ..environments import Environment
from ..errors import UserError
from ..evaluation.eval_sets import EvalSet
from ..evaluation.outcomes import by_skill
from ..tables import print_table

RECALL = "recall"
"""Group of the eval set in which every skill is asked by itself."""
SEEN = 200
"""Problems of which it is read which skills there are beside those the environment names."""


@dataclass(frozen=True)
class RecallGate:
    """Greedy accuracy of every skill in the eval set `recall`."""

    threshold: float
    """Least share of a skill's problems that must be answered right, greedily."""
    enforced: bool = True
    """Whether a skill below it is an error, or only named."""

    def check(self, evaluation: Mapping[str, Any], arm: str, console: Console) -> None:
        """Print the table of an arm's `evaluation.json`; a `UserError` names what is not known."""
        records = [each for each in evaluation["eval_sets"] if each["group"] == RECALL]
        counts = by_skill(records)
        if not counts:
            raise UserError(f"the evaluation of {arm} has no eval set {RECALL!r} to judge it by")
        rows = [
            (skill, f"{right / total:.2f}", str(total), "" if self._known(right, total) else "low")
            for skill, (right, total) in counts.items()
        ]
        print_table(console, ("skill alone", arm, "problems", ""), rows)
        low = [skill for skill, count in counts.items() if not self._known(*count)]
        if not low:
            return
        text = f"{arm} does not know {len(low)} of {len(counts)} skills by themselves (below "
        text += f"{self.threshold:g}): {', '.join(low)}"
        if self.enforced:
            raise UserError(f"{text}; --ignore-recall trains from it all the same")
        console.print(f"{text}; trained from it all the same", highlight=False, soft_wrap=True)

    def _known(self, right: int, total: int) -> bool:
        return right >= self.threshold * total


def recall_set(env: Environment, names: Iterable[str], count: int) -> EvalSet:
    """`count` test problems of each named skill alone, in turn; skills without any are left out."""
    parts = env.by_composition(names, sizes=(1,), split="test")
    tasks = tuple(part.task("test", 1, index) for index in range(count) for part in parts.values())
    return EvalSet(RECALL, 1, "test", tasks, env)


def skills_taught(env: Environment) -> list[str]:
    """The skills of an environment's training problems of level 1."""
    seen = (name for i in range(SEEN) for name in env.task("train", 1, i).skills)
    return sorted({*env.skills(), *seen})
