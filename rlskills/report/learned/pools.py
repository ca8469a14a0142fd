"""Runs by arm, and what several tables ask of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np

from ...evaluation.measures.counts import Counts, counts
from ...runs.tags import Address
from ..kept import Kinds
from ..run import EvalSet, Run, addresses

Pools: TypeAlias = Mapping[str, Sequence[Run]]


def evaluated(pools: Pools) -> list[Address]:
    """Every eval set, groups as they come, levels rising."""
    runs = [run for pool in pools.values() for run in pool]
    return [address for address in addresses(runs) if address in runs[0].eval_sets]


def with_kinds(pool: Sequence[Run], address: Address) -> list[tuple[Kinds | None, ...]]:
    """The kinds of answers in each run of an arm that has recorded any."""
    found = [run.eval_sets[address].kinds for run in pool if address in run.eval_sets]
    return [kinds for kinds in found if kinds is not None]


def sampled(eval_set: EvalSet) -> Counts | None:
    """Right and graded samples by problem; None where a problem has no sample."""
    if min(eval_set.samples) == 0:
        return None
    return counts(np.array(eval_set.samples), np.array(eval_set.correct))


def answered(eval_set: EvalSet) -> Counts:
    """As `sampled`, or greedy answers counted as one sample each."""
    found = sampled(eval_set)
    return counts(1, np.array(eval_set.greedy, dtype=int)) if found is None else found


def joined(several: Sequence[Counts]) -> Counts:
    """The problems of several counts as one row."""
    n, c = (np.concatenate([getattr(one, name) for one in several]) for name in ("n", "c"))
    return counts(n, c)
