"""What becomes of groups that fail: demonstrations, further rollouts with help, own solutions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from rlskills.environments import StepScore
from rlskills.errors import UserError
from rlskills.training.batch import Rollout, RolloutBatch
from rlskills.training.losses.cross_entropy import weighted_cross_entropy
from rlskills.training.treatments import make_treatment, treatment_specs
from rlskills.training.treatments.failing import failed_groups, with_help
from rlskills.training.treatments.guide import shaped
from rlskills.training.treatments.testing import Chain

from ..made import batch, first, rollout
from .test_contract import Extra

WHOLE = (StepScore(0, 2, True), StepScore(3, 5, True), StepScore(6, 8, True))
BROKEN = (*WHOLE[:2], StepScore(6, 8, False))


class Helper(Extra):
    """Samples rollouts of these rewards for each group; log-probabilities by whether prompts help.

    It notes what it was asked for. `drawn` has rows say how likely their tokens were drawn.
    """

    def __init__(self, *rewards: float | None, length: int = 2, drawn: bool = False) -> None:
        self.rewards, self.length, self.drawn = rewards, length, drawn
        self.begun: list[str] = []
        self.prompts: list[Any] = []
        self.helped: set[int] = set()
        self.plain = torch.tensor([-2.0, -0.5])
        self.shown = torch.tensor([-0.2, -0.4])
        self.sampled: list[Rollout] = []

    def sample(
        self, like: Any, prompts: Any, n: int, begun: Any = (), temperature: Any = None
    ) -> list[Rollout]:
        self.begun, self.prompts = list(begun), list(prompts)
        wanted = self.rewards or (0.0,)
        rows = []
        for row in like:
            for i in range(n):
                made = rollout(row.group, wanted[i % len(wanted)], self.length, steps=())
                made.mask = [0, 1] if any(begun) else [1] * self.length
                made.logprobs = [-0.3] * self.length if self.drawn else None
                rows.append(made)
        self.helped = set() if any(begun) else {id(row) for row in rows}
        self.sampled = rows
        return rows

    def ask_plainly(self, rows: Any) -> None:
        self.helped -= {id(row) for row in rows}

    def logprobs(self, rows: Any, model: str = "") -> list[torch.Tensor]:
        return [self.shown if id(row) in self.helped else self.plain for row in rows]


def arm(specs: Sequence[str], made: RolloutBatch, sampler: Any) -> list[Any]:
    treatments = [make_treatment(spec) for spec in treatment_specs(specs)]
    for treatment in treatments:
        treatment.augment(made, sampler)
    for stage in ("shape", "credit", "select", "adapt"):
        for treatment in treatments:
            getattr(treatment, stage)(made)
    return treatments


def of_eight(*right: int) -> RolloutBatch:
    return batch(*([1.0] * k + [0.0] * (8 - k) for k in right))


def added(made: RolloutBatch) -> list[Rollout]:
    return [row for row in made if row.origin == "added"]


# Which groups fail, and with what help.


def test_a_group_fails_if_what_was_graded_is_all_wrong():
    made = batch([0, 0], [0, None], [None, None], [1, 0], [1, 1], [0.5, 0])
    assert [group[0].group for group in failed_groups(made)] == [0, 1, 5]


def test_help_is_shown_in_the_prompt_or_begins_the_reply():
    row = rollout(0, 0.0)
    assert with_help(row, "definitions") is None
    assert with_help(row, "steps", 2) == (row.task.messages, "s1;s2;")
    assert with_help(row, "steps", 9) == (row.task.messages, "s1;s2;")
    messages, begun = with_help(row, "answer") or ((), "")
    assert begun == ""
    assert list(messages)[-1]["content"].startswith("problem 0")
    assert "(The answer is x.)" in list(messages)[-1]["content"]


def test_tasks_of_several_turns_are_left_alone():
    class Turns(Chain):
        def start(self, task: Any) -> Any:
            return super().start(task)

    row = rollout(0, 0.0)
    row.env = Turns()
    assert with_help(row, "steps") is None
    assert with_help(row, "answer") is None


# hpt


@pytest.mark.parametrize(
    ("gate", "right", "shown"), [(0, 0, 1), (0, 1, 0), (0.25, 2, 1), (0.25, 3, 0), (1, 8, 1)]
)
def test_hpt_shows_a_demonstration_up_to_its_gate(gate: float, right: int, shown: int):
    made = of_eight(right)
    arm(["grpo?scale=none", f"hpt?gate={gate}"], made, Extra())
    assert len(added(made)) == shown
    sampled = made.rollouts[:8]
    assert any(row.has_gradient for row in sampled) == (not shown)
    if (gate, right) == (0.25, 3):
        assert first(RolloutBatch(sampled)) == pytest.approx([0.625] * 3 + [-0.375] * 5)


def test_hpt_demonstrations_have_a_weighted_mean_as_their_loss():
    made = batch([0, 0])
    arm(["hpt?weight=0.3"], made, Extra())
    (row,) = added(made)
    assert not row.has_gradient
    assert row.ce_weight.tolist() == pytest.approx([0.3, 0.3])
    logprobs = torch.tensor([-0.1, -0.5, -1.2])
    weights = torch.full((3,), row.ce_weight[0].item())
    assert weighted_cross_entropy(logprobs, weights, torch.tensor(3.0)).item() == pytest.approx(
        0.18
    )
    assert weighted_cross_entropy(logprobs, torch.ones(3), torch.tensor(3.0)).item() == (
        pytest.approx(0.6)
    )


def test_hpt_logs_how_much_it_replaces():
    *_, hpt = arm(["hpt"], of_eight(0, 3, 8, 0, 1), Extra())
    assert hpt.metrics() == pytest.approx({"replaced": 0.4, "demonstrations": 2 / 26})
    *_, hpt = arm(["hpt"], batch([None, None]), Extra())
    assert hpt.metrics() == {"replaced": 0.0, "demonstrations": 0.0}


def test_hpt_counts_what_was_graded_and_replaced_rows_count_in_means():
    made = batch([1, 0, None], [0], [None])
    arm(["grpo?zero_variance=keep", "hpt?gate=0.5"], made, Extra())
    assert [row.group for row in added(made)] == [0, 1]
    assert [row.counted_tokens for row in made.rollouts[:4]] == [3] * 4
    assert made.rollouts[4].counted_tokens is None


# guide


def test_guide_without_help_in_the_prompt_has_no_ratio():
    made = of_eight(0, 3)
    helper = Helper(1, 1, 0, 0)
    *_, guide = arm(["guide?rollouts=4"], made, helper)
    assert helper.begun == ["s1;"]
    assert helper.prompts == [made.rollouts[0].task.messages]
    rows = added(made)
    assert [row.advantages[1].item() for row in rows] == pytest.approx(
        [0.866, 0.866, -0.866, -0.866], abs=2e-4
    )
    assert [row.learned for row in rows] == [1] * 4  # not what was given
    assert guide.metrics() == {"helped": 0.5, "rescued": 0.5, "right": 0.5}
    assert not any(row.has_gradient for row in made.rollouts[:8])


def test_guide_shapes_the_ratio_of_plain_and_helped_prompts():
    plain, shown = torch.tensor([-2.0, -0.5]), torch.tensor([-0.2, -0.4])
    (weights,) = shaped([plain - shown], [[1, 1]])
    assert weights.tolist() == pytest.approx([0.1384, 0.2495], abs=1e-4)
    (alone,) = shaped([torch.tensor([-1.8, -0.1, 3.0])], [[1, 1, 0]])
    assert alone[:2].tolist() == pytest.approx([0.1384, 0.2495], abs=1e-4)
    assert shaped([torch.zeros(1)], [[0]])[0].isfinite().all()
    assert shaped([torch.tensor([500.0, -500.0])], [[1, 1]])[0].isfinite().all()


@given(st.lists(st.floats(-30, 30), min_size=1, max_size=6))
def test_the_weight_is_the_derivative_of_the_shaped_ratio(logs: list[float]):
    ratio = torch.tensor(logs, dtype=torch.double, requires_grad=True)
    (weights,) = shaped([ratio.detach()], [[1] * len(logs)])
    g = max(float(ratio.detach().exp().quantile(0.9)), 1e-4)
    (ratio.exp() / (ratio.exp() + g)).sum().backward()
    assert ratio.grad is not None
    assert weights.tolist() == pytest.approx(ratio.grad.tolist(), rel=1e-4, abs=1e-6)


def test_guide_learns_helped_rollouts_behind_the_plain_prompt():
    made = of_eight(0)
    helper = Helper(1, 1, 0, 0, drawn=True)
    arm(["guide?hint=answer&rollouts=4"], made, helper)
    assert "(The answer is x.)" in helper.prompts[0][-1]["content"]
    assert not helper.helped  # all were put behind the plain prompt
    rows = added(made)
    # Of the ratios .1653 and .9048, four times each, the 90th percentile is .9048.
    unit = 0.866 * torch.tensor([0.1653 * 0.9048 / 1.0701**2, 0.25])
    for row, sign in zip(rows, (1, 1, -1, -1), strict=True):
        assert row.advantages.tolist() == pytest.approx((sign * unit).tolist(), abs=2e-4)
        # What the trainer corrects for is what drew the tokens, not the prompt.
        assert row.logprobs == pytest.approx([-0.3 - 1.8, -0.3 - 0.1])


@pytest.mark.parametrize("rewards", [(1, 1), (0, 0), (1, None), (None, None)])
def test_guide_leaves_alone_what_help_does_not_divide(rewards: tuple[Any, ...]):
    made = batch([0, 0], [1, 0])
    *_, guide = arm(["guide"], made, Helper(*rewards))
    assert not added(made)
    assert guide.metrics()["rescued"] == 0


def test_guide_leaves_ungraded_helped_rollouts_out():
    made = batch([0, 0, 0])
    arm(["guide"], made, Helper(1, 0, None))
    assert [row.score.correct for row in added(made)] == [True, False]
    assert [row.advantages[0].item() for row in added(made)] == pytest.approx(
        [0.7070, -0.7070], abs=1e-3
    )


def test_guide_leaves_tasks_without_help_alone():
    made = batch([0, 0])
    helper = Helper(1, 0)
    *_, guide = arm(["guide?hint=definitions"], made, helper)
    assert not helper.sampled
    assert guide.metrics()["helped"] == 0


def test_another_credit_does_not_reach_helped_rollouts():
    made = batch([0, 0])
    arm(["guide", "rft"], made, Helper(1, 0))
    assert [row.advantages[1].item() > 0 for row in added(made)] == [True, False]


# star


def ten_problems() -> RolloutBatch:
    return batch(*[[1.0]] * 4, *[[0.0]] * 6)


class Third(Helper):
    """Help leads to the right answer for the first three groups only."""

    def sample(self, like: Any, *more: Any, **named: Any) -> list[Rollout]:
        rows = super().sample(like, *more, **named)
        return [r if i < 3 else rollout(r.group, 0.0, 2) for i, r in enumerate(rows)]


def test_star_keeps_own_right_answers_and_those_found_with_help():
    made, helper = ten_problems(), Third(1)
    *_, star = arm(["star?only_whole=false"], made, helper)
    kept = made.kept
    assert len(kept) == 7
    assert not helper.helped & {id(row) for row in kept}  # none with help in its prompt
    assert [row.has_gradient for row in kept] == [True] * 4 + [False] * 3
    assert star.metrics() == {"helped": 0.6, "rationalised": 0.3}


def test_star_weighs_tokens_alike_with_and_without_help():
    made = ten_problems()
    arm(["star?only_whole=false"], made, Third(1))
    own, helped = 4 * 3, 3 * 2
    for row in made.kept:
        if row.origin == "sampled":
            # A mean over the tokens of its part, times the share of the part: one mean of all.
            assert (row.advantages * row.rl_weight).tolist() == pytest.approx([own / 18] * 3)
        else:
            assert row.ce_weight.tolist() == pytest.approx([helped / 18] * 2)
    made = ten_problems()
    arm(["star?only_whole=false&weight=0.5"], made, Third(1))
    assert added(made)[0].ce_weight[0].item() == pytest.approx(0.5 * helped / 18)
    alone = batch([1.0, 0.0])
    arm(["star"], alone, Third(1))
    assert (alone.rollouts[0].advantages * alone.rollouts[0].rl_weight).tolist() == [1.0] * 3
    assert not alone.rollouts[1].kept


@pytest.mark.parametrize(("steps", "kept"), [(WHOLE, 1), (BROKEN, 0), (WHOLE[:2], 0), ((), 0)])
def test_star_wants_all_steps_right_of_what_saw_the_answer(steps: Any, kept: int):
    class Working(Helper):
        def sample(self, *given: Any, **named: Any) -> list[Rollout]:
            rows = super().sample(*given, **named)
            for row in rows:
                row.score = replace(row.score, steps=steps)
            return rows

    made = batch([0, 0])
    arm(["star"], made, Working(1))
    assert len(added(made)) == kept


def test_star_learns_a_begun_solution_from_its_first_token():
    made, helper = batch([0, 0], [1, 1]), Helper(1, 0, None)
    arm(["star?hint=steps&tries=3&only_whole=false"], made, helper)
    assert helper.begun == ["s1;"]
    (row,) = added(made)
    assert row.mask == [1, 1]
    assert bool(row.ce_weight.all())
    assert [row.has_gradient for row in made.rollouts[:4]] == [False, False, True, True]


def test_star_leaves_ungraded_rollouts_out():
    made = batch([None, 1], [None])
    arm(["star"], made, Helper(1))
    assert [row.kept for row in made] == [False, True, False]


@pytest.mark.parametrize(
    "spec",
    ["hpt?gate=-0.1", "hpt?gate=1.5", "hpt?gate=nan", "hpt?weight=0", "hpt?weight=nan",
     "guide?steps=0", "guide?rollouts=1", "guide?rollouts=-2", "guide?hint=luck",
     "star?tries=0", "star?steps=0", "star?weight=-1", "star?weight=nan", "star?hint=definitions"],
)  # fmt: skip
def test_options_out_of_range_are_refused(spec: str):
    with pytest.raises(UserError, match=spec.partition("?")[0]):
        make_treatment(spec)


@pytest.mark.parametrize("other", ["guide", "star", "self_distillation"])
def test_only_one_deals_with_groups_that_fail(other: str):
    with pytest.raises(UserError, match="each deals with groups that fail"):
        treatment_specs(["hpt", other])
