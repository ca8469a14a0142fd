"""Supervised weights and preferences: numbers worked out by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import exp, log
from typing import Any

import pytest
import torch
from torch import Tensor

from rlskills.errors import UserError
from rlskills.training.batch import Rollout, RolloutBatch
from rlskills.training.treatments import Treatment, make_treatment
from rlskills.training.treatments.dco import confidence_weight
from rlskills.training.treatments.dpo import pairs, preference

from ..made import batch, rollout
from .test_contract import Extra

STAGES = ("shape", "credit", "select", "adapt")


class Told(Extra):
    """Knows the log-probability of each token of rows: by the policy, and by what it began as."""

    def __init__(
        self,
        policy: Mapping[Rollout, float] | None = None,
        start: Mapping[Rollout, float] | None = None,
        shown: Sequence[Rollout] = (),
    ) -> None:
        self.policy, self.start, self.shown = policy or {}, start or {}, shown
        self.asked: list[str] = []

    def logprobs(self, rows: Any, model: str = "") -> list[Tensor]:
        self.asked.append(model)
        known = self.start if model else self.policy
        return [torch.full((len(row.ids),), known.get(row, -1.0) / len(row.ids)) for row in rows]

    def demonstrate(self, like: Any) -> list[Rollout]:
        for row in self.shown:
            row.drop()
        groups = {row.group for row in like}
        return [row for row in self.shown if row.group in groups]


def run(treatments: Sequence[Treatment], made: RolloutBatch, sampler: Any) -> RolloutBatch:
    for treatment in treatments:
        treatment.augment(made, sampler)
    for stage in STAGES:
        for treatment in treatments:
            getattr(treatment, stage)(made)
    return made


@pytest.mark.parametrize(
    ("p", "weight", "loss"),
    [
        (1e-6, 0.999996, None),
        (0.01, 0.965179, 2.5606),
        (0.125, 0.598265, 0.421),
        (0.5, 0.031373, 0.0039),
        (0.9, 1e-6, None),
    ],
)
def test_confident_rows_weigh_less(p: float, weight: float, loss: float | None):
    assert confidence_weight(8, log(p)) == pytest.approx(weight, abs=1e-6)
    likely = torch.tensor(log(p), dtype=torch.float64, requires_grad=True)
    value = -torch.log(1 - (1 - likely.exp()) ** 8)
    value.backward()
    assert likely.grad is not None
    # d loss / d log p, and -1 for the cross-entropy.
    assert -likely.grad.item() == pytest.approx(confidence_weight(8, log(p)), rel=1e-6)
    if loss is not None:
        assert value.item() == pytest.approx(loss, abs=1e-4)


def test_weights_at_both_ends():
    assert confidence_weight(8, 0.0) == 0
    assert confidence_weight(8, -1e-18) == pytest.approx(0, abs=1e-100)
    assert confidence_weight(8, -700.0) == pytest.approx(1)
    assert confidence_weight(8, -1e9) == 1
    assert [confidence_weight(1, x) for x in (0.0, -1.0, -99.0)] == [1, 1, 1]
    p = 0.005
    series = (1 - 7 * p + 21 * p**2) / (1 - 3.5 * p + 7 * p**2)
    assert series == pytest.approx(0.982548, abs=1e-6)
    assert confidence_weight(8, log(p)) == pytest.approx(0.982544, abs=1e-6)


def test_right_rows_weigh_by_their_group():
    made = batch([1, 0, 0, 0, 0, 0, 0, 0], [1, 1], [0, 0], [1, 0, None])
    run([make_treatment("rft"), make_treatment("dco?n=8")], made, Told())
    weights = [row.rl_weight[0].item() for row in made]
    assert weights[0] == pytest.approx(0.598265, abs=1e-6)
    assert weights[1:12] == [0] * 11
    assert weights[12] == pytest.approx(0.031373, abs=1e-6)


def test_demonstrations_weigh_by_their_probability():
    made = batch([0, 0], [1, 0])
    shown = [rollout(0, 1.0, 4), rollout(1, 1.0, 4)]
    for row in shown:
        row.weigh(0.0, 2.0)
    shown[1].mask = [0, 0, 1, 1]
    made.add(shown)
    treatment = make_treatment("dco?n=8")
    run([treatment], made, Told({shown[0]: log(0.125), shown[1]: 2 * log(0.5)}))
    assert shown[0].ce_weight.tolist() == pytest.approx([2 * 0.598265] * 4, abs=1e-5)
    assert shown[1].ce_weight.tolist() == pytest.approx([2 * 0.031373] * 4, abs=1e-5)
    weights = [0.598265, confidence_weight(8, log(0.5)), 0.031373]
    assert treatment.metrics()["weight"] == pytest.approx(sum(weights) / 3, abs=1e-5)


def test_a_preference_and_its_loss():
    weight, loss = preference(0.1, (-4 - -5) - (-6 - -5))
    assert loss == pytest.approx(0.5981, abs=1e-4)
    assert weight == pytest.approx(0.045, abs=1e-4)
    assert preference(0.1, 0.0) == pytest.approx((0.05, 0.6931), abs=1e-4)
    assert preference(0.1, (-4 + 5) / 4 - (-6 + 5) / 3)[1] == pytest.approx(0.6644, abs=1e-4)
    assert preference(1.0, 1e6) == (0, 0)
    assert preference(1.0, -1e6) == pytest.approx((1, 1e6))


def texts(*groups: Sequence[tuple[float | None, Sequence[int]]]) -> RolloutBatch:
    """Rows of these rewards and tokens."""
    rows = []
    for number, group in enumerate(groups):
        for reward, ids in group:
            row = rollout(number, reward, len(ids))
            row.ids = list(ids)
            rows.append(row)
    return RolloutBatch(rows)


def test_dpo_weights_a_pair_by_its_margin():
    made = texts([(1, [1, 2, 3, 4]), (0, [1, 2, 5])])
    right, wrong = made.rollouts
    treatment = make_treatment("dpo?beta=0.1")
    sampler = Told({right: -4.0, wrong: -6.0}, {right: -5.0, wrong: -5.0})
    run([treatment], made, sampler)
    # 7 tokens of one pair, so that a mean over tokens is the pair's loss.
    assert right.advantages.tolist() == pytest.approx([7 * 0.045017] * 4, abs=1e-4)
    assert wrong.advantages.tolist() == pytest.approx([-7 * 0.045017] * 3, abs=1e-4)
    found = treatment.metrics()
    assert found == pytest.approx({"pairs": 1, "loss": 0.5981, "margin": 2, "preferred": 1}, 1e-4)
    run([make_treatment("dpo?mean=true&length_gap=1")], made, sampler)
    weight = 0.1 / (1 + exp(0.1 * (1 / 4 + 1 / 3)))
    assert right.advantages.tolist() == pytest.approx([7 * weight / 4] * 4)
    assert wrong.advantages.tolist() == pytest.approx([-7 * weight / 3] * 3)


def test_the_gradient_is_that_of_the_mean_loss():
    """A mean over tokens of advantage times log-probability, against the loss itself."""
    made = texts([(1, [1, 2, 3, 4]), (0, [1, 2, 5]), (0, [1, 2, 5, 6])], [(0, [7, 8]), (1, [7, 9])])
    rows, treatment = made.rollouts, make_treatment("dpo?beta=0.5")
    sums = torch.tensor([-4.0, -6.0, -3.0, -2.0, -1.0], requires_grad=True)
    start = [-5.0, -5.0, -3.5, -1.0, -2.0]
    policy = dict(zip(rows, sums.tolist(), strict=True))
    run([treatment], made, Told(policy, dict(zip(rows, start, strict=True))))
    ratios = sums - torch.tensor(start)
    # Which rows are paired: those with most tokens in common, here the first two by their tokens.
    margins = torch.stack([ratios[0] - ratios[1], ratios[4] - ratios[3]])
    (-torch.nn.functional.logsigmoid(0.5 * margins)).mean().backward()
    assert sums.grad is not None
    tokens = sum(row.learned for row in made)
    assert [row.kept for row in rows] == [True, True, False, True, True]
    for row, expected in zip(rows, sums.grad.tolist(), strict=True):
        mine = row.advantages[0].item() / tokens if row.kept else 0.0
        assert -mine == pytest.approx(expected, abs=1e-6)


def test_the_round_as_reference_reads_nothing():
    made, sampler = texts([(1, [1, 2]), (0, [1, 3])]), Told()
    treatment = make_treatment("dpo?reference=round")
    run([treatment], made, sampler)
    assert sampler.asked == []
    assert [row.advantages[0].item() for row in made] == pytest.approx([4 * 0.05, -4 * 0.05])
    assert treatment.metrics()["loss"] == pytest.approx(0.6931, abs=1e-4)


def test_pairs_share_a_beginning_are_of_like_length_and_use_no_row_twice():
    group = texts(
        [(1, [1, 2, 3]), (1, [4, 5, 6]), (0, [4, 5, 7]), (0, [1, 9, 9]), (0, [1, 2, 3, 4, 5, 6])]
    ).rollouts
    found = {(group.index(a), group.index(b)) for a, b in pairs(group, 0.3)}
    assert found == {(1, 2), (0, 3)}
    found = {(group.index(a), group.index(b)) for a, b in pairs(group, 1.0)}
    assert found == {(1, 2), (0, 4)}
    turned = group[::-1]
    assert set(pairs(turned, 0.3)) == set(pairs(group, 0.3))


def test_groups_without_a_pair_are_left_out():
    made = texts(
        [(1, [1]), (1, [2])],
        [(0, [1]), (0, [2])],
        [(1, [1])],
        [(1, [1]), (0, [2]), (None, [3])],
        [(1, [1]), (0, [1])],
        [(1, [1]), (0, [2])],
    )
    made.rollouts[-1].truncated = True
    treatment = make_treatment("dpo")
    run([treatment], made, Told())
    assert not made.kept
    assert treatment.metrics() == {"pairs": 0, "loss": 0, "margin": 0, "preferred": 0}
    made.rollouts[-1].steps = ((0, 1, False),)
    made.rollouts[-2].weigh(rl=1.0)
    made.rollouts[-1].weigh(rl=1.0)
    run([treatment], made, Told())
    assert [row.kept for row in made][-2:] == [True, True]


def stepped(reached: int, ids: Sequence[int], right: bool | None = None, **more: Any) -> Rollout:
    """A row of steps of two tokens, so many of them right, one wrong behind them if not all are."""
    steps = [(2 * s, 2 * s + 2, True) for s in range(reached)]
    steps += [(2 * reached, 2 * reached + 2, False)] * (reached < 3)
    done = reached == 3 if right is None else right
    row = rollout(0, float(done), len(ids), done, steps=tuple(steps), **more)
    row.ids = list(ids)
    return row


def test_a_first_wrong_step_against_a_siblings_right_one():
    good = stepped(3, [1, 1, 2, 2, 3, 3, 9])
    bad = stepped(1, [1, 1, 2, 5, 9, 9, 9])
    made = RolloutBatch([good, bad])
    sampler = Told({good: -7 * 2.0, bad: -7 * 3.0}, {good: -7 * 2.5, bad: -7 * 2.5})
    treatment = make_treatment("step_dpo?beta=0.1")
    run([treatment], made, sampler)
    # Each step's log ratio is half a nat a token, times two tokens, either way.
    weight = preference(0.1, 2.0)[0] * 4
    assert weight == pytest.approx(4 * 0.045, abs=1e-3)
    assert good.advantages.tolist() == pytest.approx([0, 0, weight, weight, 0, 0, 0])
    assert bad.advantages.tolist() == pytest.approx([0, 0, -weight, -weight, 0, 0, 0])
    assert good.rl_weight.tolist() == bad.rl_weight.tolist() == [0, 0, 1, 1, 0, 0, 0]
    expected = {"pairs": 1, "loss": 0.5981, "shown": 0, "margin": 2}
    assert treatment.metrics() == pytest.approx(expected, 1e-4)


def test_a_step_that_nobody_has_right_is_shown():
    rows = [stepped(1, [1, 1, 2, 5, 9]), stepped(1, [1, 1, 4, 4, 9]), stepped(0, [7, 7, 9, 9, 9])]
    solution = stepped(3, [1, 1, 2, 2, 3, 3, 9])
    made, treatment = RolloutBatch(rows), make_treatment("step_dpo?reference=round")
    run([treatment], made, Told(shown=[solution]))
    assert made.rollouts[-1] is solution
    assert solution.origin == "added"
    # Five tokens of two steps shown or wrong, two more of the sibling's first step: 10 in all.
    size = 0.05 * (2 + 2 + 2 + 2 + 2) / 3
    assert solution.advantages.tolist() == pytest.approx([0, 0, 2 * size, 2 * size, 0, 0, 0])
    assert solution.rl_weight.tolist() == [0, 0, 1, 1, 0, 0, 0]
    assert not solution.ce_weight.any()
    chosen = next(row for row in rows[:2] if row.advantages[0])
    assert chosen.advantages.tolist() == pytest.approx([size, size, -size, -size, 0])
    assert rows[2].advantages.tolist() == pytest.approx([-size, -size, 0, 0, 0])
    assert treatment.metrics()["shown"] == pytest.approx(2 / 3)


def test_without_a_wrong_step_or_a_right_one_there_is_no_pair():
    made = RolloutBatch(
        [
            stepped(3, [1] * 7),
            stepped(1, [1, 1, 2, 2, 3, 3, 9], right=True),
            rollout(0, 0.0, 7),
            stepped(3, [1, 1, 2, 2, 3, 3, 8], right=False),
            _cut(),
        ]
    )
    treatment = make_treatment("step_dpo")
    run([treatment], made, Told())
    assert not made.kept
    alone = RolloutBatch([stepped(0, [1, 2, 3])])
    run([treatment], alone, Extra())  # a solution whose steps are not known
    assert not alone.kept
    assert len(alone) == 1
    failed = RolloutBatch([stepped(3, [1] * 7), stepped(0, [2] * 7), rollout(0, None, 7)])
    run([treatment], failed, Told())
    assert not failed.kept


def _cut() -> Rollout:
    """Cut off after a right step."""
    row = rollout(0, 0.0, 4, steps=((0, 2, True),))
    row.truncated = True
    return row


def test_siblings_with_the_same_beginning_are_chosen_first_then_those_least_used():
    one, two = stepped(3, [1, 1, 2, 2, 3, 3]), stepped(3, [1, 8, 2, 2, 3, 3])
    rows = [stepped(1, [1, 8, 2, 5]), stepped(0, [5, 5, 5, 5]), stepped(0, [6, 6, 6, 6])]
    made = RolloutBatch([one, two, *rows])
    run([make_treatment("step_dpo?reference=round")], made, Told())
    assert not one.rl_weight[2:4].any()
    assert two.rl_weight[2:4].all()
    # For both first steps all begin alike: one each.
    assert one.rl_weight[:2].all()
    assert not two.rl_weight[:2].any() or one.advantages[0] == two.advantages[0]


@pytest.mark.parametrize(
    "spec",
    ["dco?n=0", "dco?n=1.5", "dpo?beta=0", "dpo?beta=nan", "dpo?length_gap=-1", "dpo?length_gap=2",
     "dpo?reference=other", "step_dpo?beta=-1", "step_dpo?beta=nan"],
)  # fmt: skip
def test_options_out_of_range_are_refused(spec: str):
    with pytest.raises(UserError, match=spec.split("?")[0]):
        make_treatment(spec)
