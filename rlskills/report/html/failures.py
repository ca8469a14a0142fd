"""Kinds of answers as stacked bars: what is right by right steps, and what goes wrong how."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ...runs.tags import Address
from ..learned.bars import COLOURS
from ..learned.failures import ABOUT, KINDS, kind_shares
from ..learned.pools import Pools, evaluated
from .part import Choice, Figure, Look, Part, Trace, View, ordered
from .plot import SHARES, axes, number, safe

Shares = Mapping[str, Mapping[str, float]]
"""By arm, then by kind."""


def failures_part(pools: Pools, arms: Mapping[str, Look], order: Sequence[str] = ()) -> Part | None:
    """A panel for each level; None where no record has kinds."""
    found: dict[Address, dict[str, dict[str, float]]] = {}
    for address in evaluated(pools):
        for arm, pool in pools.items():
            if shares := kind_shares(pool, address):
                means = {kind: each.mean for kind, each in shares.items()}
                found.setdefault(address, {})[arm] = means
    if not found:
        return None
    groups = ordered((group for group, _ in found), order)
    views = {
        (g,): _view({at: row for at, row in found.items() if at[0] == group}, arms)
        for g, group in enumerate(groups)
    }
    alt = "Shares of right answers and of every kind of mistake, for every arm, by level."
    choices = (Choice("Eval group", tuple(groups)),)
    return Part("How answers fail", (Figure("failures", "Kinds of answers", alt, views, choices),))


def _view(found: Mapping[Address, Shares], arms: Mapping[str, Look]) -> View:
    traces: list[Trace] = []
    named: set[str] = set()
    for panel, row in enumerate(found.values(), 1):
        for arm, shares in row.items():
            for kind in KINDS:
                if kind in shares:
                    traces.append(_bar(panel, arms[arm], kind, shares[kind], kind not in named))
                    named.add(kind)
    shown = dict.fromkeys(arm for row in found.values() for arm in row)
    y = {"type": "category", "autorange": "reversed", "categoryorder": "array",
         "categoryarray": [safe(arms[arm].label) for arm in arms if arm in shown]}  # fmt: skip
    legend = {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "traceorder": "normal"}
    more = {"barmode": "stack", "showlegend": True, "legend": legend}
    titles = tuple(f"Level {level}" for _, level in found)
    return View(traces, titles, SHARES, y, (), True, 22, 260, ABOUT, more)


def _bar(panel: int, look: Look, kind: str, share: float, first: bool) -> Trace:
    """A part of one arm's bar; the legend names each kind once."""
    return axes(panel) | {
        "type": "bar", "orientation": "h", "x": [number(share)], "y": [safe(look.label)],
        "meta": {"arm": look.number}, "name": kind, "legendgroup": kind, "showlegend": first,
        "marker": {"color": COLOURS[kind], "line": {"width": 0}},
        "hovertemplate": f"%{{y}}, {kind}: %{{x:.2f}}<extra></extra>",
    }  # fmt: skip
