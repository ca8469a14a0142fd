"""The last group means of each unit, with the trainer's step: means, slopes, halves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from typing_extensions import override

from ...errors import UserError
from ..batch import Batch
from ..state import Array, IntArray, Staged, Stateful


class Windows(Stateful):
    """The last `size` values of each key, newest last; rows exist for keys that were seen.

    `seen` counts all values of a key, also those that have left its window.
    """

    def __init__(self, keys: Sequence[str], size: int) -> None:
        self.keys = tuple(keys)
        self.size = size
        self.seen = np.zeros(len(self.keys), dtype=np.int64)
        self.row = np.full(len(self.keys), -1, dtype=np.int64)
        self.used = 0
        self.values = np.zeros((16, size))
        self.times = np.zeros((16, size))

    def push(self, batch: Batch, values: Sequence[float] | None = None) -> IntArray:
        """Append the groups of a batch in their order; returns the distinct positions."""
        news: dict[int, tuple[list[float], list[float]]] = {}
        numbers = batch.means if values is None else values
        for at, value, outcome in zip(batch.where, numbers, batch.outcomes, strict=True):
            entry = news.setdefault(at, ([], []))
            entry[0].append(value)
            entry[1].append(outcome.step)
        for at, (new, steps) in news.items():
            row, count = self._row(at), min(len(new), self.size)
            for table, added in ((self.values[row], new), (self.times[row], steps)):
                table[: self.size - count] = table[count:].copy()
                table[self.size - count :] = added[-count:]
            self.seen[at] += len(new)
        return np.array(list(news), dtype=np.int64)

    def at(self, where: IntArray) -> tuple[Array, Array, Array]:
        """Values, steps and a mask of what is filled, each (keys, size); all keys must be seen."""
        rows = self.row[where]
        filled = np.arange(self.size) >= self.size - self.seen[where, None]
        return self.values[rows], self.times[rows], filled.astype(float)

    def mean(self, where: IntArray) -> Array:
        """Mean of what is in the windows."""
        values, _, filled = self.at(where)
        return (values * filled).sum(1) / filled.sum(1)

    def slope(self, where: IntArray) -> Array:
        """Least-squares slope of value over trainer step; 0 where steps do not differ."""
        values, times, filled = self.at(where)
        number = filled.sum(1, keepdims=True)
        times = (times - (times * filled).sum(1, keepdims=True) / number) * filled
        spread = (times * times).sum(1)
        return (times * values).sum(1) / np.where(spread > 0, spread, np.inf)

    def halves(self, where: IntArray) -> Array:
        """Mean of the newer half minus mean of the older half; 0 for a single value."""
        values, _, filled = self.at(where)
        number = np.minimum(self.seen[where], self.size)[:, None]
        newer = filled * (np.arange(self.size) >= self.size - number // 2)
        older = filled - newer
        new_mean = (values * newer).sum(1) / np.maximum(newer.sum(1), 1)
        return np.where(number[:, 0] > 1, new_mean - (values * older).sum(1) / older.sum(1), 0.0)

    def _row(self, at: int) -> int:
        if self.row[at] < 0:
            if self.used == len(self.values):
                self.values = np.concatenate([self.values, np.zeros_like(self.values)])
                self.times = np.concatenate([self.times, np.zeros_like(self.times)])
            self.row[at] = self.used
            self.used += 1
        return int(self.row[at])

    # State: only keys that were seen, so that a pool of 100,000 units stays small.

    @override
    def state_dict(self) -> dict[str, Any]:
        seen = np.flatnonzero(self.seen)
        rows = self.row[seen]
        return {
            "where": seen.tolist(),
            "seen": self.seen[seen].tolist(),
            "values": self.values[rows].ravel().tolist(),
            "times": self.times[rows].ravel().tolist(),
        }

    @override
    def stage(self, state: Mapping[str, Any]) -> Staged:
        fresh = Windows(self.keys, self.size)
        try:
            where = np.array(state["where"], dtype=np.int64)
            fresh.values, fresh.times = (
                np.array(state[name], dtype=float).reshape(len(where), self.size)
                for name in ("values", "times")
            )
            fresh.seen[where] = np.array(state["seen"], dtype=np.int64)
            fresh.row[where] = np.arange(len(where))
            if not (np.isfinite(fresh.values).all() and np.isfinite(fresh.times).all()):
                raise ValueError("not finite")
        except (KeyError, TypeError, ValueError, IndexError, OverflowError) as error:
            raise UserError(f"curriculum state: windows cannot be read ({error!r})") from None
        fresh.used = len(where)
        if not len(where):
            fresh = Windows(self.keys, self.size)
        return [lambda: vars(self).update(vars(fresh))]

    @override
    def transfer_state(self, other: Stateful) -> None:
        assert isinstance(other, Windows)
        where = {key: i for i, key in enumerate(other.keys) if other.seen[i]}
        for i, key in enumerate(self.keys):
            if key in where:
                row, theirs = self._row(i), other.row[where[key]]
                self.values[row], self.times[row] = other.values[theirs], other.times[theirs]
                self.seen[i] = other.seen[where[key]]
