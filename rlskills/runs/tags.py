"""Every tag of `metrics.jsonl` and TensorBoard: written and parsed by these names alone.

train/...                     what training measures at every update
train/L<level>/accuracy       accuracy of rollouts by level; train/skill/<skill>/accuracy by skill
eval/<group>/L<level>/greedy  greedy accuracy on an eval set, while training
final/<group>/L<level>        greedy accuracy on the whole eval set at the end
failures/<kind>/<group>/L<level>  share of greedy answers that fail in one way, at the end
curriculum/...                what the curriculum does, the same numbers for every method
curriculum/method/<name>      a method's own numbers
by_<budget>/<tag>             the curve of a tag, with the budget as its step
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TypeAlias

from .budget import BUDGETS

Address: TypeAlias = tuple[str, int]
"""(group, level) of an eval set."""

TRAIN, CURRICULUM, METHOD = "train/", "curriculum/", "curriculum/method/"

LOSS = "train/loss"
GRAD_NORM = "train/grad_norm"
LEARNING_RATE = "train/learning_rate"
ENTROPY = "train/entropy"
KL = "train/kl"
REWARD = "train/reward"
REWARD_STD = "train/reward_std"
RESPONSE_LENGTH = "train/response_length"
TRUNCATED = "train/truncated"
TOKEN_ACCURACY = "train/token_accuracy"
ACCURACY = "train/accuracy"
TURNS = "train/turns"
LEARNED_ROWS = "train/learned_rows"
PARSE_FAILURES = "train/parse_failures"
GRADER_FAILURES = "train/grader_failures"
ZERO_VARIANCE = "train/zero_variance_groups"
"""Share of groups whose rewards are all alike."""
SAMPLES = "train/samples"
"""Rollouts in TensorBoard's text tab."""

SHARE_ZERO_VARIANCE = "curriculum/share/zero_variance"
SHARE_MASTERED = "curriculum/share/mastered"
SHARE_OUT_OF_REACH = "curriculum/share/out_of_reach"

MISTAKES = ("ignores composition", "wrong composition", "incomplete trace", "atomic error")
"""Kinds of wrong answers that have charts, of those in `evaluation.measures.failures`."""

MUST_BE_FINITE = frozenset((LOSS, GRAD_NORM))
"""Once one of these is NaN or infinite, the run is beyond repair."""


def train_accuracy(*, level: int | None = None, skill: str | None = None) -> str:
    """Accuracy of rollouts: of all, of one level, or of one skill."""
    if level is not None:
        return f"{TRAIN}L{level}/accuracy"
    return ACCURACY if skill is None else f"{TRAIN}skill/{skill}/accuracy"


def eval_greedy(address: Address) -> str:
    """Greedy accuracy on an eval set."""
    return f"eval/{address[0]}/L{address[1]}/greedy"


def final(address: Address) -> str:
    """Greedy accuracy at the end."""
    return f"final/{address[0]}/L{address[1]}"


def failures(kind: str, address: Address) -> str:
    """The share of one kind of wrong answers at the end, such as `atomic error`."""
    return f"failures/{kind.replace(' ', '_')}/{address[0]}/L{address[1]}"


def curriculum(name: str) -> str:
    """A number that every curriculum has, e.g. `probability/L1`."""
    return CURRICULUM + name


def method(name: str) -> str:
    """A number of one curriculum method, e.g. `target`."""
    return METHOD + name


def by_budget(budget: str, tag: str) -> str:
    """The curve of `tag` with a budget as its step."""
    return f"by_{budget}/{tag}"


def _parser(tag: Callable[[Address], str]) -> Callable[[str], Address | None]:
    # A level that no environment has marks where the number stands.
    pattern = re.compile(re.escape(tag(("<group>", -1))).replace("<group>", "(.+)")
                         .replace(r"\-1", r"(\d+)"))  # fmt: skip

    def parse(text: str) -> Address | None:
        match = pattern.fullmatch(text)
        return (match[1], int(match[2])) if match else None

    return parse


parse_eval_greedy = _parser(eval_greedy)
parse_final = _parser(final)


def parse_by_budget(tag: str) -> tuple[str, str] | None:
    """(budget, tag) of a curve by budget, None for any other tag."""
    for budget in BUDGETS:
        prefix = by_budget(budget, "")
        if tag.startswith(prefix):
            return budget, tag.removeprefix(prefix)
    return None


def spans(levels: Sequence[int]) -> str:
    """Levels in short: `L1-L3, L5`."""
    runs: list[list[int]] = []
    for level in sorted(levels):
        if runs and level == runs[-1][-1] + 1:
            runs[-1].append(level)
        else:
            runs.append([level])
    return ", ".join(f"L{r[0]}-L{r[-1]}" if len(r) > 1 else f"L{r[0]}" for r in runs)
