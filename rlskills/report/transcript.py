"""What a policy was asked and what it wrote: one problem from a rollout log, for a page.

A model's text is shown in blocks of code that it cannot close, whatever it wrote.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path
from typing import TypeAlias

from ..runs.rollout_log import read_rollouts
from ..tables import printable
from .rollouts import Rollout, check_shown
from .run import Run

ByCorrect: TypeAlias = dict[bool, Rollout]

LONGEST = 2000
"""Characters shown of a prompt and of a completion."""


def transcript(runs: Iterable[Run]) -> str:
    """Markdown: a prompt, a right and a wrong completion; empty where no run has a rollout log."""
    for run in runs:
        if shown := pick_transcript(run.folder):
            return _markdown(run, shown)
    return ""


def pick_transcript(folder: Path) -> list[Rollout]:
    """A right and a wrong rollout of a run: of one group, the last that has both, else the last
    of each that there is."""
    both: list[Rollout] = []
    last: ByCorrect = {}
    logged = (check_shown(rollout, folder) for rollout in read_rollouts(folder))
    graded = (rollout for rollout in logged if rollout.get("reward") is not None)
    for _, rollouts in groupby(graded, _group):
        group: ByCorrect = {bool(rollout.get("correct")): rollout for rollout in rollouts}
        last |= group
        if len(group) == 2:
            both = _ordered(group)
    return both or _ordered(last)


def fenced(text: str, language: str = "") -> str:
    """A block of code that `text` cannot close; control characters in it become escapes."""
    shown = printable(text, lines=True)
    longest = max(map(len, re.findall(r"`+", shown)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{shown}\n{fence}\n"


def _group(rollout: Rollout) -> tuple[object, ...]:
    return rollout["step"], rollout.get("round"), rollout.get("group"), rollout.get("prompt")


def _ordered(by_correct: ByCorrect) -> list[Rollout]:
    return [by_correct[correct] for correct in (True, False) if correct in by_correct]


def _markdown(run: Run, shown: Sequence[Rollout]) -> str:
    parts = []
    for number, rollout in enumerate(shown):
        if not number or rollout["prompt"] != shown[0]["prompt"]:
            where = f"From the rollouts of {run.arm}, seed {run.seed}, step {rollout['step']}"
            level = f", a problem of level {rollout['level']}" if "level" in rollout else ""
            parts += [f"{where}{level}:\n", fenced(_short(rollout["prompt"]), "text")]
        verdict = "Right" if rollout.get("correct") else "Wrong"
        status = str(rollout.get("status") or "").lower()
        status = f" ({status})" if status not in ("", "ok", "correct", "wrong") else ""
        cut = ", cut off" if rollout.get("truncated") else ""
        parts.append(f"{verdict}{status}{cut}, reward {rollout['reward']:g}:\n")
        parts.append(fenced(_short(rollout["completion"]), "text"))
    return "\n".join(parts)


def _short(text: str) -> str:
    left = len(text) - LONGEST
    return text if left <= 0 else f"{text[:LONGEST]} ... {left} more characters"
