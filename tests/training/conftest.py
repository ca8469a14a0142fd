from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def half_trained(small_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that gets some of the `Bits` right and some wrong."""
    from rlskills.training.settings import SFTSettings

    from .small import stream, train

    folder = tmp_path_factory.mktemp("half")
    settings = SFTSettings(
        max_steps=40, batch_size=32, learning_rate=5e-3, eval_every=0, save_every=100
    )
    return Path(train(folder, "base", str(small_model), settings, stream()))
