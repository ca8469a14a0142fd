"""Errors a user can act on: one clear line and exit status 2, never a traceback."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class UserError(Exception):
    """Something typed, written or configured is wrong; the message says what, and what helps."""


class UnknownName(UserError):
    """A name that is not in a catalogue; the message offers the nearest one and the whole list."""

    def __init__(self, kind: str, name: object, known: Iterable[object]) -> None:
        choices = [str(one) for one in known]
        close = difflib.get_close_matches(str(name), choices, n=1, cutoff=0.4)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        super().__init__(
            f"unknown {kind} {str(name)!r}{hint} (known: {', '.join(choices) or 'none'})"
        )
