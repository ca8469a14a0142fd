"""Opening view of TensorBoard's Custom Scalars tab. Charts have a few lines each.

TensorBoard matches the tags of a chart from their beginning, so patterns end with `$`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from . import tags
from .tags import Address

SHOWN_BY = ("samples", "trained_tokens", "seconds")
"""Budgets against which arms are shown."""


def layout(addresses: Sequence[Address]) -> dict[str, dict[str, list[Any]]]:
    """Charts by section: eval sets with arms as lines against what they spent, how answers fail at
    the end by level, then training, the curriculum, and the curriculum method's own numbers."""
    level, share = r"L\d+", r"curriculum/share"
    eval_sets = _eval_sets(addresses) | _failures(addresses)
    return eval_sets | {
        "what training sees": {
            "accuracy of rollouts": _chart(_exactly(tags.ACCURACY), r"train/L\d+/accuracy$"),
            "zero-variance groups": _chart(_exactly(tags.ZERO_VARIANCE)),
            "response length": _chart(_exactly(tags.RESPONSE_LENGTH)),
            "entropy": _chart(_exactly(tags.ENTROPY)),
        },
        "what the curriculum does": {
            "probability by level": _chart(rf"curriculum/probability/{level}$"),
            "competence by level": _chart(rf"curriculum/competence/{level}$"),
            "learning progress by level": _chart(rf"curriculum/progress/{level}$"),
            "trend of competence by level": _chart(rf"curriculum/trend/{level}$"),
            "uncertainty by level": _chart(rf"curriculum/uncertainty/{level}$"),
            "expected gain by level": _chart(rf"curriculum/gain/{level}$"),
            "where rollouts go": _chart(
                *map(
                    _exactly,
                    (tags.SHARE_ZERO_VARIANCE, tags.SHARE_MASTERED, tags.SHARE_OUT_OF_REACH),
                ),
                rf"{share}/kind/[^/]+$",
            ),
        },
        "the curriculum method's own numbers": {
            "all": _chart(rf"{re.escape(tags.METHOD)}[^/]+$"),
        },
    }


def _eval_sets(addresses: Sequence[Address]) -> dict[str, dict[str, list[Any]]]:
    groups = dict.fromkeys(group for group, _ in addresses)
    return {
        f"{group.replace('_', ' ')}: accuracy by {budget.replace('_', ' ')}": {
            f"level {level}": _chart(
                _exactly(tags.by_budget(budget, tags.eval_greedy((group, level))))
            )
            for other, level in addresses
            if other == group
        }
        for budget in SHOWN_BY
        for group in groups
    }


def _failures(addresses: Sequence[Address]) -> dict[str, dict[str, list[Any]]]:
    """A chart for each kind of mistake, with the level as its step; none for other kinds, such as
    truncated answers. Level 1 composes nothing."""
    groups = dict.fromkeys(group for group, level in addresses if level > 1)
    return {
        f"{group.replace('_', ' ')}: how answers fail, by level": {
            kind: _chart(rf"failures/{kind.replace(' ', '_')}/{re.escape(group)}/L\d+$")
            for kind in tags.MISTAKES
        }
        for group in groups
    }


def _exactly(tag: str) -> str:
    return re.escape(tag) + "$"


def _chart(*patterns: str) -> list[Any]:
    return ["Multiline", list(patterns)]
