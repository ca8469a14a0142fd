"""That runs can be compared problem by problem and seed by seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..errors import UserError
from ..runs.folder import CODE, EVAL_CODE
from ..runs.tags import Address
from .run import EvalSet, Run, addresses


def check_same_problems(runs: Sequence[Run]) -> None:
    """Refuse two runs of one arm and seed, and runs that answered other problems."""
    first = runs[0]
    seen: dict[tuple[str, int], Run] = {}
    for run in runs:
        twin = seen.setdefault((run.arm, run.seed), run)
        if twin is not run:
            apart = not set(addresses([twin])) & set(addresses([run]))
            raise UserError(
                f"two runs of {run.arm} seed {run.seed}: {twin.folder} and {run.folder}; "
                + (
                    "they answered other eval sets: compare them apart"
                    if apart
                    else "compare one of them"
                )
            )
        for group, level in addresses([first, run]):
            theirs, its = (each.eval_sets.get((group, level)) for each in (first, run))
            if _identity(theirs) != _identity(its):
                raise UserError(
                    f"{run} and {first} were not evaluated on the same problems at {group} "
                    f"level {level}; evaluate both on the same eval sets"
                )


def check_same_code(runs: Sequence[Run], notes: list[str] | None, same_code: bool) -> None:
    """Refuse runs whose evaluation was graded by two versions of one file.

    With `same_code`, and where only the training differs in that, it is a note.
    """
    for kind, what in ((EVAL_CODE, "graded"), (CODE, "trained")):
        first: dict[str, tuple[Run, str]] = {}
        for run in runs:
            for file, digest in (run.config.get(kind) or {}).items():
                other, before = first.setdefault(file, (run, digest))
                if before == digest:
                    continue
                text = f"{other.folder} and {run.folder} were {what} with two versions of {file}"
                if kind == EVAL_CODE and not same_code:
                    raise UserError(
                        f"{text}; run one of them again, or say --same-code if they grade alike"
                    )
                if notes is not None and text not in notes:
                    notes.append(text)


def graded_everywhere(runs: list[Run], notes: list[str] | None) -> list[Run]:
    """The runs without the problems that a grader failed on in any of them: neither right nor
    wrong, and left out everywhere, so that the arms stay paired."""
    kept: dict[Address, Sequence[bool]] = {}
    for run in runs:
        for address, eval_set in run.eval_sets.items():
            before = kept.get(address, (True,) * len(eval_set.keys))
            kept[address] = [a and b for a, b in zip(before, eval_set.graded, strict=True)]
    for (group, level), keep in kept.items():
        if notes is not None and not all(keep):
            left = f"{len(keep) - sum(keep)} of {len(keep)} problems of {group} level {level}"
            notes.append(f"{left} are left out: in some run their grader failed")
    return [
        replace(
            run,
            eval_sets={
                address: eval_set.only(kept[address])
                for address, eval_set in run.eval_sets.items()
                if any(kept[address])
            },
        )
        for run in runs
    ]


def _identity(eval_set: EvalSet | None) -> tuple[str, tuple[str, ...]] | None:
    return (eval_set.split, eval_set.keys) if eval_set else None
