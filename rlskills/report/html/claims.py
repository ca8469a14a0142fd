"""Claims first: a table of verdicts, and each effect beside the smallest one of interest."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite

from ...evaluation.measures.verdicts import Verdict
from ...figures import FAINT, GREEN, GREY, ORANGE, VERMILION
from ...stats import Interval
from ..claims import Judged, noted, signed
from ..section import NONE, Section
from .part import Figure, Part, Trace, View, plain_label
from .plot import number, safe

COLOURS = {"reproduced": GREEN, "not reproduced": VERMILION, "inconclusive": ORANGE,
           "not testable": GREY}  # fmt: skip
LABEL = 30


def claims_html(found: Sequence[Judged]) -> Part | None:
    """A row for each claim in a table and in a forest plot; None without claims."""
    if not found:
        return None
    rows = tuple(
        (each.claim.name, each.claim.text, each.claim.measure, each.claim.paper or NONE,
         signed(each.verdict.effect), each.verdict.outcome, _details(each.verdict),
         each.claim.rule, each.claim.source)
        for each in found
    )  # fmt: skip
    header = ("claim", "in words", "measured", "the paper's number", "ours", "verdict", "details",
              "rule", "source")  # fmt: skip
    counts = dict.fromkeys(COLOURS, 0)
    for each in found:
        counts[each.verdict.outcome] += 1
    said = ", ".join(f"{count} {outcome}" for outcome, count in counts.items() if count)
    table = Section("Claims and verdicts", header, rows, 3, (f"Of {len(found)} claims: {said}.",))
    tested = [each for each in found if each.verdict.effect is not None]
    return Part("Claims", (_forest(tested),) if tested else (), (table,))


def _details(verdict: Verdict) -> str:
    found = "" if verdict.detectable is None else f"detectable: {verdict.detectable:.2g}"
    return "; ".join(filter(None, (noted(verdict), found)))


def _forest(found: Sequence[Judged]) -> Figure:
    labels = _labels(found)
    finite = [
        abs(value)
        for each in found
        for value in (each.claim.smallest, *_bounds(each.verdict.effect))
        if isfinite(value)
    ]
    most = max(finite, default=0.0) * 1.1 or 1.0
    traces: list[Trace] = [_band(found, labels)]
    traces += [
        _diamond(label, each.verdict, each.verdict.effect, most)
        for label, each in zip(labels, found, strict=True)
        if each.verdict.effect is not None
    ]
    zero = {"type": "line", "xref": "x", "yref": "y domain", "x0": 0, "x1": 0, "y0": 0, "y1": 1,
            "line": {"width": 1, "color": FAINT}}  # fmt: skip
    x = {"range": [-most, most], "title": {"text": "effect (right: as claimed)"}, "nticks": 7}
    y = {"type": "category", "autorange": "reversed", "categoryorder": "array",
         "categoryarray": [safe(label) for label in labels]}  # fmt: skip
    note = "Diamonds: effects with intervals, coloured by verdict. Grey: the smallest effect of "
    note += "interest on both sides of none. What could not be tested is in the table only."
    view = View(traces, ("",), x, y, (zero,), True, 30, 200, note)
    alt = "The effect of every claim with its interval, beside the smallest effect of interest."
    return Figure("claims", "Effects", alt, {(): view})


def _labels(found: Sequence[Judged]) -> list[str]:
    labels: list[str] = []
    for each in found:
        label = plain_label(each.claim.name, LABEL)
        while label in labels:
            label += "'"
        labels.append(label)
    return labels


def _bounds(effect: Interval | None) -> tuple[float, ...]:
    return () if effect is None else (effect.mean, effect.low, effect.high)


def _band(found: Sequence[Judged], labels: Sequence[str]) -> Trace:
    smallest = [number(each.claim.smallest) for each in found]
    return {
        "type": "bar", "orientation": "h", "y": [safe(label) for label in labels],
        "base": [-value for value in smallest], "x": [2 * value for value in smallest],
        "width": 0.62, "marker": {"color": FAINT}, "opacity": 0.28,
        "text": [f"smallest effect {value:g}" for value in smallest], "textposition": "none",
        "hovertemplate": "%{text}<extra></extra>",
    }  # fmt: skip


def _diamond(label: str, verdict: Verdict, effect: Interval, most: float) -> Trace:
    low, high = max(effect.low, -2 * most), min(effect.high, 2 * most)
    colour = COLOURS[verdict.outcome]
    return {
        "type": "scatter", "mode": "markers", "x": [number(effect.mean)], "y": [safe(label)],
        "marker": {"symbol": "diamond", "size": 11, "color": colour},
        "error_x": {"type": "data", "symmetric": False, "array": [number(high - effect.mean)],
                    "arrayminus": [number(effect.mean - low)], "color": colour, "thickness": 2,
                    "width": 4},
        "text": [f"{signed(effect)}: {verdict.outcome}"],
        "hovertemplate": "%{text}<extra></extra>",
    }  # fmt: skip
