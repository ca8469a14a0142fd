from __future__ import annotations

from pathlib import Path

import pytest

from .two_arms import run, study


@pytest.fixture(scope="module")
def finished(small_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a study that ran."""
    folder = tmp_path_factory.mktemp("finished")
    run(study(small_model), folder)
    return folder
