from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from .command import result, run


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the command leaves behind if nothing happens to it."""
    folder: Path = tmp_path_factory.mktemp("undisturbed")
    status, _, errors = run(folder)
    assert status == 0, errors
    return result(folder / "out")
