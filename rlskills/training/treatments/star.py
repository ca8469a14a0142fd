"""STaR: train on the policy's own right answers, and on right ones that it found with help.

Zelikman et al. 2022, "STaR: Bootstrapping Reasoning With Reasoning", arXiv 2203.14465, sections 3.1
and 3.2. Right rollouts are kept, as in rejection fine-tuning. Where a whole group is wrong, the
task is tried again with the answer shown; what then ends in the right answer is kept as well, as
if it had been written behind the plain prompt ("rationalisation"). The loss is

    -(1 / N) * sum over all N kept tokens of log p(token | plain prompt, tokens before)

Own right rollouts have advantage 1, at ratio 1 the same gradient, and those with help have a
cross-entropy. Each part of the loss is a mean over its own tokens, so both are weighted by their
share of N.

All right: all kept. All wrong: what help finds, else nothing. Truncated and ungraded rollouts are
left out, with help or without. A solution that begins with worked steps (`hint=steps`, this
project's own) is learned from its first token on. So is `only_whole`: with the answer in sight a
policy may be right with wrong steps, so where the steps of a task are known, all must be right.

The paper samples once for each problem, keeps one solution, and trains every round from the model
it began with, for 20 % more steps than the round before. That is an outer loop: arms that collect,
each on what the policy of the one before gives, and each from the same model. This treatment goes
on from the policy as it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ...errors import UserError
from ..batch import Rollout, RolloutBatch
from .failing import ROLE, failed_groups, try_again
from .treatment import TREATMENTS, Sampler, Treatment


@TREATMENTS.register("star")
class STaR(Treatment):
    """Supervised training on right completions, also those found with the answer in sight."""

    paper = "Zelikman et al. 2022, arXiv 2203.14465"
    sets_credit = True
    supervision = "every step"
    role = ROLE

    @dataclass(frozen=True)
    class Options(Treatment.Options):
        """Which help, and what of it is kept."""

        hint: Literal["answer", "steps"] = "answer"
        """The prompt has the answer, or replies begin with the first worked steps."""
        steps: int = 1
        """Worked steps that a reply begins with; never the last one."""
        tries: int = 1
        """Rollouts with help for each group that is all wrong."""
        weight: float = 1.0
        """Weight of a token that was written with help, beside one without."""
        only_whole: bool = True
        """Keep of those with help only what has all steps right, where steps are known."""

        def __post_init__(self) -> None:
            for name in ("steps", "tries"):
                if getattr(self, name) < 1:
                    raise UserError(f"star: {name} must be positive, not {getattr(self, name)}")
            if not 0 < self.weight < float("inf"):
                raise UserError(f"star: weight must be positive, not {self.weight}")

    def setup(self) -> None:
        """Nothing was found yet."""
        self._found: list[Rollout] = []
        self._groups = (0, 0, 0)

    def augment(self, batch: RolloutBatch, sampler: Sampler) -> None:
        """Right answers that were found with help, behind the plain prompt."""
        options, failed = self.options, failed_groups(batch)
        tried = try_again(failed, sampler, options.hint, options.steps, options.tries)
        kept = [[row for row in rows if self._right(row)] for rows in tried]
        self._found = [row for rows in kept for row in rows]
        if options.hint == "answer" and self._found:
            sampler.ask_plainly(self._found)
        for row in self._found:
            row.mask = [1] * len(row.ids)  # what was given is part of the solution
            row.weigh(rl=0.0, ce=options.weight)
        batch.add(self._found)
        self._groups = (len(batch.groups()), len(tried), sum(map(bool, kept)))

    def credit(self, batch: RolloutBatch) -> None:
        """Advantage 1."""
        for rollout in batch:
            rollout.credit(float(rollout.score.correct))

    def select(self, batch: RolloutBatch) -> None:
        """Right ones, each part weighted by its share of all tokens that are kept."""
        sampled = [rollout for group in batch.groups() for rollout in group]
        own = sum(rollout.sampled for rollout in sampled if rollout.score.correct)
        share = own / max(1, own + sum(row.sampled for row in self._found))
        for rollout in sampled:
            if rollout.score.correct:
                rollout.weigh(rl=share, ce=0.0)
            else:
                rollout.drop()
        for row in self._found:
            row.weigh(rl=0.0, ce=self.options.weight * (1 - share))

    def metrics(self) -> dict[str, float]:
        """Shares of the groups that were tried with help, and that gave something to learn."""
        groups, tried, kept = self._groups
        return {"helped": tried / max(1, groups), "rationalised": kept / max(1, groups)}

    def _right(self, row: Rollout) -> bool:
        depth = row.env.step_count(row.task) if self.options.only_whole else 0
        steps = row.score.steps
        whole = len(steps) == depth and all(step.correct for step in steps)
        return row.score.correct and (whole or not depth)
