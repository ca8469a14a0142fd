"""Recall: greedy accuracy by arm and function, alone and inside compositions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from .answers import Answer
from .part import Choice, Figure, Look, Part, Trace, View, ordered, plain_label
from .plot import number, safe

MOST = 64
"""Functions drawn of a group: those in the most problems."""
_SCALE = ((0.0, "#f3f1ea"), (0.5, "#7fb0d3"), (1.0, "#0b3c66"))
_ALONE, _INSIDE = "alone (level 1)", "in compositions (level 2 and up)"
Counts = Mapping[str, Mapping[str, tuple[int, int]]]
"""By arm, then by function: right answers and problems, over all seeds."""


def recall_part(
    found: Mapping[str, Sequence[Sequence[Answer]]],
    arms: Mapping[str, Look],
    order: Sequence[str] = (),
) -> Part | None:
    """A heat map for each group of eval sets; None where no record names skills."""
    flat = [answer for pool in found.values() for answers in pool for answer in answers]
    groups = ordered((answer.address[0] for answer in flat if answer.skills), order)
    scopes = [
        scope for scope in (_ALONE, _INSIDE) if any(a.skills and _within(a, scope) for a in flat)
    ]
    if not groups:
        return None
    views = {
        (s, g): _view(_counts(found, group, scope), arms)
        for s, scope in enumerate(scopes)
        for g, group in enumerate(groups)
    }
    choices = (Choice("Function", tuple(scopes)), Choice("Eval group", tuple(groups)))
    alt = "Greedy accuracy of every arm on the problems that each function is in."
    figure = Figure("recall", "Recall of functions", alt, views, choices)
    line = "Share of right greedy answers among the problems that a function is in, over all seeds."
    return Part("Recall of functions", (figure,), lines=(line,))


def _within(answer: Answer, scope: str) -> bool:
    return (answer.address[1] == 1) == (scope == _ALONE)


def _counts(found: Mapping[str, Sequence[Sequence[Answer]]], group: str, scope: str) -> Counts:
    counts: dict[str, dict[str, tuple[int, int]]] = {}
    for arm, pool in found.items():
        mine: dict[str, list[int]] = defaultdict(lambda: [0, 0])
        for answer in (each for answers in pool for each in answers):
            if answer.address[0] == group and answer.graded and _within(answer, scope):
                for skill in answer.skills:
                    mine[skill][0] += answer.greedy
                    mine[skill][1] += 1
        counts[arm] = {skill: (right, total) for skill, (right, total) in mine.items()}
    return counts


def _view(counts: Counts, arms: Mapping[str, Look]) -> View:
    totals: dict[str, int] = defaultdict(int)
    for row in counts.values():
        for skill, (_, total) in row.items():
            totals[skill] += total
    shown = sorted(sorted(totals, key=lambda skill: -totals[skill])[:MOST])
    labels = [safe(plain_label(skill, 16)) for skill in shown]
    traces = [_map(counts, arms, shown, labels)] if shown else []
    y = {"type": "category", "autorange": "reversed", "categoryorder": "array",
         "categoryarray": [safe(arms[arm].label) for arm in counts]}  # fmt: skip
    x = {"type": "category", "categoryorder": "array", "categoryarray": labels, "tickangle": -90}
    bar = {"thickness": 10, "len": 1, "tickvals": [0, 0.5, 1], "ticktext": ["0", ".5", "1"]}
    scale = {"colorscale": _SCALE, "cmin": 0, "cmax": 1, "showscale": True, "colorbar": bar}
    note = _note(counts)
    return View(traces, ("",), x, y, (), True, 17, 240, note, {"coloraxis": scale})


def _map(
    counts: Counts, arms: Mapping[str, Look], shown: Sequence[str], labels: Sequence[str]
) -> Trace:
    """The cells of all arms; the page leaves out the rows of arms that are hidden."""
    cells = [[row.get(skill) for skill in shown] for row in counts.values()]
    return {
        "type": "heatmap", "x": list(labels), "y": [safe(arms[arm].label) for arm in counts],
        "z": [[None if cell is None else number(cell[0] / cell[1]) for cell in row]
              for row in cells],
        "text": [["" if cell is None else f"{cell[0]} of {cell[1]}" for cell in row]
                 for row in cells],
        "coloraxis": "coloraxis", "meta": {"arms": [arms[arm].number for arm in counts]},
        "hovertemplate": "%{y}, %{x}: %{text}<extra></extra>", "hoverongaps": False,
        "xgap": 1, "ygap": 1,
    }  # fmt: skip


def _note(counts: Counts) -> str:
    """The function that the arms, taken together, are worst at."""
    sums: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for row in counts.values():
        for skill, (right, total) in row.items():
            sums[skill][0] += right
            sums[skill][1] += total
    if not sums:
        return "No problem of this kind names a function."
    worst = min(sums, key=lambda skill: sums[skill][0] / sums[skill][1])
    right, total = sums[worst]
    return f"Lowest over all arms: {plain_label(worst, 16)}, {right} of {total} right."
