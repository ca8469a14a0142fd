"""Kernels of each contestant: the quickest for it on this machine, found by short turns."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

from ..models.choose_kernels import default_device, resolve
from ..models.kernels import Kernels
from .contestants import DEFAULTS, KEEP, OURS, Contestant
from .options import TrainOptions
from .start import Start
from .timing import turn
from .work import Work

PLAIN = Kernels("sdpa", "highest", "float32")
"""What torch and transformers compute with where nobody says anything."""
SMALL = 10_000_000
"""Weights up to which kernels are tried on whole updates; a larger model shows the difference on
a few completions."""

PASSES = 2
"""Times that each combination is tried."""


def kernels_of(
    contestants: Sequence[Contestant],
    start: Start,
    work: Work,
    options: TrainOptions,
    said: Callable[[str], None],
) -> dict[str, Kernels]:
    """By contestant's name, nothing left to choose but how much is decoded at a time.

    On a GPU all have what `rlskills run` would choose. On a CPU attention kernels and precisions
    are tried on the contestant itself; `said` is told what was found. Ours share one choice, and
    TRL's defaults are left as they are.
    """
    wanted = Kernels(options.attention, options.precision)
    found: dict[str, Kernels] = {}
    for contestant in contestants:
        if contestant.name == DEFAULTS:
            found[DEFAULTS] = PLAIN
        elif contestant.name != OURS:
            found[contestant.name] = _best(contestant, start, work, wanted, said)
    if any(contestant.name == OURS for contestant in contestants):
        found[OURS] = found[KEEP]
    return found


def _best(
    contestant: Contestant, start: Start, work: Work, wanted: Kernels, said: Callable[[str], None]
) -> Kernels:
    if default_device() != "cpu" or "auto" not in (wanted.attention, wanted.precision):
        return replace(resolve(wanted, default_device()), batch_tokens=0)
    settings = replace(work.settings, max_steps=3)
    if start.shape.parameters > SMALL:
        settings = replace(
            settings, max_steps=2, prompts_per_step=1, gradient_accumulation_steps=1,
            max_new_tokens=min(16, settings.max_new_tokens),
        )  # fmt: skip
    short = replace(work, settings=settings)
    candidates = [
        Kernels(attention, precision, "float32")
        for attention in ("eager", "sdpa")
        for precision in ("highest", "medium")
        if wanted.attention in ("auto", attention) and wanted.precision in ("auto", precision)
    ] or [replace(wanted, precision="highest", compute="float32")]
    if len(candidates) == 1:
        return candidates[0]
    seconds = dict.fromkeys(candidates, math.inf)
    for kernels in candidates * PASSES:  # the best of several: others disturb, none speeds up
        took = turn(contestant, start, kernels, short, 1)
        seconds[kernels] = min(seconds[kernels], took.cpu / took.updates)
    tried = ", ".join(f"{k.attention} {k.precision} {s:.2f} s" for k, s in seconds.items())
    said(f"{contestant.name}: {tried}")
    return min(seconds, key=lambda kernels: seconds[kernels])
