"""Reward presets: named weights over the parts of a score.

Parts every environment has: `answer` (0 to 1, from `verify`), `format` (1 when an answer was
found) and `malformed` (1 when none was, or the completion was cut off).
"""

from __future__ import annotations

from collections.abc import Mapping

from ..errors import UnknownName

REWARDS: dict[str, dict[str, float]] = {
    "binary": {"answer": 1.0},
    # The paper's release: right 1, wrong 0, unreadable or cut off -1.
    "paper": {"answer": 1.0, "malformed": -1.0},
}


def reward_weights(reward: str | Mapping[str, float]) -> dict[str, float]:
    """The weights of a preset, or the given ones; an unknown preset is a `UserError`."""
    if not isinstance(reward, str):
        return dict(reward)
    if reward not in REWARDS:
        raise UnknownName("reward preset", reward, REWARDS)
    return REWARDS[reward]
