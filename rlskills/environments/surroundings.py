"""What a grader shares with everything else in its process, as it was before, and put back."""

from __future__ import annotations

import os
import random
import sys
from contextlib import suppress
from typing import Any


class Surroundings:
    """The working directory, the environment variables and the global generators of this process.

    Of numpy's and torch's generators only where they are loaded already; those of GPUs are left
    out, since reading them waits for the device.
    """

    def __init__(self) -> None:
        self.folder = _folder()
        self.variables = dict(os.environ)
        self.recursion = sys.getrecursionlimit()
        self.random = random.getstate()
        self.numpy = _state("numpy.random", "get_state")
        self.torch = _state("torch.random", "get_rng_state")

    def restore(self) -> None:
        """Put back what has changed since."""
        if self.folder and _folder() != self.folder:
            with suppress(OSError):  # it is gone
                os.chdir(self.folder)
        if dict(os.environ) != self.variables:
            os.environ.clear()
            os.environ.update(self.variables)
        if sys.getrecursionlimit() != self.recursion:
            sys.setrecursionlimit(self.recursion)
        random.setstate(self.random)
        if self.numpy is not None:
            sys.modules["numpy.random"].set_state(self.numpy)
        if self.torch is not None:
            sys.modules["torch.random"].set_rng_state(self.torch)


def _folder() -> str | None:
    try:
        return os.getcwd()
    except OSError:  # it was removed
        return None


def _state(module: str, getter: str) -> Any:
    return getattr(sys.modules[module], getter)() if module in sys.modules else None
