"""Errors a user can act on: one clear line and exit status 2, never a traceback."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

SHOWN = 120
"""Characters of what a user typed that a message repeats, at most."""


class UserError(Exception):
    """Something typed, written or configured is wrong; the message says what, and what helps."""


class UnknownName(UserError):
    """A name that is not in a catalogue; the message offers the nearest one and the whole list."""

    def __init__(self, kind: str, name: object, known: Iterable[object]) -> None:
        choices = [str(choice) for choice in known]
        typed = str(name)[: 2 * SHOWN]  # comparing is quadratic in the length
        close = difflib.get_close_matches(typed, choices, n=1, cutoff=0.4)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        super().__init__(
            f"unknown {kind} {short(str(name))}{hint} (known: {', '.join(choices) or 'none'})"
        )


def short(value: object) -> str:
    """`repr` of a value in one line, cut where it is long."""
    text = value[: 4 * SHOWN] if isinstance(value, str) else value
    shown = repr(text)
    return shown if len(shown) <= SHOWN else f"{shown[: SHOWN - 3]}..."
