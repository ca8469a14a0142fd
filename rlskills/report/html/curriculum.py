"""What a curriculum chose over time, for the arms that logged it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from ...figures import BLUE, GREEN, ORANGE, PINK, SKY, VERMILION
from ...runs.tags import curriculum
from ..crossover import mean_curve
from ..run import Run
from .curves import STEP, with_steps
from .part import Choice, Figure, Look, Part, Trace, View
from .plot import SHARES, numbers

KINDS = {"share": "share of groups", "probability": "probability", "competence": "competence"}
COLOURS = (BLUE, ORANGE, GREEN, PINK, VERMILION, SKY)


def curriculum_part(pools: Mapping[str, Sequence[Run]], arms: Mapping[str, Look]) -> Part | None:
    """Numbers by level at every update, an arm at a time; None where no run logged any."""
    views: dict[tuple[int, ...], View] = {}
    stepped = {arm: [with_steps(run) for run in pool] for arm, pool in pools.items()}
    levels = {arm: _levels(pool) for arm, pool in pools.items()}
    logged = [arm for arm in pools if levels[arm]]
    if not logged:
        return None
    for a, arm in enumerate(logged):
        for k, kind in enumerate(KINDS):
            views[a, k] = _view(stepped[arm], kind, levels[arm])
    choices = (
        Choice("Arm", tuple(arms[arm].label for arm in logged)),
        Choice("Number", tuple(KINDS.values())),
    )
    alt = "What one arm's curriculum chose and measured at every level while it trained."
    figure = Figure("curriculum", "Curriculum over time", alt, views, choices)
    line = "Means over seeds; shares and probabilities are stacked."
    return Part("Curriculum over time", (figure,), lines=(line,))


def _levels(pool: Sequence[Run]) -> list[int]:
    pattern = re.compile(re.escape(curriculum("share/")) + r"L(\d{1,6})")
    tags = {tag for run in pool for record in run.records for tag in record.metrics}
    return sorted({int(match[1]) for tag in tags if (match := pattern.fullmatch(tag))})


def _view(pool: Sequence[Run], kind: str, levels: Sequence[int]) -> View:
    traces: list[Trace] = []
    stacked = kind != "competence"
    for number, level in enumerate(levels):
        curve = mean_curve(pool, curriculum(f"{kind}/L{level}"), STEP)
        if curve is None:
            continue
        colour = COLOURS[number % len(COLOURS)]
        trace: Trace = {
            "type": "scatter", "mode": "lines", "x": numbers(curve.x), "y": numbers(curve.mean),
            "name": f"level {level}", "line": {"color": colour, "width": 1.4}, "showlegend": True,
            "hovertemplate": "%{y:.2f} at %{x:,}<extra>%{fullData.name}</extra>",
        }  # fmt: skip
        traces.append(trace | ({"stackgroup": "levels"} if stacked else {}))
    x = {"title": {"text": "training step"}, "rangemode": "tozero"}
    more = {"showlegend": True, "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom"}}
    return View(traces, ("",), x, SHARES, height=240, width=240, more=more)
