"""Conformance checks for one environment: what `rlskills env check` and test suites run.

A check is a small generator that yields a `Problem` for each thing wrong, with the task that shows
it, and returns one line saying what it looked at. `CHECKS` lists them all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from ...errors import UnknownName
from ..registry import load
from ..types import Task
from . import drawing, episodes, grading, records
from .subject import Finding, Problem, Problems, Subject, raised

SHOWN = 3
"""Problems reported for each check; more would only repeat them."""
ENOUGH = 20
"""Problems after which a check stops looking."""

CHECKS: dict[str, Callable[[Subject], Problems]] = {
    "draws": drawing.draws,
    "oracle": grading.oracle,
    "episodes": episodes.episodes,
    "steps": grading.steps,
    "truncated": grading.truncated,
    "copies": grading.copies,
    "exchanged answers": grading.exchanged,
    "junk": grading.junk,
    "injections": grading.injections,
    "redrawn": drawing.redrawn,
    "fresh process": drawing.processes,
    "disjoint splits": drawing.disjoint,
    "hold-outs": drawing.holdouts,
    "compositions": drawing.compositions,
    "duplicates": drawing.duplicates,
    "golden": records.golden,
    "twins": records.twins,
    "prompts": records.prompts,
    "speed": records.speed,
}


def check(
    env_spec: str,
    *,
    junk: int = 300,
    tasks: int = 3,
    draws: int = 1000,
    golden: Path | None = None,
    only: Sequence[str] = (),
) -> list[Finding]:
    """Run the checks on an environment, named as for `load`; options may follow the name.

    `junk` hostile strings are tried, the shortest and worst on each of a few tasks; `tasks` are
    drawn from every split and level, and `draws` training tasks of every level are searched for
    duplicates. `golden` is a folder of digests to compare with; what is not in it yet is written.
    `only` names the checks to run, all of them by default. A check without a problem gives one
    finding, `ok`. A `UserError` means that the environment could not be loaded at all.
    """
    for name in only:
        if name not in CHECKS:
            raise UnknownName("check", name, CHECKS)
    subject = Subject(load(env_spec), junk, tasks, draws, golden)
    return [finding for name in chosen(subject, only) for finding in findings(name, subject)]


def chosen(subject: Subject, only: Sequence[str]) -> list[str]:
    """The names of the checks to run."""
    if not subject.sample:  # then nothing else can be said
        return ["draws"]
    return [name for name in CHECKS if name in (only or CHECKS)]


def findings(name: str, subject: Subject) -> Iterator[Finding]:
    """One check's problems; an exception in the author's code is a problem too."""
    problems, found, summary = CHECKS[name](subject), [], ""
    while len(found) < ENOUGH:
        try:
            found.append(next(problems))
        except StopIteration as end:
            summary = end.value
            break
        except (Exception, SystemExit) as error:
            found.append(Problem(raised(error)))
            break
    problems.close()
    for problem in found[:SHOWN]:
        yield Finding(name, problem.level, problem.message, _json(problem.task))
    if len(found) > SHOWN:
        worst = min(problem.level for problem in found)  # "failure" sorts before "warning"
        yield Finding(name, worst, f"at least {len(found) - SHOWN} more problems of this kind")
    if not found:
        yield Finding(name, "ok", summary)


def _json(task: Task | None) -> str | None:
    try:
        return task.to_json() if task else None
    except Exception:  # what is not JSON is a finding of its own
        return repr(task)


__all__ = ["CHECKS", "Finding", "check"]
