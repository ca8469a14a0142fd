"""A job in several processes that form one group, as a launcher would start them."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import partial

from accelerate.utils.other import get_free_port

from rlskills.experiments.group import processes as join_group
from rlskills.experiments.side_by_side import run_side_by_side

from .accelerated import let_cpus_shard


def run_shared(
    job: Callable[[], object], processes: int, shards: Mapping[str, str] | None = None
) -> None:
    """Run a picklable `job` in `processes` processes of one thread each; they end together.

    With `shards`, the variables of a launcher, trainers shard weights as these say.
    """
    port = get_free_port()
    shares = [partial(_share, job, rank, processes, port, shards) for rank in range(processes)]
    run_side_by_side(shares, processes, threads=1)


def _share(
    job: Callable[[], object], rank: int, processes: int, port: int,
    shards: Mapping[str, str] | None,
) -> None:  # fmt: skip
    import torch.distributed

    os.environ |= {
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
        **dict.fromkeys(("RANK", "LOCAL_RANK"), str(rank)),
        **dict.fromkeys(("WORLD_SIZE", "LOCAL_WORLD_SIZE"), str(processes)),
    }
    if shards:
        os.environ |= shards
        let_cpus_shard()
    try:
        assert join_group().num_processes == processes
        job()
    finally:
        if torch.distributed.is_initialized():
            torch.distributed.destroy_process_group()
