"""What a curriculum costs: CPU time of `sample` and `observe` of every method in the catalogue.

    python benchmarks/curricula.py [--units 1000 100000] [--batch 32] [--limit 5] [names ...]

prints milliseconds of a step, `sample` and then `observe` of one batch, over pools of these sizes:
the median, and the largest, which is that of a step that refits or records. Times are CPU time, so
that other work on the machine hardly counts. All units have been seen once by then, so that nothing
is saved because most are new. Teachers of parameters are timed over a box as well.
Exits with 1 if a median over any pool is above the limit.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

import tyro

from rlskills.curricula import CATALOGUE, Base, BoxPool, Choice, Outcome, Pool, make

TEACHERS = ("uniform_box", "alp_gmm", "covar_gmm", "riac")
BOX = BoxPool(low=(0.0, 0.0), high=(1.0, 1.0))


@dataclass
class Config:
    """How large the pools and the batches are."""

    names: tyro.conf.Positional[tuple[str, ...]] = ()
    units: tuple[int, ...] = (1_000, 100_000)
    batch: Annotated[int, tyro.conf.arg(aliases=["-k"])] = 32
    steps: int = 40
    limit: float = 5.0
    """Milliseconds that the median step may take."""


def pool(number: int, levels: int = 6, skills: int = 50) -> Pool:
    """Levels of equal size; each unit has two parts of the level below, and its level in skills."""
    rng, size = random.Random(0), max(number // levels, 1)
    names = [f"unit{i}" for i in range(number)]
    level = {name: min(i // size, levels - 1) + 1 for i, name in enumerate(names)}
    parts, tags = {}, {}
    for name in names:
        if level[name] > 1:
            below = (level[name] - 2) * size
            parts[name] = tuple(names[below + j] for j in rng.sample(range(size), 2))
        tags[name] = tuple(f"skill{j}" for j in rng.sample(range(skills), level[name]))
    return Pool(tuple(names), level, parts, tags)


def known(of: Pool) -> tuple[dict[str, float], list[Outcome]]:
    """A pass rate for each unit, and one group of each."""
    rng = random.Random(1)
    rate = {unit: rng.random() for unit in of.units}
    groups = (tuple(float(rng.random() < rate[unit]) for _ in range(8)) for unit in of.units)
    return rate, [Outcome(Choice(u), group, 0) for u, group in zip(of.units, groups, strict=True)]


def times(
    one: Base, rate: dict[str, float], seen: list[Outcome], batch: int, steps: int
) -> tuple[float, float]:
    """Median and largest milliseconds of a step, after the first, which works out what is kept."""
    rng, spent = random.Random(1), []
    one.observe(seen)
    for step in range(1, steps + 2):
        start = time.process_time()
        choices = one.sample(batch)
        middle = time.process_time()
        outcomes = [
            Outcome(
                choice,
                tuple(float(rng.random() < rate[choice.unit]) for _ in range(choice.rollouts or 8)),
                step,
                features=(rate[choice.unit],),
            )
            for choice in choices
        ]
        begin = time.process_time()
        one.observe(outcomes)
        spent.append(1e3 * (middle - start + time.process_time() - begin))
    spent = sorted(spent[1:])
    return spent[len(spent) // 2], spent[-1]


def cases(config: Config) -> Iterator[tuple[str, Pool, dict[str, float], list[Outcome]]]:
    """Pools one after the other, and the methods over each, with what `known` says."""
    named = config.names or tuple(name for name in CATALOGUE if name != "uniform_box")
    for number in config.units:
        units = pool(number)
        rate, seen = known(units)
        for name in named:
            yield name, units, rate, seen
    for name in named:
        if name.split("?")[0] in TEACHERS:
            yield name, BOX, {"box": 0.5}, []


def main(config: Config) -> None:
    """Time all methods, or those that are named, and print each as it is done."""
    slow = []
    print(f"batches of {config.batch}, milliseconds per step\n")
    print(f"{'method':32} {'units':>8} {'median':>8} {'largest':>8}", flush=True)
    for name, of, rate, seen in cases(config):
        median, largest = times(make(name, of), rate, seen, config.batch, config.steps)
        units = "box" if of is BOX else f"{len(of.units):,}"
        print(f"{name:32} {units:>8} {median:8.2f} {largest:8.2f}", flush=True)
        if median > config.limit:
            slow.append(f"{name} over {units}")
    if slow:
        print(f"above {config.limit:g} ms: {', '.join(slow)}")
        raise SystemExit(1)


if __name__ == "__main__":
    main(tyro.cli(Config))
