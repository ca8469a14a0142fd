"""Settings for all tests: no network, one thread, and a very small model."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from hypothesis import settings

# How long an example takes says how busy the machine is; speed is for `benchmarks/`.
settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
# A suite that a shell has put into the background inherits that interrupts are ignored.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Modules that take long come first, or one worker ends with them while the others wait."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


@pytest.fixture(scope="session")
def small_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of an untrained model of one layer."""
    import torch

    from rlskills.models.tiny import TinyConfig, save_tiny

    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("model")
    return save_tiny(
        folder, seed=0, config=TinyConfig(hidden=32, layers=2, heads=2, max_length=256)
    )


@pytest.fixture(scope="session")
def half_trained(small_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that gets some of the `Bits` right and some wrong."""
    from rlskills.training.settings import SFTSettings

    from .training.small import stream, train

    folder = tmp_path_factory.mktemp("half")
    settings = SFTSettings(
        max_steps=40, batch_size=32, learning_rate=5e-3, eval_every=0, save_every=100
    )
    return Path(train(folder, "base", str(small_model), settings, stream()))
