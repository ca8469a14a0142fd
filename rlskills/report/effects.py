"""The effect of a claim in each seed, from what runs recorded."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import UserError
from ..runs.claims import Effect
from ..runs.tags import Address
from .arena import Logged, Probe
from .run import Run


@dataclass(frozen=True)
class Measured:
    """An effect by seed, or what is missing."""

    effects: tuple[float, ...] = ()
    missing: tuple[str, ...] = ()


def measured(effect: Effect, pools: Mapping[str, Sequence[Run]]) -> Measured:
    """The effect in every seed that both arms have."""
    names = [effect.arm, *filter(None, [effect.against])]
    if absent := [name for name in dict.fromkeys(names) if not pools.get(name)]:
        return Measured(missing=tuple(f"no {name}" for name in absent))
    by_seed = [{run.seed: run for run in pools[name]} for name in names]
    seeds = sorted(set.intersection(*map(set, by_seed)))
    try:
        return Measured(tuple(_in_seed(effect, [of[seed] for of in by_seed]) for seed in seeds))
    except UserError as lack:
        return Measured(missing=(str(lack),))


def _in_seed(effect: Effect, runs: Sequence[Run]) -> float:
    """From the arm's run and, where it is against another, that one's."""

    def lead(measure: str, places: Sequence[Address]) -> float:
        found = [value(run, measure, places) for run in runs]
        return found[0] - sum(found[1:])

    found = lead(effect.measure, effect.at)
    if effect.less_at:
        found -= lead(effect.measure, effect.less_at)
    if effect.less_measure:
        found -= lead(effect.less_measure, effect.at)
    return effect.sign * found


def value(run: Run, measure: str, places: Sequence[Address]) -> float:
    """One number of a run, `measure` as in `Effect`; a `UserError` where it was not measured."""
    if measure == "greedy":
        return _mean(run, Probe(measure, tuple(places)))
    if match := re.fullmatch(r"pass@(\d+)", measure):
        return _mean(run, Probe(measure, tuple(places), int(match[1])))
    if measure.startswith("class: "):
        return _share(run, measure.removeprefix("class: "), places)
    return _mean(run, Logged(measure, measure.removeprefix("logged: ")))


def _share(run: Run, kind: str, places: Sequence[Address]) -> float:
    """Of the greedy answers whose kind is known, those of this kind."""
    sets = [run.eval_sets[place] for place in places if place in run.eval_sets]
    known = [each.greedy for of in sets for each in of.kinds or () if each and each.greedy]
    if len(sets) < len(places) or not known:
        raise UserError(f"{run}: no kinds of answers to compute {kind} of")
    return known.count(kind) / len(known)


def _mean(run: Run, asked: Probe | Logged) -> float:
    found = float(np.mean(asked.of(run)))
    if not np.isfinite(found):
        raise UserError(f"{run}: nothing to compute {asked.name} of")
    return found
