"""What kind of mistake a worked answer makes, told by known intermediate values, without a judge.

Claims are bound to the steps of the task in evaluation order, each step expecting the results that
were claimed for its operands. The first step at which that fails is the first defect:

    slip       the right call, a wrong result
    misbound   the right function on other arguments
    missing    no claim for the step
    extra      a claim that belongs to no step

and it decides the class (`classify`). The classes are those that "From f(x) and g(x) to f(g(x))"
(arXiv 2509.25123, section 4.5) gives by a language model; the rules are ours. `answers.explain` is
for answers without steps.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from ...errors import UserError
from .claims import Claim, Library, Problem, applied

Fault: TypeAlias = Literal["slip", "misbound", "missing", "extra"]
Kind: TypeAlias = Literal[
    "unparsed", "truncated", "verified", "lucky", "ignores composition", "wrong composition",
    "incomplete trace", "atomic error", "answer differs", "sound",
]  # fmt: skip
"""`verified` and `lucky` answers are both right, with and without a sound trace. `sound` is a
trace without a defect, where the answer is missing."""
SLIPS = ("unchanged", "other function", "reordered", "substituted", "dropped", "added", "other")
"""Types of atomic errors, the first that fits: the result is an argument; what another function of
the library gives; the right letters in another order; of the right length; a part of the right
value with letters left out; the right value and more letters; none of these."""


@dataclass(frozen=True)
class Defect:
    """The first thing that is wrong in a trace. `step` counts from 0."""

    fault: Fault
    step: int
    op: str
    followed: bool
    """Whether claims for later steps exist."""
    type: str = ""
    """Of a slip, one of `SLIPS`."""
    confused_with: str = ""
    """The function whose result a slip of type `other function` gives."""

    @property
    def cause(self) -> Literal["slip", "binding", "stop"]:
        """What failed: an atom, the composition, or going on."""
        if self.fault == "slip":
            return "slip"
        return "stop" if self.fault == "missing" and not self.followed else "binding"


@dataclass(frozen=True)
class Failure:
    """The class of one completion; `trace` is that of its steps, whatever the answer's form."""

    kind: Kind
    trace: Kind
    defect: Defect | None

    @property
    def correct(self) -> bool:
        """Whether the answer is right."""
        return self.kind in ("verified", "lucky")


def classify(
    task: Problem,
    claims: Sequence[Claim],
    answer: str | None,
    library: Library | None = None,
    truncated: bool = False,
    twins: Mapping[str, str] | None = None,
    right: bool | None = None,
) -> Failure:
    """The class of a completion, the first of these that holds.

    1. truncated, or unparsed (`answer` is None);
    2. the answer is right: verified without a defect, else lucky;
    3. ignores composition: at most one different call; or no call takes an earlier result, and the
       answer is a call's result, the input, or one function on it;
    4. wrong composition: the first defect is misbound, extra, or missing with calls after it;
    5. incomplete trace: it is missing, and nothing follows;
    6. atomic error: it is a slip;
    7. the answer differs from a trace that is sound to its end (miscopied).

    `library` is needed for what is claimed on arguments that are wrong already, and for the types
    of slips. With `twins` (a function's name to that of one that does the same) functions count by
    what they do; without, by name. `right` says whether the answer is, where it is something else
    than the last step's value. Problems of one step have no composition: a `UserError`. With two
    steps, no trace can be told to be incomplete. Where no step takes another's value (a row of
    calls, the columns of a sum) rule 3 does not apply.
    """
    if len(task.steps) < 2:
        raise UserError("failures are classes of problems with at least two steps")
    if twins:
        task, claims = _without_twins(task, claims, twins)
    defect = first_defect(task, claims, library)
    if right is None:
        right = answer is not None and answer == task.answer
    trace = _trace_kind(task, claims, answer, defect, library, right)
    if truncated or answer is None:
        return Failure("truncated" if truncated else "unparsed", trace, defect)
    if right:
        return Failure("lucky" if defect else "verified", trace, defect)
    return Failure("answer differs" if trace == "sound" else trace, trace, defect)


def first_defect(
    task: Problem, claims: Sequence[Claim], library: Library | None = None
) -> Defect | None:
    """The first defect in evaluation order, None in a sound trace."""
    free = list(range(len(claims)))
    values: list[str] = []
    faults: dict[int, Fault] = {}
    owner: dict[int, int] = {}
    slips: dict[int, Claim] = {}
    for i, step in enumerate(task.steps):
        args = task.args(i, values)
        named = [j for j in free if claims[j].op == step.op]
        exact = [j for j in named if _alike(task, step.op, claims[j].args, args)]
        if exact:
            # The last of several counts, so that who corrects a step is right; but as many are
            # left as later steps ask the same.
            place = max(0, len(exact) - _repeats(task, i))
            pick, used = exact[place], exact[: place + 1]
            if claims[pick].value != _truth(task, i, args, library, claims[pick].value):
                faults[i], slips[i] = "slip", claims[pick]
        elif named:
            pick = _closest(task, i, named, claims)
            used, faults[i] = [pick], "misbound"
        else:
            faults[i] = "missing"
            values.append(step.value)
            continue
        owner |= dict.fromkeys(used, i)
        free = [j for j in free if j not in used]
        values.append(claims[pick].value)
    return _first(task, claims, faults, owner, slips, library)


def slip_type(claim: Claim, truth: str, library: Library | None = None) -> tuple[str, str]:
    """One of `SLIPS` for a wrong result, and the function that it was confused with, if any."""
    found = claim.value
    if found in claim.args:
        return "unchanged", ""
    for op, act in (library or {}).items():
        if op != claim.op and applied(act, claim.args) == found:
            return "other function", op
    if sorted(found) == sorted(truth):
        return "reordered", ""
    if len(found) == len(truth):
        return "substituted", ""
    if _within(found, truth):
        return "dropped", ""
    return ("added" if _within(truth, found) else "other"), ""


def class_counts(failures: Sequence[Failure]) -> dict[str, tuple[int, int]]:
    """How many completions have each class, of how many, for `stats.wilson`."""
    return {
        kind: (count, len(failures)) for kind, count in Counter(f.kind for f in failures).items()
    }


def _trace_kind(
    task: Problem, claims: Sequence[Claim], answer: str | None, defect: Defect | None,
    library: Library | None, right: bool,
) -> Kind:  # fmt: skip
    if defect is None:
        return "sound"
    if task.composed and (kind := _ignores(task, claims, answer, library, right)):
        return kind
    if defect.fault == "slip":
        return "atomic error"
    return "incomplete trace" if defect.cause == "stop" else "wrong composition"


def _ignores(
    task: Problem, claims: Sequence[Claim], answer: str | None, library: Library | None,
    right: bool,
) -> Literal["ignores composition"] | None:  # fmt: skip
    if len({(claim.op, claim.args) for claim in claims}) <= 1:
        return "ignores composition"
    before: set[str] = set()
    takes = False
    for claim in claims:
        takes = takes or not before.isdisjoint(claim.args)
        before.add(claim.value)
    if not takes and not right and answer in before | {task.given} | _alone(task, library):
        return "ignores composition"
    return None


def _first(
    task: Problem, claims: Sequence[Claim], faults: Mapping[int, Fault],
    owner: Mapping[int, int], slips: Mapping[int, Claim], library: Library | None,
) -> Defect | None:  # fmt: skip
    """The earliest of the steps' faults and of the claims that no step owns."""
    reached, extra = -1, None
    for j in range(len(claims)):
        if j not in owner:
            extra = (reached, claims[j])
            break
        reached = max(reached, owner[j])
    step = min(faults, default=None)
    if extra is not None and (step is None or extra[0] < step):
        at = min(extra[0] + 1, len(task.steps) - 1)
        return Defect("extra", at, extra[1].op, any(i > extra[0] for i in owner.values()))
    if step is None:
        return None
    followed = extra is not None or any(i > step for i in owner.values())
    defect = Defect(faults[step], step, task.steps[step].op, followed)
    if step not in slips:
        return defect
    kind, other = slip_type(slips[step], task.steps[step].value, library)
    return replace(defect, type=kind, confused_with=other)


def _alike(task: Problem, op: str, args: tuple[str, ...], expected: tuple[str, ...]) -> bool:
    return args == expected or (op in task.commutative and sorted(args) == sorted(expected))


def _repeats(task: Problem, i: int) -> int:
    """How many steps from i on ask the same call, as where a function changes nothing."""
    asked = [(task.steps[j].op, task.args(j)) for j in range(i, len(task.steps))]
    return asked.count(asked[0])


def _closest(task: Problem, i: int, named: Sequence[int], claims: Sequence[Claim]) -> int:
    """The last claim with the step's own literals, else the last one."""
    step = task.steps[i]

    def same(args: tuple[str, ...]) -> bool:
        pairs = zip(args, step.args, strict=False)
        return len(args) == len(step.args) and all(isinstance(b, int) or a == b for a, b in pairs)

    return ([j for j in named if same(claims[j].args)] or list(named))[-1]


def _truth(
    task: Problem, i: int, args: tuple[str, ...], library: Library | None, otherwise: str
) -> str:
    """What step i returns on `args`; `otherwise` where nobody can say."""
    step = task.steps[i]
    if _alike(task, step.op, args, task.args(i)):
        return step.value
    found = applied(library[step.op], args) if library and step.op in library else None
    return otherwise if found is None else found


def _alone(task: Problem, library: Library | None) -> set[str]:
    """What one function of the problem gives on the input itself."""
    found = set()
    for step in task.steps:
        operands = [arg for arg in step.args if isinstance(arg, int) or arg == task.given]
        if library and step.op in library and len(operands) == 1:
            args = [task.given if arg == operands[0] else str(arg) for arg in step.args]
            found.add(applied(library[step.op], args))
    return {value for value in found if value is not None}


def _within(short: str, long: str) -> bool:
    """Whether a text is another one with letters left out."""
    letters = iter(long)
    return len(short) < len(long) and all(letter in letters for letter in short)


def _without_twins(
    task: Problem, claims: Sequence[Claim], twins: Mapping[str, str]
) -> tuple[Problem, list[Claim]]:
    steps = tuple(replace(step, op=twins.get(step.op, step.op)) for step in task.steps)
    renamed = [replace(claim, op=twins.get(claim.op, claim.op)) for claim in claims]
    return replace(task, steps=steps), renamed
