"""What a page is made of: parts with figures and tables, as values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from ...figures import BLUE, GREEN, GREY, PINK, VERMILION, Key
from ...tables import printable
from ..panels import arm_keys
from ..section import Section

Trace: TypeAlias = dict[str, Any]
"""A trace as plotly has it; `meta["arm"]` is the number of the arm that it belongs to,
`meta["arms"]` those of its rows."""

LONGEST = 48
"""Characters shown of a name in a figure."""
DARK = {GREY: "#b5b5b5", BLUE: "#4ea5e0", GREEN: "#2fbf94", VERMILION: "#f08a3c",
        PINK: "#e0a0c4", "#8C6D31": "#c4a25a", "#7B4FA3": "#b48ad8", "#B22222": "#ec6f6f",
        "#A0A000": "#c4c43c"}  # fmt: skip
"""What stands for a colour on a dark page; one that is not here serves on both."""
SYMBOLS = {
    "o": ("circle", "●"), "s": ("square", "■"), "D": ("diamond", "◆"), "^": ("triangle-up", "▲"),
    "v": ("triangle-down", "▼"), "P": ("cross", "✚"), "X": ("x", "✕"),
    "<": ("triangle-left", "◂"), ">": ("triangle-right", "▸"), "*": ("star", "★"),
    "h": ("hexagon", "⬢"),
}  # fmt: skip
"""Of matplotlib's markers: plotly's name, and a character for the list of arms."""


@dataclass(frozen=True)
class Look:
    """How one arm is shown in all figures; `label` is its name, safe and short, and no other's."""

    number: int
    label: str
    key: Key

    @property
    def colour(self) -> str:
        """On a light page."""
        return self.key.colour

    @property
    def symbol(self) -> str:
        """The marker's name in plotly."""
        return SYMBOLS[self.key.marker][0]


@dataclass(frozen=True)
class Choice:
    """A drop-down of a figure."""

    label: str
    options: tuple[str, ...]


@dataclass(frozen=True)
class Figure:
    """A figure with a view for every combination of its choices.

    A key of `views` has the number of the option of each choice. Titles, labels and options are
    plain text.
    """

    name: str
    """Of letters and hyphens, unlike that of any other on the page."""
    title: str
    alt: str
    """What a reader who cannot see it should know."""
    views: Mapping[tuple[int, ...], View]
    choices: tuple[Choice, ...] = ()


@dataclass(frozen=True)
class View:
    """Panels of traces; every panel has the axes of its number, `x`, `y`, `x2`, `y2`, ..."""

    traces: Sequence[Trace]
    titles: tuple[str, ...]
    """Of the panels, in plain text."""
    x: Mapping[str, Any]
    """What plotly is told of every x axis."""
    y: Mapping[str, Any]
    shapes: Sequence[Mapping[str, Any]] = ()
    rows: bool = False
    """Whether y is a category each, of which hidden arms leave the axis."""
    height: int = 210
    """Of a panel in pixels; of `rows`: of one row."""
    width: int = 150
    """Least width of a panel in pixels, its axis not counted."""
    note: str = ""
    """A sentence below, computed from the numbers."""
    more: Mapping[str, Any] | None = None
    """Anything else of plotly's layout."""


@dataclass(frozen=True)
class Text:
    """A text in a block; `mark` has the bounds of what is wrong in it."""

    title: str
    text: str
    mark: tuple[int, int] | None = None
    arm: int | None = None
    wrong: bool | None = None


@dataclass(frozen=True)
class Texts:
    """What some arms wrote about one problem, side by side."""

    title: str
    prompt: str
    answers: tuple[Text, ...]


@dataclass(frozen=True)
class Part:
    """A section of the page."""

    title: str
    figures: tuple[Figure, ...] = ()
    tables: tuple[Section, ...] = ()
    lines: tuple[str, ...] = ()
    texts: tuple[Texts, ...] = ()
    """Side by side, each folded."""
    blocks: tuple[Text, ...] = ()


def looks(names: Sequence[str]) -> dict[str, Look]:
    """The look of each arm, the same as in every other picture of a study."""
    keys, taken = arm_keys(names), set[str]()
    made = {}
    for number, name in enumerate(names):
        label = plain_label(name)
        while label in taken:
            label += "'"
        taken.add(label)
        made[name] = Look(number, label, keys[name])
    return made


def ordered(groups: Iterable[str], order: Sequence[str]) -> list[str]:
    """Each group once, in the order given; those that it lacks come last."""
    places = {group: place for place, group in enumerate(order)}
    return sorted(dict.fromkeys(groups), key=lambda group: places.get(group, len(places)))


def plain_label(text: str, longest: int = LONGEST) -> str:
    """A name for a figure: on one line, not too long, nothing in it obeyed."""
    shown = printable(text[: longest + 1])
    return shown if len(shown) <= longest else shown[: longest - 1] + "…"
