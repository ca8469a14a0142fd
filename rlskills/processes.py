"""Worker processes that end with the process that started them, and groups that end together."""

from __future__ import annotations

import multiprocessing
import os
import sys
import threading
from multiprocessing.connection import wait


def end_with_parent() -> None:
    """Called in a worker: from now on it ends when its parent does, even if that is killed.

    Otherwise it would go on working for nobody, and writing into a run that is being resumed.
    """
    parent = multiprocessing.parent_process()
    assert parent is not None

    def watch() -> None:
        wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def leave_group() -> None:
    """Under a launcher, leave the process group together; to be torn down at exit can crash."""
    torch = sys.modules.get("torch")
    if torch and torch.distributed.is_available() and torch.distributed.is_initialized():
        torch.distributed.barrier()
        torch.distributed.destroy_process_group()


def lost_process(error: BaseException) -> str | None:
    """A line where an error says that another process of the group hangs or is gone, else None.

    NCCL has errors of its own; gloo raises a `RuntimeError` that names its source file.
    """
    torch = sys.modules.get("torch")
    if torch is None or int(os.environ.get("WORLD_SIZE", "1")) < 2:
        return None
    kind = getattr(torch.distributed, "DistError", ())
    if not isinstance(error, kind) and "gloo/" not in str(error):
        return None
    said = next(iter(str(error).rpartition("] ")[2].splitlines()), type(error).__name__)
    return f"another process of the group hangs or is gone ({said}); repeat the command to go on"
