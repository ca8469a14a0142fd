"""The numbers of a comparison: accuracy, pass@k, difference to the base, budgets, crossovers.

    comparison = compare(["runs/quickstart"])

A `Comparison` is plain data: `sections` and `render` write it, `levels` draws it.
Every run answered the same problems, so arms are compared problem by problem and seed by seed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from ..runs.budget import BUDGETS
from ..runs.folder import BASE
from ..runs.tags import Address
from ..stats import Array, Interval, accuracy_interval, paired_difference, pass_curve
from .crossover import Crossover, crossovers
from .reading import load_runs
from .run import EvalSet, Run, arms

Cells: TypeAlias = Mapping[Address, Mapping[str, Interval]]
"""Intervals by (group, level), then by arm."""

COMPLETE = "complete"
_PER_SEED = ("seed", "folder", "path", "dir", "name", "output", "base", "moved_by")
"""Settings with these in their name may differ between seeds of one arm; `moved_by` gives each its
own problems."""


@dataclass(frozen=True)
class Arm:
    """What one arm was shown and what it spent, budgets as means over its seeds."""

    name: str
    seeds: tuple[int, ...]
    supervision: str
    supervision_note: str
    budgets: Mapping[str, float]
    problems: float | None


@dataclass(frozen=True)
class Measure:
    """One way to score a model, in every cell; `over_base` holds differences to the base arm."""

    name: str
    accuracy: Cells
    over_base: Cells


@dataclass(frozen=True)
class Comparison:
    """Everything that a comparison of runs says. `notes` are what a reader must know besides."""

    title: str
    arms: tuple[Arm, ...]
    addresses: tuple[Address, ...]
    measures: tuple[Measure, ...]
    crossovers: tuple[Crossover, ...]
    problems: Mapping[Address, int]
    notes: tuple[str, ...] = field(default=())
    runs: tuple[Run, ...] = field(default=(), repr=False)
    """What all of it rests on."""


def compare(paths: Iterable[str | Path], same_code: bool = False) -> Comparison:
    """The comparison of all evaluated runs in `paths`, run folders or parents of run folders.

    `same_code` takes runs that were graded by two versions of one file as graded alike.
    """
    notes: list[str] = []
    return build(load_runs(paths, notes, same_code), notes)


def build(runs: Sequence[Run], notes: Sequence[str] = ()) -> Comparison:
    """The comparison of runs that `load_runs` returned, which checked that they belong together."""
    pools = arms(runs)
    eval_sets = runs[0].eval_sets
    addresses = _ordered(eval_sets)
    measures = [_measure("greedy", 0, pools, addresses)]
    k = min((n for run in runs for p in run.eval_sets.values() for n in p.samples if n), default=0)
    measures += [_measure(f"pass@{n}", n, pools, addresses) for n in sorted({1, k} - {0}) if k]
    groups = dict.fromkeys(run.group for run in runs if run.group)
    return Comparison(
        title=", ".join(groups) or "comparison",
        arms=tuple(_arm(pool) for pool in pools.values()),
        addresses=tuple(addresses),
        measures=tuple(measures),
        crossovers=tuple(_judged(crossover, pools) for crossover in crossovers(runs)),
        problems={address: len(eval_sets[address].keys) for address in addresses},
        notes=(*notes, *_notes(pools)),
        runs=tuple(runs),
    )


def _ordered(eval_sets: Mapping[Address, EvalSet]) -> list[Address]:
    """Groups as the evaluation lists them, levels ascending within a group."""
    groups = list(dict.fromkeys(group for group, _ in eval_sets))
    return sorted(eval_sets, key=lambda address: (groups.index(address[0]), address[1]))


def _measure(
    name: str, k: int, pools: Mapping[str, Sequence[Run]], addresses: Sequence[Address]
) -> Measure:
    """One measure in all cells; k = 0 is the greedy answer, else pass@k from the samples."""
    accuracy: dict[Address, dict[str, Interval]] = {}
    over_base: dict[Address, dict[str, Interval]] = {}
    for address in addresses:
        rows = {
            arm: {run.seed: outcomes(run.eval_sets[address], k) for run in pool}
            for arm, pool in pools.items()
        }
        if any(row is None for seeds in rows.values() for row in seeds.values()):
            continue  # some task here was not sampled k times
        known = {a: {s: r for s, r in v.items() if r is not None} for a, v in rows.items()}
        accuracy[address] = {
            arm: accuracy_interval(np.stack(list(seeds.values()))) for arm, seeds in known.items()
        }
        over_base[address] = {
            arm: _difference(seeds, known[BASE], pairs)
            for arm, seeds in known.items()
            if arm != BASE and BASE in known and (pairs := pairing(pools[arm], pools[BASE]))
        }
    return Measure(name, accuracy, over_base)


def outcomes(eval_set: EvalSet, k: int) -> Array | None:
    """Score of each problem, shape (problems,): greedy 0 or 1 for k = 0, else pass@k.

    None where a problem has fewer than k samples.
    """
    if k == 0:
        return np.array(eval_set.greedy, dtype=np.float64)
    if min(eval_set.samples) < k:
        return None
    samples, correct = np.array(eval_set.samples), np.array(eval_set.correct)
    found = np.empty(len(samples))
    for n in np.unique(samples):
        found[samples == n] = pass_curve(int(n), correct[samples == n], k)[:, k - 1]
    return found


def pairing(pool: Sequence[Run], base: Sequence[Run]) -> list[tuple[int, int]]:
    """(seed, seed of the base to compare with): the same seed, or the only base there is."""
    seeds = [run.seed for run in base]
    if len(seeds) == 1:
        return [(run.seed, seeds[0]) for run in pool]
    return [(run.seed, run.seed) for run in pool if run.seed in seeds]


def _judged(crossover: Crossover, pools: Mapping[str, Sequence[Run]]) -> Crossover:
    """The crossover with `clear` filled in, from the final greedy answers."""
    address = (crossover.group, crossover.level)
    left, right = (pools[arm] for arm in crossover.arms)
    shared = {run.seed for run in left} & {run.seed for run in right}
    if not shared or address not in left[0].eval_sets:
        return crossover
    first, second = (
        np.array([run.eval_sets[address].greedy for run in pool if run.seed in shared], dtype=float)
        for pool in (left, right)
    )
    difference = paired_difference(first, second)
    ahead = difference.low > 0 if crossover.leader == crossover.arms[0] else difference.high < 0
    return replace(crossover, clear=ahead and crossover.leader is not None)


def _difference(
    rows: Mapping[int, Array], base: Mapping[int, Array], pairs: Sequence[tuple[int, int]]
) -> Interval:
    treated = np.stack([rows[seed] for seed, _ in pairs])
    return paired_difference(treated, np.stack([base[seed] for _, seed in pairs]))


def _arm(pool: Sequence[Run]) -> Arm:
    spent = {name: [run.spent(name) for run in pool] for name in BUDGETS}
    budgets = {name: _mean(values) for name, values in spent.items()}
    return Arm(
        name=pool[0].arm,
        seeds=tuple(run.seed for run in pool),
        supervision=_joined(str(run.supervision or "?") for run in pool),
        supervision_note=_joined(run.supervision_note for run in pool if run.supervision_note),
        budgets={name: value for name, value in budgets.items() if value is not None},
        problems=_mean([run.problems for run in pool]),
    )


def _joined(texts: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(texts))


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None


def _notes(pools: Mapping[str, Sequence[Run]]) -> list[str]:
    """What weakens the comparison and could be missed."""
    notes = []
    for arm, pool in pools.items():
        unfinished = [str(run.seed) for run in pool if run.status not in ("", COMPLETE)]
        if unfinished:
            notes.append(f"{arm}: seed {', '.join(unfinished)} is not complete")
        differ = sorted({name for run in pool[1:] for name in _differing(pool[0], run)})
        if differ:
            notes.append(f"{arm}: its seeds were trained with different {', '.join(differ)}")
        if arm == BASE or BASE not in pools:
            continue
        paired = {seed for seed, _ in pairing(pool, pools[BASE])}
        alone = [str(run.seed) for run in pool if run.seed not in paired]
        if alone:
            notes.append(f"{arm}: no base of seed {', '.join(alone)}; left out of differences")
    base = pools.get(BASE, [])
    if not base:
        notes.append(f"no arm named {BASE!r}, so no differences to it")
    elif len(base) == 1 and any(len(pool) > 1 for pool in pools.values()):
        notes.append("one base serves every seed: intervals of differences do not include its own")
    return notes


def _differing(first: Run, other: Run) -> list[str]:
    """Names of the settings in which two runs differ, but for seeds and paths on disk."""
    left, right = _flat(first.config), _flat(other.config)
    names = [name for name in left.keys() | right.keys() if left.get(name) != right.get(name)]
    return [name for name in names if not any(word in name.lower() for word in _PER_SEED)]


def _flat(config: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in config.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{prefix}{name}.")
        else:
            flat[f"{prefix}{name}"] = value
    return flat
