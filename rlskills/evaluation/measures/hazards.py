"""At which step traces first go wrong, and why: hazards by cause.

Shares of failures mix how often a step is reached with how well it is done. A hazard does not: of
the traces still without a defect at step j, it is the share that has its first one there, by cause
(`binding`, `slip`, or `stop` where nothing follows). Discrete competing risks, as in any text on
survival analysis; that training on compositions lowers the hazards of binding and stopping, and
training on atoms that of slips, is a hypothesis which they test.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias, get_args

import numpy as np

from ...errors import UserError
from ...stats import Interval, wilson
from .counts import Floats, resampled_means
from .failures import Failure

Cause: TypeAlias = Literal["binding", "slip", "stop"]
CAUSES: tuple[Cause, ...] = get_args(Cause)


class Trace(NamedTuple):
    """One trace: the steps of its problem, and the first defect's step, counted from 1, and cause;
    0 and None for a trace without a defect. `problem` is any number that says which."""

    length: int
    step: int
    cause: Cause | None
    problem: int = 0


@dataclass(frozen=True, eq=False)
class Hazards:
    """Traces without a defect before each step, and first defects at it by cause."""

    at_risk: Floats
    """Shape (steps,)."""
    failed: Floats
    """Shape (causes, steps), in the order of `CAUSES`."""

    @property
    def hazards(self) -> Floats:
        """Shape (causes, steps); not a number where no trace got there."""
        with np.errstate(invalid="ignore"):
            return self.failed / self.at_risk

    @property
    def survival(self) -> Floats:
        """Chance of no defect up to and at each step, shape (steps,).

        Where all problems have m steps, the last one is the share of sound traces: that of verified
        answers, but for those that miscopy the answer.
        """
        return np.cumprod(1 - np.nan_to_num(self.hazards).sum(axis=0))

    @property
    def incidence(self) -> Floats:
        """Chance of a first defect by each cause in the whole trace, shape (causes,)."""
        before = np.concatenate([[1.0], self.survival[:-1]])
        return (np.nan_to_num(self.hazards) * before).sum(axis=1)

    def interval(self, cause: Cause, step: int) -> Interval:
        """Wilson's interval of one hazard, `step` counting from 1.

        For traces of different problems; several samples of one problem are alike, see `band`.
        """
        if not 1 <= step <= len(self.at_risk) or not self.at_risk[step - 1]:
            raise UserError(f"no trace reached step {step} without a defect")
        failed = float(self.failed[CAUSES.index(cause), step - 1])
        return wilson(failed, int(self.at_risk[step - 1]))


def hazards(traces: Sequence[Trace]) -> Hazards:
    """The hazards of traces. Problems may differ in length: a trace is at risk up to its own."""
    table = _tables(traces)[0].sum(axis=0)
    return Hazards(table[0], table[1:])


def band(traces: Sequence[Trace], seed: int = 0) -> tuple[Floats, Floats]:
    """95% bounds of all hazards, each (causes, steps), by a bootstrap over whole problems."""
    tables, _ = _tables(traces)
    draws = resampled_means(tables, seed, resamples=1000)
    with np.errstate(invalid="ignore"):
        found = draws[:, 1:] / draws[:, :1]
    low, high = np.full((2, *found.shape[1:]), np.nan)
    reached = np.isfinite(found).any(axis=0)  # a step that no trace got to has no bounds
    if reached.any():
        low[reached], high[reached] = np.nanquantile(
            found[:, reached], [0.025, 0.975], axis=0, method="inverted_cdf"
        )
    return low, high


def trace_of(failure: Failure, length: int, problem: int = 0) -> Trace:
    """The trace of a completion that `failures.classify` judged, of a problem of `length` steps."""
    defect = failure.defect
    if defect is None:
        return Trace(length, 0, None, problem)
    return Trace(length, defect.step + 1, defect.cause, problem)


def _tables(traces: Sequence[Trace]) -> tuple[Floats, list[int]]:
    """At risk and failed by problem: shape (problems, 1 + causes, steps)."""
    if not traces:
        raise UserError("hazards need at least one trace")
    names = sorted({trace.problem for trace in traces})
    row = {name: i for i, name in enumerate(names)}
    tables = np.zeros((len(names), 1 + len(CAUSES), max(trace.length for trace in traces)))
    for trace in traces:
        if (trace.cause is None) != (trace.step == 0) or not 0 <= trace.step <= trace.length:
            raise UserError(f"a trace of {trace.length} steps cannot have a defect at {trace.step}")
        mine = tables[row[trace.problem]]
        mine[0, : trace.step or trace.length] += 1
        if trace.cause is not None:
            mine[1 + CAUSES.index(trace.cause), trace.step - 1] += 1
    return tables, names
