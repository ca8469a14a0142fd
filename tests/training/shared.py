"""A job in several processes that form one group, as a launcher would start them."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial

from accelerate import PartialState
from accelerate.utils.other import get_free_port

from rlskills.experiments.side_by_side import run_side_by_side


def run_shared(job: Callable[[], object], processes: int) -> None:
    """Run a picklable `job` in `processes` processes of one thread each; they end together."""
    port = get_free_port()
    shares = [partial(_share, job, rank, processes, port) for rank in range(processes)]
    run_side_by_side(shares, processes, threads=1)


def _share(job: Callable[[], object], rank: int, processes: int, port: int) -> None:
    import torch.distributed

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
        if torch.distributed.is_initialized():
            torch.distributed.destroy_process_group()
