"""One round of RL as a value: groups of rollouts, each with its credit and loss weights by token.

Treatments read and write it (`treatments/`), and nothing in it knows TRL. The only place where it
is padded, and where the dict for TRL's loss is made, is `loss_inputs`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import cycle, groupby, islice
from typing import Any, ClassVar, Literal, TypeAlias

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from ..curricula import Choice, Outcome
from ..environments import Environment, Score, Task
from .by_token import ByToken, Value

StepSpan: TypeAlias = tuple[int, int, bool]
"""Tokens [start, end) of a worked step, and whether its value is right."""


@dataclass(eq=False)
class Rollout:
    """One completion of one task. Tensors have one value for each of its T completion tokens."""

    advantages: ClassVar[ByToken] = ByToken()
    rl_weight: ClassVar[ByToken] = ByToken()
    """Of the policy-gradient loss."""
    ce_weight: ClassVar[ByToken] = ByToken()
    """Of the cross-entropy."""
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
    value_starts: tuple[int, ...] = ()
    """The token with which the value of each step begins; what is before it names the call."""
    meta: dict[str, Any] = field(default_factory=dict)
    """Whatever a treatment notes."""

    def __post_init__(self) -> None:
        self.reward = math.nan if self.score.failed else self.score.reward
        """What is optimised; NaN where grading failed. `shape` stages change it."""
        self.advantages, self.rl_weight, self.ce_weight = 0.0, 1.0, 0.0
        self.counted_tokens: int | None = None
        """Of a rollout without a loss: how many tokens it counts for in losses that are means over
        a round (`losses/normaliser.py`); None: it is no part of the round."""

    @property
    def learned(self) -> int:
        """Tokens that enter the policy-gradient loss."""
        return learned_tokens([self])[0]

    @property
    def sampled(self) -> int:
        """Tokens that the policy sampled."""
        return sum(self.mask)

    @property
    def kept(self) -> bool:
        """Whether any of its tokens enters a loss."""
        return self.has_gradient or Rollout.ce_weight.any(self)

    @property
    def has_gradient(self) -> bool:
        """Whether any of its tokens enters the policy-gradient loss."""
        return Rollout.rl_weight.any(self)

    def credit(self, advantage: Value) -> None:
        """Set the advantage of every token: one value for all, or one for each."""
        self.advantages = advantage

    def weigh(self, rl: Value | None = None, ce: Value | None = None) -> None:
        """Set the weights of its tokens in the policy-gradient loss and in the cross-entropy."""
        if rl is not None:
            self.rl_weight = rl
        if ce is not None:
            self.ce_weight = ce

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


def graded(group: Sequence[Rollout]) -> list[Rollout]:
    """Those whose grading did not fail."""
    return [rollout for rollout in group if not rollout.score.failed]


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
    inside, sampled = _masks(rows)
    rl, ce = (which.padded(rows, inside) != 0 for which in (Rollout.rl_weight, Rollout.ce_weight))
    counts = [int(((one != 0) & (sampled > 0)).sum()) for one in (rl, ce, rl | ce)]
    return counts[0], counts[1], counts[2]


def loss_inputs(
    rows: Sequence[Rollout], fillers: int, pad: int, device: torch.device | str
) -> dict[str, Tensor]:
    """Tensors for the loss, of B rows: prompts (B, P) padded left, the rest (B, T) right.

    `advantages` are already weighted for the policy gradient. `tool_mask` marks the tokens that
    count in it: what the policy sampled, less what has no weight. The last `fillers` rows are only
    read, so that metrics of the policy are defined where nothing is learned.
    """
    prompts = [torch.tensor(row.prompt_ids) for row in rows]
    inside, sampled = _masks(rows)
    last = len(rows) - fillers
    advantages, rl, ce = (
        which.padded(rows, inside)
        for which in (Rollout.advantages, Rollout.rl_weight, Rollout.ce_weight)
    )
    rl[last:], ce[last:] = 0, 0
    counted = sampled * (rl != 0)
    counted[last:] = sampled[last:]

    def left(values: Sequence[Tensor], value: float) -> Tensor:
        return pad_sequence(
            list(values), batch_first=True, padding_value=value, padding_side="left"
        )

    ids = pad_sequence([torch.tensor(row.ids) for row in rows], batch_first=True, padding_value=pad)
    inputs = {
        "prompt_ids": left(prompts, pad),
        "prompt_mask": left([torch.ones_like(ids) for ids in prompts], 0),
        "completion_ids": ids,
        "completion_mask": inside,
        "tool_mask": counted,
        "advantages": advantages * rl,
    }
    if bool(ce.any()):
        inputs["ce_weight"] = ce * sampled
    return {name: value.to(device) for name, value in inputs.items()}


def _masks(rows: Sequence[Rollout]) -> tuple[Tensor, Tensor]:
    """1 for the tokens of each completion (B, T), and 1 for those that the policy sampled."""
    width = max(len(row.ids) for row in rows)
    lengths = torch.tensor([len(row.ids) for row in rows])
    inside = (torch.arange(width) < lengths[:, None]).long()
    sampled = torch.tensor([row.mask + [0] * (width - len(row.mask)) for row in rows])
    return inside, sampled.view(len(rows), width)
