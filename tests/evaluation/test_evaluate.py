"""A model's answers to eval sets, with what a record keeps of them."""

from __future__ import annotations

from pathlib import Path

from rlskills.environments import load
from rlskills.evaluation.eval_sets import SHOWN, make_eval_sets
from rlskills.evaluation.evaluate import evaluate
from rlskills.evaluation.settings import EvalConfig
from rlskills.models.kernels import Kernels
from rlskills.models.loading import load as load_model


def test_evaluation_keeps_all_of_it(small_model: Path):
    loaded = load_model(str(small_model), Kernels("eager", "medium"), "cpu")
    sets = make_eval_sets({"t": load("string_transform?preset=tiny")}, (1, 2), SHOWN + 2)
    single, composed = evaluate(loaded, sets, EvalConfig(12, 2))
    for record in (single, composed):
        texts = ["completion" in task for task in record["tasks"]]
        assert texts == [True] * SHOWN + [False] * 2
    assert all(task["prompt"].endswith(")?") for task in composed["tasks"][:SHOWN])
    assert not any("greedy_class" in task for task in single["tasks"])
    for task in composed["tasks"]:
        assert task["greedy_class"] in ("truncated", "unparsed", "other", "ignores composition",
                                        "wrong composition", "ambiguous")  # fmt: skip
        assert sum(task["classes"].values()) == task["samples"] == 2
