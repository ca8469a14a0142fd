from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from . import copy_letters
from .command import result, run


@pytest.fixture(scope="session")
def complete(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which the command was run and nothing happened to it; to be copied."""
    folder: Path = tmp_path_factory.mktemp("undisturbed")
    status, _, errors = run(folder)
    assert status == 0, errors
    return folder


@pytest.fixture(scope="session")
def undisturbed(complete: Path) -> dict[str, Any]:
    """What the command leaves behind if nothing happens to it."""
    return result(complete / "out")


@pytest.fixture(scope="session")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run whose grader only grades; to be copied."""
    folder: Path = tmp_path_factory.mktemp("copied")
    copy_letters.environment(folder, "pass", trusted=True)
    done = copy_letters.run(folder)
    assert done.returncode == 0, done.stderr
    return folder
