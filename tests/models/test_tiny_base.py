"""The models that ship are what `about.json` beside them says."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from rlskills.evaluation.eval_sets import make_eval_sets
from rlskills.evaluation.evaluate import evaluate
from rlskills.evaluation.settings import EvalConfig
from rlskills.experiments import ArmConfig, Study, Supervision
from rlskills.models.identity import identity_of
from rlskills.models.kernels import Kernels
from rlskills.models.loading import folder_of, load
from rlskills.models.tiny_base import ABOUT, NAME, SEEDS, WEIGHTS, tiny_base
from rlskills_recipes.string_world import World

KERNELS = Kernels("eager", "highest", "float32", 2**16)


def about(seed: int) -> dict[str, Any]:
    return json.loads((tiny_base(seed) / ABOUT).read_text())


@pytest.mark.parametrize("seed", range(SEEDS))
def test_the_weights_are_those_whose_digest_is_known(seed: int):
    weights = (tiny_base(seed) / WEIGHTS).read_bytes()
    assert hashlib.sha256(weights).hexdigest() == about(seed)["sha256"]
    assert len(weights) < 2e6


@pytest.mark.parametrize("seed", range(SEEDS))
def test_a_base_knows_what_is_claimed(seed: int):
    """Asked again; a problem or two may turn out otherwise where products are rounded otherwise."""
    known, count = about(seed)["greedy"], about(seed)["problems"]
    loaded = load(str(tiny_base(seed)), KERNELS)
    eval_sets = make_eval_sets(World().groups(), (1, 2), count)
    for found in evaluate(loaded, eval_sets, EvalConfig(80, 0)):
        right = sum(task["greedy"] for task in found["tasks"])
        claimed = known[f"{found['group']} L{found['level']}"] * count
        assert abs(right - claimed) <= 2, (found["group"], found["level"])


def test_seeds_take_the_bases_in_turn():
    study = Study(
        "s", "t", (ArmConfig("base", Supervision.STEPS),), (), EvalConfig(8, 0), model=NAME
    )
    folders = [study.model_of(seed) for seed in range(2 * SEEDS)]
    assert folders[:SEEDS] == folders[SEEDS:] == [str(tiny_base(seed)) for seed in range(SEEDS)]
    assert len(set(folders)) == SEEDS
    assert folder_of(NAME) == folders[0]
    assert identity_of(NAME) == identity_of(folders[0])


def test_what_is_known_of_a_base_is_no_part_of_it(tmp_path: Path):
    bare = Path(shutil.copytree(tiny_base(), tmp_path / "bare"))
    (bare / ABOUT).unlink()
    assert identity_of(str(bare)) == identity_of(NAME)
