"""Arms in processes of their own, of one CPU thread each.

A tiny model is bound by the latency of small operations, of which a second thread hides some only.
So two arms on one thread each are done sooner than one after the other on two. A process ends with
the one that started it, also when that one is killed, so nothing goes on writing into a run that is
being resumed.
"""

from __future__ import annotations

import multiprocessing
import pickle
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing.context import BaseContext
from pathlib import Path

from ..errors import UserError
from ..processes import end_with_parent
from ..spec import import_files, imported_files, source_digest
from ..stopping import leave_to_parent


def run_side_by_side(jobs: Sequence[Callable[[], object]], at_once: int, threads: int) -> None:
    """Run picklable `jobs`, `at_once` of them at a time, on `threads` CPU threads each.

    The first error of a job is raised here, after those already begun have ended. An interrupt of
    this process ends them at once.
    """
    context = process_context()
    pickled = pickle.dumps(jobs)
    files = {
        path: source_digest(path)
        for name, path in imported_files().items()
        if name.encode() in pickled
    }
    pool = ProcessPoolExecutor(at_once, context, initializer=_begin, initargs=(threads, files))
    try:
        futures = [pool.submit(_run, job) for job in jobs]
        for future in futures:
            future.result()
    except KeyboardInterrupt:  # jobs under way are not waited for
        for process in list((pool._processes or {}).values()):
            process.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def process_context() -> BaseContext:
    """How processes are started: from a server that has imported everything, else afresh.

    Importing torch and TRL takes seconds of processor time for each process. They cannot be forked
    from this process: one whose OpenMP threads have run leaves its children without them.
    """
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["rlskills.experiments.arm"])
    return context


_changed: list[Path] = []
"""Files that this process has imported otherwise than the one that started it."""


def _run(job: Callable[[], object]) -> object:
    if _changed:
        raise UserError(f"{_changed[0]} has changed since this run began; repeat the command")
    return job()


def _begin(threads: int, files: Mapping[Path, str]) -> None:
    end_with_parent()
    leave_to_parent()
    from ..models.choose_kernels import use_threads

    use_threads(threads)
    import_files(list(files))
    _changed.extend(file for file, digest in files.items() if source_digest(file) != digest)
