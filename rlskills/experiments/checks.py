"""Settings of recipes that cannot be meant are refused before anything is loaded."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sized

from ..errors import UnknownName, UserError


def positive(**settings: float) -> None:
    """Each must be above 0, and finite."""
    for name, value in settings.items():
        if not (value > 0 and math.isfinite(value)):
            raise UserError(f"{_flag(name)} must be positive, not {value}")


def not_negative(**settings: float) -> None:
    """Each must be 0 or more, and finite."""
    for name, value in settings.items():
        if not (value >= 0 and math.isfinite(value)):
            raise UserError(f"{_flag(name)} must not be negative, not {value}")


def not_empty(**settings: Sized) -> None:
    """Each must name something."""
    for name, value in settings.items():
        if not len(value):
            raise UserError(f"{_flag(name)} names nothing")


def shares(**settings: float) -> None:
    """Parts of one whole: none negative, and not more than 1 in all."""
    not_negative(**settings)
    if (total := sum(settings.values())) > 1 + 1e-9:
        flags = ", ".join(map(_flag, settings))
        raise UserError(f"{flags} are shares of one whole and sum to {total:g}, above 1")


def known(kind: str, names: Iterable[str], choices: Iterable[str]) -> None:
    """Each name must be one of the choices, and none may come twice."""
    names, choices = list(names), list(choices)
    for name in names:
        if name not in choices:
            raise UnknownName(kind, name, choices)
        if names.count(name) > 1:
            raise UserError(f"{kind} {name!r} is named twice")


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")
