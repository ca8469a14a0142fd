"""Rewards: named weights over the parts of a score, by preset or spelled out.

Parts every environment has: `answer` (0 to 1, from `verify`), `format` (1 when the completion is
strictly in the form asked for), and `malformed` (1 when no answer was found, or it was cut off).
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence

from ..errors import UnknownName, UserError, short

PARTS = ("answer", "format", "malformed")
REWARDS: dict[str, dict[str, float]] = {
    "binary": {"answer": 1.0},
    # The paper's release: right 1, wrong 0, unreadable or cut off -1.
    "paper": {"answer": 1.0, "malformed": -1.0},
}


def reward_weights(
    reward: str | Mapping[str, float], extra: Sequence[str] = ()
) -> dict[str, float]:
    """The weights of a preset, or the given ones: a mapping, or text like `answer:1,format:0.1`.

    A mapping may also be given as JSON, as the text of a `Spec` holds it.

    `extra` names the parts an environment has beside `PARTS`. Unknown names and weights that are
    not finite are a `UserError`.
    """
    if isinstance(reward, str) and reward.startswith("{"):
        reward = _mapping(reward)
    if isinstance(reward, str) and ":" not in reward:
        if reward not in REWARDS:
            raise UnknownName("reward preset", reward, REWARDS)
        return dict(REWARDS[reward])
    pairs = reward.items() if isinstance(reward, Mapping) else map(_pair, reward.split(","))
    weights: dict[str, float] = {}
    for part, weight in pairs:
        if part not in (*PARTS, *extra):
            raise UnknownName("part of the reward", part, (*PARTS, *extra))
        if part in weights:
            raise UserError(f"reward {reward!r} gives {part!r} two weights")
        weights[part] = _finite(part, weight)
    return weights


def _mapping(text: str) -> Mapping[str, float]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise UserError(f"the reward {short(text)} is not a JSON object")
    return found


def _pair(text: str) -> tuple[str, str]:
    name, _, weight = text.partition(":")
    return name.strip(), weight.strip()


def _finite(part: str, weight: object) -> float:
    try:
        value = float(weight)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        value = math.nan
    if not math.isfinite(value):
        raise UserError(f"the weight of {part!r} in the reward must be a number, not {weight!r}")
    return value
