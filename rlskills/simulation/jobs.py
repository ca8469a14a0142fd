"""All cells of a benchmark: every method in every regime, over processes, kept on disk.

A cell that is finished is not run again, as long as its protocol, its seeds, the method's options
and all code that it rests on are what they were.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import re
import threading
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import closing
from dataclasses import asdict, dataclass, fields
from functools import partial
from multiprocessing import connection
from pathlib import Path
from typing import Any

from ..environments import digest
from ..errors import UserError
from .box import BoxProtocol, BoxRegime, play_box
from .methods import Method, build, code_of, protocol_of
from .record import SeedResult
from .regimes import Protocol, Regime
from .run import Run

Advance = Callable[[int, str], None]


@dataclass(frozen=True)
class Job:
    """One method in one regime, all seeds."""

    method: Method
    regime: Regime | BoxRegime
    protocol: Protocol | BoxProtocol
    seeds: tuple[int, ...]
    folder: Path

    @property
    def file(self) -> Path:
        """Where its results are kept."""
        spec = self.method.spec
        plain = re.sub(r"[^a-z0-9_]+", "-", Path(spec).name.lower())[:40].strip("-")
        name = plain if plain == spec else f"{plain}-{digest(spec, size=4)}"
        return self.folder / "cells" / self.regime.name / f"{name}.json"

    def about(self) -> dict[str, Any]:
        """Everything the results depend on, as JSON gives it back."""
        about = {
            "method": self.method.spec,
            "information": self.method.told(self.regime),
            "options": self.method.options,
            "regime": asdict(self.regime),
            "protocol": asdict(self.protocol),
            "seeds": list(self.seeds),
            "code": {"method": self.method.code, "simulation": code_of(f"{__package__}.box")},
        }
        return json.loads(json.dumps(about))


@dataclass(frozen=True)
class Cell:
    """Results of one job."""

    method: Method
    regime: Regime | BoxRegime
    protocol: Protocol | BoxProtocol
    results: tuple[SeedResult, ...]

    @property
    def told(self) -> str:
        """The information tier of the method here."""
        return self.method.told(self.regime)


def jobs_of(
    methods: Sequence[Method],
    regimes: Sequence[Regime | BoxRegime],
    seeds: Sequence[int],
    folder: Path,
    protocols: tuple[Protocol, BoxProtocol] | None = None,
) -> list[Job]:
    """Every method in every regime of its kind, but for methods that need what is not there."""
    points, boxes = protocols or (Protocol(), BoxProtocol())
    return [
        Job(method, regime, protocol_of(regime, points, boxes), tuple(seeds), folder)
        for regime in regimes
        for method in methods
        if method.runs_in(regime) and not method.needs
    ]


def kept(job: Job) -> Cell | None:
    """The finished cell on disk, if it is of the same code, options, protocol and seeds."""
    try:
        data = json.loads(job.file.read_text())
        if data["about"] != job.about():
            return None
        results = tuple(_result(row) for row in data["results"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return Cell(job.method, job.regime, job.protocol, results)


def _result(row: dict[str, Any]) -> SeedResult:
    known = {one.name for one in fields(SeedResult)}
    if set(row) != known:
        raise ValueError("a cell of another version")
    row["curve"] = tuple(row["curve"])
    return SeedResult(**row)


def play(job: Job, about: dict[str, Any]) -> str:
    """Run one job and keep its results under `about`; returns what went wrong, or nothing."""
    steps = job.protocol.budget // (job.protocol.groups * job.protocol.group_size)
    make = partial(build, job.method.spec, steps)
    try:
        if isinstance(job.regime, BoxRegime):
            assert isinstance(job.protocol, BoxProtocol)
            results = play_box(job.regime, job.protocol, job.seeds, make)
        else:
            assert isinstance(job.protocol, Protocol)
            results = Run(job.regime, job.protocol, job.seeds, make).play()
    except UserError as error:
        return f"{job.method.spec} in regime {job.regime.name}: {error}"
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        return f"{job.method.spec} failed in regime {job.regime.name}: {reason}"
    data = {"about": about, "results": [asdict(one) for one in results]}
    job.file.parent.mkdir(parents=True, exist_ok=True)
    new = job.file.with_suffix(".new")
    new.write_text(json.dumps(data))
    new.replace(job.file)
    return ""


def play_all(jobs: Sequence[Job], processes: int, advance: Advance) -> list[Cell]:
    """All cells, running those that are not kept; `advance(finished, what)` after each."""
    missing = [job for job in jobs if kept(job) is None]
    finished = len(jobs) - len(missing)
    advance(finished, "")
    with closing(_played(missing, processes)) as played:
        for job, problem in played:
            if problem:
                raise UserError(problem)
            finished += 1
            advance(finished, f"{job.method.spec} in {job.regime.name}")
    cells = [kept(job) for job in jobs]
    return [cell for cell in cells if cell is not None]


def _played(jobs: Sequence[Job], processes: int) -> Generator[tuple[Job, str], None, None]:
    """Jobs as they end, with what went wrong; the rest is called off when the caller stops."""
    if processes == 1 or len(jobs) < 2:
        for job in jobs:
            yield job, play(job, job.about())
        return
    context = multiprocessing.get_context("spawn")
    number = min(processes, len(jobs))
    with ProcessPoolExecutor(number, mp_context=context, initializer=_end_with_parent) as pool:
        running = {pool.submit(play, job, job.about()): job for job in jobs}
        try:
            for one in as_completed(running):
                yield running[one], one.result()
        finally:
            pool.shutdown(cancel_futures=True)


def _end_with_parent() -> None:
    """A worker whose parent was killed would work on for nobody."""
    parent = multiprocessing.parent_process()
    assert parent is not None

    def watch() -> None:
        connection.wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
