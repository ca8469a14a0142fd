"""Checkpointable state: JSON-safe, validated before it is applied, transferable to a changed pool.

A piece of state lists its attributes: `rows` are arrays with an entry for each of `keys`, `saved`
is everything else. Saving, loading and a change of units then need no code in a method's own file.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, ClassVar, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..errors import UserError

Array: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.int64]
Staged: TypeAlias = list[Callable[[], None]]


class Stateful:
    """An object with state: arrays by key (`rows`), scalars, generators, lists, and other such."""

    rows: ClassVar[tuple[str, ...]] = ()
    saved: ClassVar[tuple[str, ...]] = ()
    keys: tuple[str, ...] = ()

    def state_dict(self) -> dict[str, Any]:
        """All state, JSON-safe; numbers survive the way through JSON bit by bit."""
        return {name: encode(getattr(self, name)) for name in fields(type(self))}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from `state_dict`; on an error (`UserError`) nothing has changed."""
        for change in self.stage(state):
            change()

    def stage(self, state: Mapping[str, Any]) -> Staged:
        """What to do to continue from `state`, after all of it has been checked."""
        changes: Staged = []
        mapping(state)
        for name in fields(type(self)):
            mine = getattr(self, name)
            try:
                if isinstance(mine, Stateful):
                    changes += mine.stage(state[name])
                    continue
                value = decode(mine, state[name])
            except (KeyError, TypeError, ValueError, OverflowError, IndexError) as error:
                raise UserError(f"curriculum state: {name!r} cannot be read ({error!r})") from None
            changes.append(lambda name=name, value=value: setattr(self, name, value))
        return [*changes, self.refresh]

    def refresh(self) -> None:
        """Recompute what follows from the state; called after it was loaded or transferred."""

    def transfer_state(self, other: Stateful) -> None:
        """Copy the state of a piece of the same kind with other keys; new keys start fresh."""
        where = {key: i for i, key in enumerate(other.keys)}
        to = np.array([i for i, key in enumerate(self.keys) if key in where], dtype=np.int64)
        of = np.array([where[self.keys[i]] for i in to], dtype=np.int64)
        for name in fields(type(self)):
            mine, theirs = getattr(self, name), getattr(other, name)
            if isinstance(mine, Stateful):
                mine.transfer_state(theirs)
            elif name in _listed(type(self), "rows"):
                mine[to] = theirs[of]
            else:
                setattr(self, name, theirs)
        self.refresh()


def mapping(state: Any) -> None:
    """Refuse a state that is not a mapping."""
    if not isinstance(state, Mapping):
        raise UserError(f"curriculum state is a {type(state).__name__}, not a mapping")


@cache
def _listed(cls: type, which: str) -> tuple[str, ...]:
    return tuple(name for base in reversed(cls.__mro__) for name in vars(base).get(which, ()))


def fields(cls: type[Stateful]) -> tuple[str, ...]:
    """Names of all attributes that are state, those of base classes first."""
    return tuple(dict.fromkeys(_listed(cls, "saved") + _listed(cls, "rows")))


def encode(value: Any) -> Any:
    """JSON-safe form of one attribute."""
    if isinstance(value, Stateful):
        return value.state_dict()
    if isinstance(value, np.ndarray):
        return value.ravel().tolist()
    if isinstance(value, random.Random):
        version, words, gauss = value.getstate()
        return [version, list(words), gauss]
    if isinstance(value, np.random.Generator):
        return value.bit_generator.state
    return _copied(value)


def decode(mine: Any, data: Any) -> Any:
    """The value that `data` stands for, of the same kind as `mine`; raises when it is another."""
    if isinstance(mine, np.ndarray):
        values = np.array(data, dtype=mine.dtype)
        if values.size != mine.size or not np.isfinite(values).all():
            raise ValueError(f"{values.size} numbers, not {mine.size} finite numbers")
        return values.reshape(mine.shape)
    if isinstance(mine, random.Random):
        generator = random.Random()
        generator.setstate((data[0], tuple(data[1]), data[2]))
        return generator
    if isinstance(mine, np.random.Generator):
        bits = np.random.PCG64()
        bits.state = data
        return np.random.Generator(bits)
    if isinstance(mine, float) and isinstance(data, int | float) and math.isfinite(data):
        return float(data)
    if type(data) is not type(mine):
        raise TypeError(f"{type(data).__name__}, not {type(mine).__name__}")
    return _copied(data)


def _copied(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_copied(entry) for entry in value]
    if isinstance(value, dict):
        return {key: _copied(entry) for key, entry in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{value} is not finite")
    if not isinstance(value, str | int | float | None):
        raise TypeError(f"a {type(value).__name__} is not JSON")
    return value
