"""Several processes of one CPU thread each: for rival arms, or for the shares of one run's batches.

A tiny model is bound by the latency of small operations, which a second thread does little about.
So two arms on one thread each are done sooner than one after the other on two, and one arm whose
batches are shared by two processes mostly sooner than on two threads. A process ends with the one
that started it, also when that one is killed, so nothing goes on writing into a run that is being
resumed.
"""

from __future__ import annotations

import multiprocessing
import os
import pickle
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing.connection import wait
from pathlib import Path

from ..tasks.registry import import_files, imported_files


def run_side_by_side(jobs: Sequence[Callable[[], object]], at_once: int, threads: int) -> None:
    """Run picklable `jobs`, `at_once` of them at a time, on `threads` CPU threads each.

    The first error of a job is raised here, after those already begun have ended.
    """
    # Forking a process whose OpenMP threads have run leaves the child without them.
    context = multiprocessing.get_context("spawn")
    pickled = pickle.dumps(jobs)
    files = [path for name, path in imported_files().items() if name.encode() in pickled]
    with ProcessPoolExecutor(
        at_once, context, initializer=_begin, initargs=(threads, files)
    ) as pool:
        futures = [pool.submit(job) for job in jobs]
        try:
            for future in futures:
                future.result()
        finally:
            pool.shutdown(cancel_futures=True)


def run_shared(job: Callable[[], object], processes: int) -> None:
    """Run a picklable `job` in `processes` processes that form one group, as a launcher would."""
    from accelerate.utils.other import get_free_port

    port = get_free_port()
    shares = [partial(_share, job, rank, processes, port) for rank in range(processes)]
    run_side_by_side(shares, processes, threads=1)


def _share(job: Callable[[], object], rank: int, processes: int, port: int) -> None:
    import torch.distributed
    from accelerate import PartialState

    os.environ |= {
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
        **dict.fromkeys(("RANK", "LOCAL_RANK"), str(rank)),
        **dict.fromkeys(("WORLD_SIZE", "LOCAL_WORLD_SIZE"), str(processes)),
    }
    try:
        PartialState(cpu=True)
        job()
    finally:
        # Where this process failed, the others must not wait for it.
        if torch.distributed.is_initialized():
            torch.distributed.destroy_process_group()


def _begin(threads: int, files: list[Path]) -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    from ..models.kernels import use_threads

    use_threads(threads)
    import_files(files)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait([parent.sentinel])
    os._exit(1)
