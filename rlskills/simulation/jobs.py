"""The jobs of a benchmark: every method in every regime, over processes, with results on disk.

A finished job is not run again while its regime, protocol and seeds, the method's options and
version, and the version of the simulation are what they were.
"""

from __future__ import annotations

import json
import multiprocessing
import re
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import closing
from dataclasses import asdict, dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any

from ..environments import digest
from ..errors import UserError
from ..processes import end_with_parent
from .box import BoxProtocol, BoxRegime, play_box
from .methods import AnyRegime, Method, build, protocol_of
from .record import SeedResult
from .regimes import Protocol
from .run import Run

Advance = Callable[[int, str], None]
VERSION = 1
"""Goes up whenever the simulation gives other results for the same curriculum and seeds."""


@dataclass(frozen=True)
class Job:
    """One method in one regime, all seeds."""

    method: Method
    regime: AnyRegime
    protocol: Protocol | BoxProtocol
    seeds: tuple[int, ...]
    folder: Path

    @property
    def file(self) -> Path:
        """Where its results are stored."""
        spec = self.method.spec
        plain = re.sub(r"[^a-z0-9_]+", "-", Path(spec).name.lower())[:40].strip("-")
        name = plain if plain == spec else f"{plain}-{digest(spec, size=4)}"
        return self.folder / "jobs" / self.regime.name / f"{name}.json"

    def about(self) -> dict[str, Any]:
        """Everything the results depend on, as JSON gives it back."""
        about = {
            "method": self.method.spec,
            "information": self.method.information_in(self.regime),
            "options": self.method.options,
            "regime": asdict(self.regime),
            "protocol": asdict(self.protocol),
            "seeds": list(self.seeds),
            "versions": {"method": self.method.version, "simulation": VERSION},
        }
        return json.loads(json.dumps(about))


@dataclass(frozen=True)
class JobResult:
    """What one job gave, seed by seed."""

    method: Method
    regime: AnyRegime
    protocol: Protocol | BoxProtocol
    results: tuple[SeedResult, ...]

    @property
    def information(self) -> str:
        """What the method uses here beyond outcomes."""
        return self.method.information_in(self.regime)


def jobs_of(
    methods: Sequence[Method],
    regimes: Sequence[AnyRegime],
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


def stored(job: Job) -> JobResult | None:
    """The result on disk, if it is of the same versions, options, protocol and seeds."""
    try:
        data = json.loads(job.file.read_text())
        if data["about"] != job.about():
            return None
        results = tuple(_result(row) for row in data["results"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    return JobResult(job.method, job.regime, job.protocol, results)


def _result(row: dict[str, Any]) -> SeedResult:
    known = {field.name for field in fields(SeedResult)}
    if set(row) != known:
        raise ValueError("a result of another version")
    row["curve"] = tuple(row["curve"])
    return SeedResult(**row)


def run_job(job: Job, about: dict[str, Any]) -> str:
    """Run one job and store its results under `about`; returns what went wrong, or nothing."""
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
    data = {"about": about, "results": [asdict(result) for result in results]}
    job.file.parent.mkdir(parents=True, exist_ok=True)
    new = job.file.with_suffix(".new")
    new.write_text(json.dumps(data))
    new.replace(job.file)
    return ""


def run_jobs(jobs: Sequence[Job], processes: int, advance: Advance) -> list[JobResult]:
    """All results, running the jobs that have none; `advance(finished, what)` after each."""
    missing = [job for job in jobs if stored(job) is None]
    finished = len(jobs) - len(missing)
    advance(finished, "")
    with closing(_run(missing, processes)) as running:
        for job, problem in running:
            if problem:
                raise UserError(problem)
            finished += 1
            advance(finished, f"{job.method.spec} in {job.regime.name}")
    results = [stored(job) for job in jobs]
    return [result for result in results if result is not None]


def _run(jobs: Sequence[Job], processes: int) -> Generator[tuple[Job, str], None, None]:
    """Jobs as they end, with what went wrong; the rest is called off when the caller stops."""
    if processes == 1 or len(jobs) < 2:
        for job in jobs:
            yield job, run_job(job, job.about())
        return
    context = multiprocessing.get_context("spawn")
    number = min(processes, len(jobs))
    with ProcessPoolExecutor(number, mp_context=context, initializer=end_with_parent) as pool:
        running = {pool.submit(run_job, job, job.about()): job for job in jobs}
        try:
            for future in as_completed(running):
                yield running[future], future.result()
        finally:
            pool.shutdown(cancel_futures=True)
