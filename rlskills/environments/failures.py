"""Gradings that failed, told to the user: once for each kind, with the text of the first."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from .types import Score

LONGEST = 300
"""Characters of a grader's text in a line for the user."""


class GradingFailures:
    """What has been told so far; `say` takes one line, which is no markup."""

    def __init__(self, say: Callable[[str], object] = lambda line: None) -> None:
        self.say = say
        self._told: set[str] = set()

    def tell(self, failures: Iterable[str], completions: int, where: str) -> None:
        """Tell of failures by their texts, of so many completions; `where` they are counted.

        Of one kind are those whose texts are the same in front of their first colon: one
        environment and one type of exception.
        """
        kinds: dict[str, list[str]] = {}
        for text in failures:
            kinds.setdefault(text.partition(": ")[0], []).append(text)
        for kind, texts in kinds.items():
            if kind not in self._told:
                self._told.add(kind)
                count = f"{len(texts)} of {completions} completions"
                self.say(f"grading failed for {count}: {texts[0]} ({where})")


def failure_of(score: Score) -> str:
    """Why a grading failed, in one line; empty where it did not."""
    if not score.failed:
        return ""
    line = next(iter(score.note.splitlines()), "") or score.status
    return line.encode("utf-8", "backslashreplace").decode()[:LONGEST]


__all__ = ["GradingFailures", "failure_of"]
