"""What a curriculum costs: CPU time of `sample` and `observe` of every method in the catalogue.

    python benchmarks/curricula.py [--units 100000] [--batch 256] [--steps 15] [names ...]

prints milliseconds for a batch over a large pool, and microseconds for 8 groups over a small one.
Times are medians of CPU time, so that other work on the machine hardly counts. Teachers of
parameters are timed over a box; their largest time is that of a fit.
"""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from typing import Annotated

import tyro

from rlskills.curricula import CATALOGUE, Base, BoxPool, Outcome, Pool, make

TEACHERS = ("uniform_box", "alp_gmm", "covar_gmm", "riac")


@dataclass
class Config:
    """How large the pool and the batches are."""

    names: tyro.conf.Positional[tuple[str, ...]] = ()
    units: int = 100_000
    batch: Annotated[int, tyro.conf.arg(aliases=["-k"])] = 256
    steps: int = 15
    small_units: int = 130


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


def times(one: Base, batch: int, steps: int) -> tuple[float, float, float]:
    """Median seconds of `sample` and of `observe`, and the most that either took."""
    rng, rate = random.Random(1), {unit: random.Random(unit).random() for unit in one.units}
    sampling, observing = [], []
    for step in range(steps):
        start = time.process_time()
        choices = one.sample(batch)
        sampling.append(time.process_time() - start)
        outcomes = [
            Outcome(
                choice,
                tuple(float(rng.random() < rate[choice.unit]) for _ in range(choice.rollouts or 8)),
                step,
                features=(rate[choice.unit],),
            )
            for choice in choices
        ]
        start = time.process_time()
        one.observe(outcomes)
        observing.append(time.process_time() - start)
    # The first step works out what later ones keep.
    first, middle = min(3, steps - 1), (steps - min(3, steps - 1)) // 2
    sampling, observing = sorted(sampling[first:]), sorted(observing[first:])
    return sampling[middle], observing[middle], max(sampling[-1], observing[-1])


def main(config: Config) -> None:
    """Time all methods, or those that are named, and print a table."""
    large, small = pool(config.units), pool(config.small_units)
    box = BoxPool(low=(0.0, 0.0), high=(1.0, 1.0))
    print(f"{config.units} units, batches of {config.batch}; small: {config.small_units} units")
    print("method                       sample, ms  observe, ms  largest, ms  8 of small, us")
    for name in config.names or CATALOGUE:
        of = box if name in TEACHERS else large
        sample, observe, largest = times(make(name, of), config.batch, config.steps)
        little = times(make(name, box if name in TEACHERS else small), 8, 30 * config.steps)
        print(
            f"{name:28} {1e3 * sample:10.2f} {1e3 * observe:12.2f} {1e3 * largest:12.1f}"
            f" {1e6 * (little[0] + little[1]):15.0f}",
            flush=True,
        )


if __name__ == "__main__":
    main(tyro.cli(Config))
