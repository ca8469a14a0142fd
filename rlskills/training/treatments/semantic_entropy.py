"""Semantic entropy: how many different things a policy answers, and in how many ways.

Nothing is changed in training. For each group, the Shannon entropy in nats of what its rollouts
answered, and of how they went about it:

    H = -sum over distinct x of (n_x / n) log(n_x / n)

`answers` takes for x the parsed answer, `workings` the sequence of steps that was written: by the
skills named in each step, where a step names any, else by its text. Both are means over the groups
in which anything was read. Wang et al. 2025, "Emergent Hierarchical Reasoning in LLMs through
Reinforcement Learning", arXiv 2509.03646, take the entropy of strategic phrases over a batch; the
order of skills is its exact form in environments that know their steps, and by group, so that
different problems do not count as variety, is this project's own.

A group that is all right has entropy 0 of answers, unless several are right; one that is all wrong
need not. Rollouts that were cut off have no answer, but may have steps; those that could not be
graded, or were not read, do not count. A group of one has entropy 0.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Hashable, Iterable
from dataclasses import dataclass

from ..batch import Rollout, RolloutBatch, graded
from .treatment import TREATMENTS, Treatment


@TREATMENTS.register("semantic_entropy")
class SemanticEntropy(Treatment):
    """Logs how much the answers and the worked steps of a group differ; changes nothing."""

    paper = "measure after Wang et al. 2025, arXiv 2509.03646"

    @dataclass(frozen=True)
    class Options(Treatment.Options):
        """There are none."""

    def setup(self) -> None:
        """Nothing was read yet."""
        self._metrics = {"answers": 0.0, "distinct_answers": 0.0, "workings": 0.0}

    def adapt(self, batch: RolloutBatch) -> None:
        """Count, group by group."""
        groups = [graded(group) for group in batch.groups()]
        answers = [[a for r in group if (a := r.score.parsed) is not None] for group in groups]
        workings = [[w for r in group if (w := working(r))] for group in groups]
        self._metrics = {
            "answers": _mean(entropy(each) for each in answers if each),
            "distinct_answers": _mean(float(len(set(each))) for each in answers if each),
            "workings": _mean(entropy(each) for each in workings if each),
        }

    def metrics(self) -> dict[str, float]:
        """Entropies in nats, and how many different answers a group gives."""
        return self._metrics


def entropy(seen: Iterable[Hashable]) -> float:
    """Shannon entropy, in nats, of how often each thing was seen."""
    counts = Counter(seen).values()
    total = sum(counts)
    return abs(sum(n / total * math.log(n / total) for n in counts))


def working(rollout: Rollout) -> tuple[str, ...]:
    """The steps of a completion in order: the skills that each names, or else what it says."""
    if rollout.turns > 1:  # positions are those in the last reply
        return ()
    known = {*rollout.env.skills(), *rollout.task.skills}
    found = []
    for step in rollout.score.steps:
        text = rollout.text[step.start : step.end]
        named = [word for word in re.findall(r"\w+", text) if word in known]
        found.append(" ".join(named) or text)
    return tuple(found)


def _mean(values: Iterable[float]) -> float:
    listed = list(values)
    return sum(listed) / len(listed) if listed else 0.0
