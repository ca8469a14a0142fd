"""Two processes share one draw and end every step with the same state."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import pytest

from .shared import run_shared
from .two import main

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def both(half_trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("both")
    run_shared(partial(main, str(half_trained), folder), processes=2)
    return folder


@pytest.mark.parametrize("name", ["bits", "games"])
def test_two_processes_see_one_draw_and_end_alike(both: Path, name: str):
    folder = both / name
    one, two = (json.loads((folder / f"rank{i}.json").read_text()) for i in (0, 1))
    assert one["state"] == two["state"]
    assert one["states"] == two["states"]
    assert len(one["states"]) == 3
    assert one["weights"] == two["weights"]
    for field in ("rollouts", "samples", "generated_tokens", "trained_tokens"):
        assert one["budget"][field] == two["budget"][field]
    assert one["budget"]["rollouts"] == 3 * 8 * 4
    # Demonstrations stand behind the rollouts, so often on the second process alone.
    assert one["cross_entropy"] == two["cross_entropy"] != []
    assert one["turns"] == two["turns"]
    assert len(one["turns"]) == (3 if name == "games" else 0)
    # Each samples half of the rollouts, and both know all of them.
    assert one["sampled"] == two["sampled"] == [16, 16, 16]
    assert one["rows"] == two["rows"]
    assert [len(rows) for rows in one["rows"]] == [32, 32, 32]
    assert (folder / "checkpoint-3" / "rlskills.json").exists()
