"""Self-distillation: the same model, shown how a task is solved, grades what it wrote without that.

SDFT: Shenfeld et al. 2026, "Self-Distillation Enables Continual Learning", arXiv 2601.19897. On the
policy's own samples for prompt q, with help h that only the teacher sees,

    A_t += weight * (log teacher(y_t | h, q, y_<t) - log policy(y_t | q, y_<t))

The teacher is the model that the arm began with, or the policy itself as it is. The authors match
the teacher's likeliest 20 tokens; this is the form with one sample for each token. In an exact
environment h is known for every task: the worked solution, the definitions of the functions used,
or the answer.

All wrong: every rollout of the group learns, on every token. Other groups are left alone under
`where=failed`, this project's own default, and learn likewise under `where=all`. Truncated rollouts
learn as others do; ungraded ones do not, nor do tasks for which the environment has no such help,
or that take several turns. Name this treatment behind the one that sets the advantages. The model
must be able to use what stands in its prompt, and have room for it; a tiny one that never saw any
help cannot. A teacher that is only shown the answer teaches to guess it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ...environments.hints import hinted
from ...errors import UserError
from ..batch import RolloutBatch, graded
from .distillation import Terms, gains, revive
from .failing import ROLE, failed_groups
from .treatment import TREATMENTS, Sampler, Treatment


@TREATMENTS.register("self_distillation")
class SelfDistillation(Treatment):
    """How much likelier the model finds each token once it is shown the solution."""

    paper = "Shenfeld et al. 2026, arXiv 2601.19897"
    supervision = "every step"
    role = ROLE

    @dataclass(frozen=True)
    class Options(Treatment.Options):
        """Who teaches, what it is shown, and for which groups."""

        hint: Literal["solution", "definitions", "answer"] = "solution"
        """What the teacher sees in its prompt: the worked solution, the definitions of the
        functions used, or the answer."""
        teacher: Literal["start", "policy"] = "start"
        """The model that the arm began with, or the policy as it is."""
        where: Literal["failed", "all"] = "failed"
        """Groups without a right answer, or all."""
        weight: float = 1.0
        """Factor of what is added to the advantages."""

        def __post_init__(self) -> None:
            if not 0 < self.weight < float("inf"):
                raise UserError(f"self_distillation: weight must be positive, not {self.weight}")

    def setup(self) -> None:
        """Nothing was read yet."""
        self._terms: Terms = []
        self._share = self._gap = 0.0

    def augment(self, batch: RolloutBatch, sampler: Sampler) -> None:
        """Read rollouts behind their own prompt, and behind one with help."""
        groups = failed_groups(batch) if self.options.where == "failed" else batch.groups()
        rows, prompts, helped = [], [], 0
        for group in groups:
            env, task = group[0].env, group[0].task
            shown = None if env.multi_turn else hinted(env, task, self.options.hint)
            if shown is not None and graded(group):
                rows += graded(group)
                prompts += [shown] * len(graded(group))
                helped += 1
        self._share = helped / max(1, len(batch.groups()))
        policy = sampler.logprobs(rows) if rows else []
        model = "start" if self.options.teacher == "start" else ""
        teacher = sampler.logprobs(sampler.behind(rows, prompts), model) if rows else []
        self._terms, self._gap = gains(rows, policy, teacher, self.options.weight)

    def credit(self, batch: RolloutBatch) -> None:
        """Add to what stands there."""
        for row, term in self._terms:
            row.credit(row.advantages + term)

    def select(self, batch: RolloutBatch) -> None:
        """Groups that are all wrong have no other gradient."""
        revive(self._terms)

    def metrics(self) -> dict[str, float]:
        """The share of groups that were taught, and how far the teacher is from the policy."""
        return {"taught": self._share, "divergence": self._gap}
