"""Short runs of every kind end with the very bits that the golden file holds."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

import pytest

from tests.forked import Forked
from tests.golden_runs.make import FILE, main, processor

pytestmark = pytest.mark.long

GOLDEN: dict[str, Any] = json.loads(FILE.read_text())


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    if processor() != GOLDEN["processor"]:
        pytest.skip(f"golden digests are those of {GOLDEN['processor']}, this is {processor()}")
    file = tmp_path_factory.mktemp("golden") / "now.json"
    Forked(partial(main, file), file.with_suffix(".log")).finish()
    return json.loads(file.read_text())["runs"]


@pytest.mark.parametrize("run", GOLDEN["runs"])
def test_a_run_computes_what_it_did(run: str, found: dict[str, Any]):
    now, then = found[run], GOLDEN["runs"][run]
    for name in ("drawn", "state", "records", "weights", "evaluation"):
        assert now[name] == then[name], name


def test_runs_that_learn_move_the_weights():
    weights = {name: run["weights"] for name, run in GOLDEN["runs"].items()}
    # Under `units` no rollout is right, so there is nothing to learn from.
    assert len({value for name, value in weights.items() if name != "units"}) == len(weights) - 1
