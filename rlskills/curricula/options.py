"""Options of a curriculum: a dataclass whose fields carry their default and their check.

    @dataclass(frozen=True)
    class Options(Base.Options):
        rate: float = fraction(0.3)
        #: How far the average moves to the newest pass rate.

A check that concerns several fields goes into `__post_init__`, after that of the base class.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, fields
from typing import Any, TypeVar, cast

from ..errors import UserError

Number = TypeVar("Number", int, float)
Check = Callable[[Any], bool]


@dataclass(frozen=True)
class NoOptions:
    """What a curriculum without options has; every other `Options` is derived from it."""

    def __post_init__(self) -> None:
        """Refuse a value that its field's check refuses."""
        for option in fields(self):
            value = getattr(self, option.name)
            if isinstance(value, float) and not math.isfinite(value):
                raise UserError(f"{option.name}={value} is not finite")
            if "check" in option.metadata:
                ensure(option.name, value, *option.metadata["check"])

    def changed(self) -> dict[str, Any]:
        """The options that do not have their default value."""
        values = {option.name: getattr(self, option.name) for option in fields(self)}
        return {
            option.name: values[option.name]
            for option in fields(self)
            if values[option.name] != option.default
        }

    def to_json(self) -> dict[str, Any]:
        """All options as JSON has them."""
        return json.loads(json.dumps(asdict(self), default=dict))


def ensure(name: str, value: Any, holds: Check, must: str) -> None:
    """Raise a `UserError` unless the value is as it must be."""
    if not holds(value):
        raise UserError(f"{name} must {must}, but is {value}")


IN_UNIT = (lambda value: 0 <= value <= 1, "lie between 0 and 1")
INSIDE_UNIT = (lambda value: 0 < value < 1, "lie strictly between 0 and 1")
BELOW_ONE = (lambda value: 0 <= value < 1, "be at least 0 and below 1")
POSITIVE = (lambda value: value > 0, "be positive")


def fraction(default: float) -> float:
    """An option in [0, 1]."""
    return _option(default, *IN_UNIT)


def inside(default: float) -> float:
    """An option in (0, 1)."""
    return _option(default, *INSIDE_UNIT)


def below_one(default: float) -> float:
    """An option in [0, 1)."""
    return _option(default, *BELOW_ONE)


def positive(default: Number) -> Number:
    """An option above 0."""
    return _option(default, *POSITIVE)


def at_least(bound: int, default: int) -> int:
    """An option of `bound` or more."""
    return _option(default, lambda value: value >= bound, f"be at least {bound}")


def _option(default: Number, holds: Check, must: str) -> Number:
    return cast(Number, field(default=default, metadata={"check": (holds, must)}))


def ensure_band(low: float, high: float) -> None:
    """Bounds of a band of pass rates."""
    if not 0 <= low <= high <= 1:
        raise UserError(f"a band needs 0 <= low <= high <= 1, but has {low} and {high}")


def ensure_group_sizes(low: int, mean: int, high: int) -> None:
    """A mean group size between two bounds, none below 1."""
    if not 1 <= low <= mean <= high:
        raise UserError(f"group sizes need 1 <= low <= mean <= high, not {low}, {mean}, {high}")
