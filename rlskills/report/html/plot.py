"""Views as plotly reads them, and the traces that several figures draw.

plotly.js reads some HTML in texts, so every text that is not ours is escaped here.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any

from ...stats import Interval
from .part import Look, Trace, View

SHARES = {"range": [-0.03, 1.03], "tickvals": [0, 0.25, 0.5, 0.75, 1],
          "ticktext": ["0", "", ".5", "", "1"]}  # fmt: skip
"""An axis of shares."""
_DIGITS = 4


def safe(text: str) -> str:
    """Text of a figure that plotly shows as it is."""
    return html.escape(text, quote=False)


def number(value: float) -> float:
    """Rounded for the page, on which more digits are not seen."""
    return float(f"{value:.{_DIGITS}g}")


def numbers(values: Sequence[float] | Any) -> list[float]:
    """Each rounded for the page."""
    return [number(value) for value in values]


def axis(letter: str, panel: int) -> str:
    """What plotly calls an axis of a panel, the first of which is 1."""
    return letter if panel == 1 else f"{letter}{panel}"


def axes(panel: int) -> Trace:
    """The axes of a trace in a panel."""
    return {"xaxis": axis("x", panel), "yaxis": axis("y", panel)}


def row_of(look: Look, panel: int, cell: Interval, about: str = "") -> Trace:
    """An interval as a dot with whiskers in the row of its arm."""
    return axes(panel) | {
        "type": "scatter", "mode": "markers", "x": [number(cell.mean)], "y": [safe(look.label)],
        "meta": {"arm": look.number}, "name": safe(look.label),
        "marker": {"color": look.colour, "symbol": look.symbol, "size": 8},
        "error_x": {
            "type": "data", "symmetric": False, "array": [number(cell.high - cell.mean)],
            "arrayminus": [number(cell.mean - cell.low)], "color": look.colour, "width": 0,
            "thickness": 1.4,
        },
        "text": [f"{cell}{about}"], "hovertemplate": "%{text}<extra>%{fullData.name}</extra>",
    }  # fmt: skip


def line_of(
    look: Look, panel: int, x: Sequence[float], y: Sequence[float], flat: bool = False
) -> Trace:
    """A line with a marker at its end; `flat` is dashed and without one."""
    size = [0] * len(x) if flat else [*([0] * (len(x) - 1)), 7]
    return axes(panel) | {
        "type": "scatter", "mode": "lines+markers", "x": list(x), "y": numbers(y),
        "meta": {"arm": look.number}, "name": safe(look.label),
        "line": {"color": look.colour, "width": 1.8, "dash": "dash" if flat else "solid"},
        "marker": {"color": look.colour, "symbol": look.symbol, "size": size, "opacity": 1},
        "hovertemplate": "%{y:.2f} at %{x:,.4~g}<extra>%{fullData.name}</extra>",
    }  # fmt: skip


def band_of(
    look: Look, panel: int, x: Sequence[float], low: Sequence[float], high: Sequence[float]
) -> Trace:
    """The band around a line; the page leaves bands out while many arms are shown."""
    return axes(panel) | {
        "type": "scatter", "mode": "lines", "fill": "toself", "fillcolor": look.colour,
        "x": [*x, *reversed(list(x))], "y": [*numbers(low), *reversed(numbers(high))],
        "line": {"width": 0, "color": look.colour}, "opacity": 0.16, "hoverinfo": "skip",
        "meta": {"arm": look.number, "band": True}, "name": safe(look.label),
    }  # fmt: skip


def as_json(view: View) -> dict[str, Any]:
    """A view as plotly's `data` and `layout`, with what the page arranges it by in `meta`.

    Plain data: plotly's classes would check thousands of traces for longer than it takes to draw
    them. A test has them check every kind.
    """
    layout: dict[str, Any] = {"shapes": list(view.shapes)}
    layout |= view.more or {}
    layout["annotations"] = [
        {"text": safe(title), "xref": f"{axis('x', panel)} domain", "x": 0,
         "yref": f"{axis('y', panel)} domain",
         "y": 1, "xanchor": "left", "yanchor": "bottom", "showarrow": False}
        for panel, title in enumerate(view.titles, 1)
    ]  # fmt: skip
    for panel in range(1, len(view.titles) + 1):
        end = "" if panel == 1 else panel
        layout[f"xaxis{end}"] = dict(view.x) | {"anchor": axis("y", panel)}
        layout[f"yaxis{end}"] = dict(view.y) | {"anchor": axis("x", panel)}
    layout["meta"] = {"panels": len(view.titles), "rows": view.rows, "height": view.height,
                      "width": view.width, "note": view.note}  # fmt: skip
    return {"data": list(view.traces), "layout": layout}
