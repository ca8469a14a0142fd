"""The rollouts a run learned from, as JSON lines in its folder, bounded in size.

    log = RolloutLog(run.path, every=5, last_step=checkpoint_step)
    log.log(step, rollouts)                  # one mapping per rollout
    for rollout in read_rollouts(run.path): ...

A rollout has: step, round, group, env, split, level, index, key, skills, unit, prompt, completion,
correct, reward, status, parts, tokens, truncated, advantage (mean over its tokens), and kept
(whether it entered the loss). `step` counts optimizer updates as `metrics.jsonl` does, from 1.

Which steps are dropped when the file is full depends on their numbers and sizes alone: first the
odd ones, the oldest before the newest, then those that 4 does not divide, and so on. The first line
says how far that went. So a run that is killed and resumed ends with the bytes of an undisturbed
one: what was dropped before the kill would have been dropped in the end anyhow.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias, TypeGuard

from ..errors import UserError
from .files import lacking, parsed

FILE = "rollouts.jsonl"
MAX_BYTES = 128 * 2**20
"""Default bound on the size of the file."""
SMALLEST = 4096
"""Least bound that can be set."""
FULL = 0.75
"""Share of the bound that is kept when the file overflows."""
ROUND = 0.25
"""Share of the bound that one call of `log` may take; the groups behind that are left out."""

Rank: TypeAlias = tuple[int, int]
"""Order of dropping: how often 2 divides the step's number, then the step."""


class RolloutLog:
    """Appends rounds of rollouts; the file never exceeds `max_bytes`.

    Under several processes the main one alone makes and uses it.
    """

    def __init__(
        self, folder: Path, every: int = 1, max_bytes: int = MAX_BYTES, last_step: int = -1
    ) -> None:
        """Open for a run that goes on behind `last_step`; later rollouts are cut off.

        Args:
            folder: Of the run.
            every: Log the steps that this divides; 0 logs nothing and writes no file.
            max_bytes: Bound on the size of the file.
            last_step: Step of the checkpoint that the run goes on from, -1 for a new run.
        """
        if every < 0 or max_bytes < SMALLEST:
            raise UserError(
                f"a rollout log needs every >= 0 and at least {SMALLEST} bytes, "
                f"not {every} and {max_bytes}"
            )
        self.path = folder / FILE
        self.every = every
        self.max_bytes = max_bytes
        self.dropped: Rank = (-1, -1)
        self._sizes: dict[int, int] = {}
        self.lost: str | None = None
        """What of the steps up to `last_step` is not in the file any more."""
        if every:
            self._open(last_step)

    def log(self, step: int, rollouts: Sequence[Mapping[str, Any]]) -> None:
        """Append one round of rollouts; a step may have several, and steps never go back."""
        if not self.every or step % self.every or self._rank(step) <= self.dropped:
            return
        text = self._encoded(step, rollouts)
        self._sizes[step] = self._sizes.get(step, 0) + len(text)
        with self.path.open("ab") as file:
            if self._total() <= self.max_bytes:
                file.write(text)
                return
        self._thin(step, text)

    def _encoded(self, step: int, rollouts: Sequence[Mapping[str, Any]]) -> bytes:
        """The lines of a round, whole groups of it only, as many as it may take."""
        lines = [_line({"step": step} | dict(rollout) | {"step": step}) for rollout in rollouts]
        room = int(self.max_bytes * ROUND)
        size = whole = 0
        for number, line in enumerate(lines):
            if number and rollouts[number].get("group") != rollouts[number - 1].get("group"):
                whole = number
            size += len(line)
            if size > room:
                return b"".join(lines[:whole])
        return b"".join(lines)

    def _thin(self, newest: int, text: bytes) -> None:
        """Drop steps by rank until `FULL` of the bound is left; `text` of the newest step comes
        on top of what the file has."""
        old = dict(self._sizes)
        old[newest] -= len(text)
        for step in sorted(self._sizes, key=self._rank):
            if self._total() <= self.max_bytes * FULL:
                break
            del self._sizes[step]
            self.dropped = self._rank(step)
        beside = self.path.with_suffix(".new")
        with self.path.open("rb") as source, beside.open("wb") as target:
            source.readline()
            target.write(self._header())
            for step, size in old.items():
                chunk = source.read(size)
                if step in self._sizes:
                    target.write(chunk)
            if newest in self._sizes:
                target.write(text)
        beside.replace(self.path)

    def _open(self, last_step: int) -> None:
        """Keep what earlier processes wrote up to `last_step`, byte for byte."""
        beside = self.path.with_suffix(".new")
        with beside.open("wb") as target:
            with suppress(FileNotFoundError), self.path.open("rb") as source:
                if last_step >= 0:
                    self._go_on(source, target, last_step)
            newest, expected = max(self._sizes, default=0), self._newest(last_step)
            if newest < expected:
                self.lost = f"has no whole line behind step {newest}, and had some to {expected}"
            if not target.tell():
                target.write(self._header())
        beside.replace(self.path)

    def _go_on(self, source: BinaryIO, target: BinaryIO, last_step: int) -> None:
        header = _parsed(source.readline()) or {}
        dropped = header.get("dropped")
        if header.get("every") != self.every or not _is_rank(dropped):
            return
        self.dropped = (dropped[0], dropped[1])
        target.write(self._header())
        for line in source:
            rollout = _parsed(line)
            if rollout is None or rollout.get("step", last_step + 1) > last_step:
                return
            target.write(line)
            step = rollout["step"]
            self._sizes[step] = self._sizes.get(step, 0) + len(line)

    def _newest(self, last_step: int) -> int:
        """The last step up to `last_step` that was logged and not dropped since; 0 for none."""
        logged = range(last_step - last_step % self.every, 0, -self.every)
        return next((step for step in logged if self._rank(step) > self.dropped), 0)

    def _rank(self, step: int) -> Rank:
        number = step // self.every
        return ((number & -number).bit_length() if number else 64, step)

    def _header(self) -> bytes:
        return _line({"rollout_log": 1, "every": self.every, "dropped": list(self.dropped)})

    def _total(self) -> int:
        return len(self._header()) + sum(self._sizes.values())


def read_rollouts(folder: Path) -> Iterator[dict[str, Any]]:
    """The rollouts of a run folder in the order in which they were logged; none without a log.

    A last line torn by a kill is passed over; a damaged one before it is a `UserError`.
    """
    path = folder / FILE
    if not path.is_file():
        return
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            rollout = _parsed(line)
            if rollout is not None:
                if "step" in rollout:
                    yield rollout
            elif file.read(1):
                raise UserError(
                    f"cannot understand line {number} of {path}; without it the rest can be read"
                )


def _line(value: Mapping[str, Any]) -> bytes:
    """One line of ASCII; what is not a finite number becomes null, for JSON has no such thing."""
    return json.dumps(_plain(value), allow_nan=False).encode("ascii") + b"\n"


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(name): _plain(part) for name, part in value.items()}
    return [_plain(part) for part in value] if isinstance(value, list | tuple) else value


def _parsed(line: bytes) -> dict[str, Any] | None:
    """The mapping of a whole line, None for a torn or damaged one."""
    if not line.endswith(b"\n"):
        return None
    try:
        value = parsed(line)
    except ValueError:
        return None
    known = lacking(value, {"step": int}) is None or lacking(value, {"dropped": list}) is None
    return value if known else None


def _is_rank(value: object) -> TypeGuard[list[int]]:
    return isinstance(value, list) and len(value) == 2 and all(type(n) is int for n in value)
