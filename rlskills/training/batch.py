"""One round of RL as a value: groups of rollouts, each with its credit and loss weights by token.

Treatments read and write it (`treatments/`), and nothing in it knows TRL. The only place where it
is padded, and where the dict for TRL's loss is made, is `loss_inputs`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import cycle, groupby, islice
from typing import Any, Literal, TypeAlias

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from ..curricula import Choice, Outcome
from ..environments import Environment, Score, Task

StepSpan: TypeAlias = tuple[int, int, bool]
"""Tokens [start, end) of a worked step, and whether its value is right."""
Value: TypeAlias = float | Sequence[float] | Tensor


@dataclass(eq=False)
class Rollout:
    """One completion of one task. Tensors have one value for each of its T completion tokens."""

    env: Environment
    task: Task
    choice: Choice
    group: int
    """Number of its group in the batch: the rollouts of one task."""
    prompt_ids: list[int]
    ids: list[int]
    """Completion tokens (T): what was sampled, and in episodes what was observed in between."""
    mask: list[int]
    """1 for each token that the policy sampled, 0 for what it observed (T)."""
    text: str
    truncated: bool
    score: Score
    logprobs: list[float] | None = None
    """Log-probabilities with which the tokens were drawn (T), where the engine returns them."""
    turns: int = 1
    origin: Literal["sampled", "added"] = "sampled"
    """`added` by a treatment: no outcome of the curriculum's choice."""
    steps: tuple[StepSpan, ...] = ()
    """Worked steps in tokens, where a treatment needs them and the environment knows them."""
    meta: dict[str, Any] = field(default_factory=dict)
    """Whatever a treatment notes."""

    def __post_init__(self) -> None:
        length = len(self.ids)
        self.reward = math.nan if self.score.failed else self.score.reward
        """What is optimised; NaN where grading failed. `shape` stages change it."""
        self.advantages = torch.zeros(length)
        self.rl_weight = torch.ones(length)
        self.ce_weight = torch.zeros(length)
        self.counted_tokens: int | None = None
        """Of a rollout without a loss: how many tokens it counts for in losses that are means over
        a round (`losses/normaliser.py`); None: it is no part of the round."""

    @property
    def learned(self) -> int:
        """Tokens that enter the policy-gradient loss."""
        return int((torch.tensor(self.mask) * (self.rl_weight != 0)).sum())

    @property
    def sampled(self) -> int:
        """Tokens that the policy sampled."""
        return sum(self.mask)

    @property
    def kept(self) -> bool:
        """Whether any of its tokens enters a loss."""
        return bool(self.rl_weight.any() or self.ce_weight.any())

    def credit(self, advantage: Value) -> None:
        """Set the advantage of every token: one value for all, or one for each."""
        self.advantages = _by_token(advantage, len(self.ids))

    def weigh(self, rl: Value | None = None, ce: Value | None = None) -> None:
        """Set the weights of its tokens in the policy-gradient loss and in the cross-entropy."""
        if rl is not None:
            self.rl_weight = _by_token(rl, len(self.ids))
        if ce is not None:
            self.ce_weight = _by_token(ce, len(self.ids))

    def drop(self) -> None:
        """Leave it out of every loss, and out of what losses are means over."""
        self.weigh(0.0, 0.0)
        self.counted_tokens = None

    def skip(self, tokens: bool = True) -> None:
        """Leave out what would have no gradient; means over rows still count it, and means over
        tokens as well unless it is said otherwise."""
        self.weigh(0.0, 0.0)
        self.counted_tokens = self.sampled if tokens else 0


@dataclass(eq=False)
class RolloutBatch:
    """Rollouts of one round, those of a group next to each other; `step` counts from 0."""

    rollouts: list[Rollout]
    step: int = 0

    def __len__(self) -> int:
        return len(self.rollouts)

    def __iter__(self) -> Iterator[Rollout]:
        return iter(self.rollouts)

    def groups(self, added: bool = False) -> list[list[Rollout]]:
        """The rollouts by task; `added` ones only if asked for."""
        chosen = [r for r in self.rollouts if added or r.origin == "sampled"]
        return [list(group) for _, group in groupby(chosen, key=lambda rollout: rollout.group)]

    def rewards(self) -> Tensor:
        """Rewards of the sampled rollouts (N,), NaN where grading failed."""
        return torch.tensor([float(r.reward) for r in self.rollouts if r.origin == "sampled"])

    def add(self, rollouts: Sequence[Rollout]) -> None:
        """Further rows of a treatment: demonstrations, or samples of another prompt."""
        for rollout in rollouts:
            rollout.origin = "added"
        self.rollouts.extend(rollouts)

    @property
    def kept(self) -> list[Rollout]:
        """Those that enter a loss."""
        return [rollout for rollout in self.rollouts if rollout.kept]

    def outcomes(self) -> list[Outcome]:
        """What a curriculum is shown: one outcome for each group, of the rollouts that were graded.

        Pass rates are of the answer alone, whatever the reward preset.
        """
        found = []
        for group in self.groups():
            graded = [rollout for rollout in group if not rollout.score.failed]
            right = tuple(rollout.score.parts["answer"] for rollout in graded)
            rewards = tuple(rollout.score.reward for rollout in graded)
            features = group[0].meta.get("features")
            found.append(
                Outcome(group[0].choice, right, self.step, rewards=rewards, features=features)
            )
        return found


def graded_whole(group: Sequence[Rollout]) -> bool:
    """Whether every rollout of a group could be graded."""
    return not any(rollout.score.failed for rollout in group)


def zero_variance(group: Sequence[Rollout]) -> bool:
    """Whether the graded rollouts of a group have all the same reward: then none is better."""
    return len({rollout.reward for rollout in group if not math.isnan(rollout.reward)}) <= 1


def choose_rows(
    rounds: Sequence[RolloutBatch], limit: int, multiple: int
) -> tuple[list[Rollout], int]:
    """The rows of one update, and how many of them, at the end, only fill up.

    Those that enter a loss come first, in the order in which they were sampled: `limit` sampled
    ones at most, then all that were added. Their number is rounded up to a multiple of `multiple`,
    and is not 0; what fills up is to be given no weight.
    """
    kept = [r for batch in rounds for r in batch.kept if r.origin == "sampled"][:limit]
    kept += [r for batch in rounds for r in batch.kept if r.origin == "added"]
    fillers = max(multiple, -(-len(kept) // multiple) * multiple) - len(kept)
    spare = [r for batch in reversed(rounds) for r in batch.rollouts if not r.kept]
    return kept + list(islice(cycle(spare or kept), fillers)), fillers


def learned_tokens(rows: Sequence[Rollout]) -> tuple[int, int, int]:
    """How many sampled tokens count in the policy gradient, in the cross-entropy, in either."""
    if not rows:
        return 0, 0, 0
    mask = torch.tensor([bool(token) for row in rows for token in row.mask])
    rl = (torch.cat([row.rl_weight for row in rows]) != 0) & mask
    ce = (torch.cat([row.ce_weight for row in rows]) != 0) & mask
    return int(rl.sum()), int(ce.sum()), int((rl | ce).sum())


def loss_inputs(
    rows: Sequence[Rollout], fillers: int, pad: int, device: torch.device | str
) -> dict[str, Tensor]:
    """Tensors for the loss, of B rows: prompts (B, P) padded left, the rest (B, T) right.

    `advantages` are already weighted for the policy gradient. `tool_mask` marks the tokens that
    count in it: what the policy sampled, less what has no weight. The last `fillers` rows are only
    read, so that metrics of the policy are defined where nothing is learned.
    """
    prompts = [torch.tensor(row.prompt_ids) for row in rows]
    last = len(rows) - fillers

    def right(values: Sequence[Tensor], value: float = 0) -> Tensor:
        return pad_sequence(list(values), batch_first=True, padding_value=value).to(device)

    def left(values: Sequence[Tensor], value: float) -> Tensor:
        return pad_sequence(
            list(values), batch_first=True, padding_value=value, padding_side="left"
        ).to(device)

    masks = [torch.tensor(row.mask) for row in rows]
    counted = [m * (r.rl_weight != 0) for r, m in zip(rows[:last], masks, strict=False)]
    off = [torch.zeros(len(row.ids)) for row in rows[last:]]
    rl = [row.rl_weight for row in rows[:last]] + off
    ce = [row.ce_weight for row in rows[:last]] + off
    inputs = {
        "prompt_ids": left(prompts, pad),
        "prompt_mask": left([torch.ones_like(ids) for ids in prompts], 0),
        "completion_ids": right([torch.tensor(row.ids) for row in rows], pad),
        "completion_mask": right([torch.ones_like(mask) for mask in masks]),
        "tool_mask": right(counted + masks[last:]),
        "advantages": right([row.advantages * w for row, w in zip(rows, rl, strict=True)]),
    }
    if any(bool(w.any()) for w in ce):
        inputs["ce_weight"] = right([w * m for w, m in zip(ce, masks, strict=True)])
    return inputs


def _by_token(value: Value, length: int) -> Tensor:
    found = torch.as_tensor(value, dtype=torch.float32)
    if found.dim() == 0:
        return found.expand(length).clone()
    if found.shape != (length,):
        raise ValueError(f"{tuple(found.shape)} values for {length} tokens")
    return found.clone()
