"""Our environments beside reasoning-gym's: drawing, grading, import time and memory, in one run.

    nice -n 10 env OMP_NUM_THREADS=1 python benchmarks/environments.py

Both sides of every ratio are measured in turns, in this process, bound to one core; seconds are of
processor time, so that what else the machine does hardly counts; rates and ratios are medians over
the turns. The last column says what is wanted, where something is. Needs the extra `rg`.
"""

from __future__ import annotations

import itertools
import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import median
from typing import Any

import tyro
from rich.table import Table

from rlskills.cli.env.bench import machine, peak_mb, rate
from rlskills.console import Console
from rlskills.environments import Environment, load

BATCH = 50


@dataclass(frozen=True)
class Benchmark:
    """How long to look."""

    seconds: float = 0.5
    """Processor time for each measurement."""
    turns: int = 5
    """Measurements of each rate; their median counts."""
    streamed: int = 1_000_000
    """Tasks drawn while memory is watched."""


Row = tuple[str, str, str, str]
"""What was measured, the figure, beside what, and what is wanted."""


def main(config: Benchmark) -> None:
    """Rates of drawing and grading beside reasoning-gym's, import time and memory."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    table = Table("measured", "figure", "reasoning-gym", "wanted", title=machine())
    measurements = (imports, countdown, strings, transform, memory)
    for row in itertools.chain.from_iterable(one(config) for one in measurements):
        table.add_row(*row)
    Console(width=110).print(table)


def imports(config: Benchmark) -> Iterator[Row]:
    """The environments package in a fresh interpreter, beyond the interpreter itself."""
    code = "import time; s = time.process_time(); import {}; print(time.process_time() - s)"
    times: dict[str, list[float]] = {"rlskills.environments": [], "reasoning_gym": []}
    for _ in range(config.turns):
        for name, found in times.items():
            command = [sys.executable, "-c", code.format(name)]
            found.append(float(subprocess.run(command, capture_output=True, check=True).stdout))
    ours, theirs = (median(found) for found in times.values())
    yield "import, processor seconds", f"{ours:.3f}", f"{theirs:.3f}", "< 0.2"


def countdown(config: Benchmark) -> Iterator[Row]:
    """Five numbers, a reachable target, all numbers used once; on both sides."""
    from reasoning_gym import create_dataset

    env = load("countdown")
    level = next(n for n in range(1, 9) if len(env.task("train", n, 0).data["numbers"]) == 5)
    theirs = create_dataset("countdown", min_numbers=5, max_numbers=5, seed=7)
    items = [theirs[index] for index in range(10)]
    drawn = _rates(config, _drawing(env, "train", level), lambda: theirs[_number()], (BATCH, 1))
    yield _ratio("countdown, 5 numbers: drawn/s", *drawn, ">= 50 times")
    tasks = [env.task("train", level, index) for index in range(1000)]
    verified = _rates(
        config, lambda: [env.verify(task, task.answer or "") for task in tasks],
        lambda: [theirs.score_answer(item["answer"], item) for item in items], (1000, 10),
    )  # fmt: skip
    yield _ratio("countdown, 5 numbers: answers verified/s", *verified, ">= 100,000/s")
    found = median(rate(_grading(env, level), 1000, config.seconds) for _ in range(config.turns))
    yield "countdown, 5 numbers: completions scored/s", f"{found:,.0f}", "", ""


def strings(config: Benchmark) -> Iterator[Row]:
    """Tasks that cost next to nothing to make; theirs have no splits to keep apart."""
    from reasoning_gym import create_dataset

    env = load("string_transform?preset=tiny")
    for name in ("caesar_cipher", "word_sorting", "string_manipulation"):
        theirs = create_dataset(name, seed=7)
        drawn = _rates(
            config, _drawing(env, "train", 1),
            lambda theirs=theirs: theirs[_number()], (BATCH, 1),
        )  # fmt: skip
        yield _ratio(f"string_transform (tiny) to {name}: drawn/s", *drawn, ">= 1 time")


def transform(config: Benchmark) -> Iterator[Row]:
    """Both splits of the paper's task, at level 2."""
    for preset in ("clean", "tiny"):
        env = load(f"string_transform?preset={preset}")
        for split, wanted in (("train", "20,000"), ("test", "5,000")):
            work = _drawing(env, split, 2)
            found = median(rate(work, BATCH, config.seconds) for _ in range(config.turns))
            name = f"string_transform ({preset}), level 2, {split}: drawn/s"
            yield name, f"{found:,.0f}", "", f">= {wanted}"
        found = median(rate(_grading(env, 2), 1000, config.seconds) for _ in range(config.turns))
        yield f"string_transform ({preset}), level 2: graded/s", f"{found:,.0f}", "", ""


def memory(config: Benchmark) -> Iterator[Row]:
    """Growth of this process while tasks stream by, after the first percent of them."""
    env = load("string_transform?preset=tiny")
    stream = env.tasks("train", 2)
    for _ in itertools.islice(stream, config.streamed // 100):
        pass
    before = peak_mb()
    for _ in itertools.islice(stream, config.streamed - config.streamed // 100):
        pass
    grown = f"{peak_mb() - before:.1f} MB"
    yield f"memory gained over {config.streamed:,} streamed tasks", grown, "", "flat"


_numbers = random.Random(0)


def _number() -> int:
    return _numbers.getrandbits(31)


def _drawing(env: Environment, split: str, level: int) -> Callable[[], Any]:
    stream = env.tasks(split, level)
    return lambda: [next(stream) for _ in range(BATCH)]


def _grading(env: Environment, level: int) -> Callable[[], Any]:
    tasks = [env.task("train", level, index) for index in range(1000)]
    texts = [env.answer_only(task) for task in tasks]
    assert all(score.correct for score in env.scores(tasks, texts))
    return lambda: env.scores(tasks, texts)


def _rates(
    config: Benchmark, ours: Callable[[], Any], theirs: Callable[[], Any], sizes: tuple[int, int]
) -> tuple[float, float, float]:
    """Median rates of both, taken in turns, and the median of the turns' ratios."""
    pairs = []
    for _ in range(config.turns):
        one = rate(ours, sizes[0], config.seconds)
        pairs.append((one, rate(theirs, sizes[1], config.seconds)))
    firsts, seconds = zip(*pairs, strict=True)
    return median(firsts), median(seconds), median(one / other for one, other in pairs)


def _ratio(name: str, ours: float, theirs: float, ratio: float, wanted: str) -> Row:
    return name, f"{ours:,.0f}", f"{theirs:,.0f} (ours {ratio:.1f} times)", wanted


if __name__ == "__main__":
    main(tyro.cli(Benchmark, description=__doc__))
