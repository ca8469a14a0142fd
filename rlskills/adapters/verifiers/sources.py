"""What both generations of verifiers come down to: rows, and rewards of one reply to a row."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any, Protocol, TypedDict

from ...errors import UserError


class Row(TypedDict):
    """One task. All of it is JSON."""

    prompt: list[dict[str, str]]
    answer: str | None
    key: str
    task: dict[str, Any]
    """What `Source.rewards` needs to grade a reply to it."""


class Source(Protocol):
    """A loaded taskset."""

    @property
    def rows(self) -> Sequence[Row]:
        """All tasks that were taken."""
        ...

    def rewards(
        self, task: dict[str, Any], prompt: list[dict[str, str]], reply: str
    ) -> dict[str, tuple[float, float]]:
        """Value and weight of every reward of one reply; what a reward raises is raised."""
        ...


def refuse(taskset: str, why: str) -> UserError:
    """The error for a taskset that cannot be an environment here."""
    return UserError(f"vf:{taskset} is refused: {why}")


def plain(taskset: str, messages: Sequence[Any]) -> list[dict[str, str]]:
    """Chat messages of text alone; anything else is refused."""
    found = []
    for message in messages:
        given = message if isinstance(message, dict) else message.model_dump()
        if not isinstance(given.get("content"), str):
            raise refuse(taskset, "its prompts hold more than text")
        found.append({"role": str(given["role"]), "content": given["content"]})
    return found


def wait(work: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine to its end; grading has a process of its own, so no loop is running."""
    return asyncio.run(work)
