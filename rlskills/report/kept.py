"""What a record may keep of a task beside right and wrong, read with care for damaged files.

Records of earlier versions have none of it, nor have environments whose steps cannot be read; see
`evaluation/explained.py` for what is written. All functions raise a `ValueError` for values that
were never written.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, get_args

from ..evaluation.measures.hazards import Cause, Trace


@dataclass(frozen=True)
class Kinds:
    """Of which kinds the answers to one problem are."""

    greedy: str | None
    """None where it could not be graded."""
    samples: Mapping[str, int] = field(default_factory=dict)
    """Graded samples by kind."""
    verified: int = 0
    """Samples that are right by right steps."""
    trace: Trace | None = None
    """The greedy answer's steps and where they first go wrong; None where it has none."""
    slip: str = ""
    """What is wrong with a wrong result, where that is the first defect."""


@dataclass(frozen=True)
class Shown:
    """The greedy answer to one problem, both texts cut; `first_wrong` are characters of it."""

    prompt: str
    completion: str
    first_wrong: tuple[int, int] | None = None


def skills_of(task: Mapping[str, Any]) -> tuple[str, ...]:
    """The skills of a problem in evaluation order; none where they are not known."""
    return tuple(str(skill) for skill in _of(task, "skills", list, []))


def kinds_of(task: Mapping[str, Any], place: int) -> Kinds | None:
    """The kinds of answers to the problem of number `place`; None where a record has none."""
    if "greedy_class" not in task and "classes" not in task:
        return None
    samples = {str(kind): _whole(n, 0) for kind, n in _of(task, "classes", dict, {}).items()}
    verified = _whole(task.get("verified", 0), 0)
    if sum(samples.values()) > _whole(task.get("samples", 0), 0) or verified > sum(
        samples.values()
    ):
        raise ValueError("more samples have a kind than there are samples")
    greedy = _of(task, "greedy_class", str, None)
    trace, slip = _trace(task, place)
    return Kinds(greedy, samples, verified, trace, slip)


def shown_of(task: Mapping[str, Any]) -> Shown | None:
    """The texts that are kept of a problem; None where a record has none."""
    if "completion" not in task:
        return None
    prompt, completion = (str(_of(task, name, str, "")) for name in ("prompt", "completion"))
    span = _of(task, "first_wrong", list, None)
    if span is None:
        return Shown(prompt, completion)
    start, end = (_whole(each, 0) for each in span)
    if not start < end <= len(completion):
        raise ValueError("first_wrong lies outside of the completion")
    return Shown(prompt, completion, (start, end))


def _trace(task: Mapping[str, Any], place: int) -> tuple[Trace | None, str]:
    if "steps" not in task:
        return None, ""
    length, defect = _whole(task["steps"], 1), _of(task, "defect", dict, None)
    if defect is None:
        return Trace(length, 0, None, place), ""
    step, cause = _whole(defect["step"], 1), defect["cause"]
    if step > length or cause not in get_args(Cause):
        raise ValueError(f"no answer of {length} steps has a defect at {step} by {cause!r}")
    return Trace(length, step, cause, place), str(defect.get("type") or "")


def _of(task: Mapping[str, Any], name: str, kind: type[Any], missing: Any) -> Any:
    value = task.get(name, missing)
    if value is not missing and not isinstance(value, kind):
        raise ValueError(f"{name} is not of the kind that is written")
    return value


def _whole(value: object, least: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise ValueError(f"a whole number from {least} should stand where {str(value)[:40]!r} does")
    return value
