"""The planner's bytes and operations are those that real models have (`benchmarks/plan.py`)."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch

from rlskills.planning.page import Row, page

ROOT = Path(__file__).parents[2]
PARTS = {
    "activations, bfloat16", "bfloat16 weights kept", "activations, float32",
    "activations, sdpa with padding", "inputs of layers, checkpointing", "KV cache of transformers",
    "weights, gradients, AdamW", "operations of a step",
}  # fmt: skip


@pytest.fixture(scope="module")
def benchmark() -> ModuleType:
    spec = importlib.util.spec_from_file_location("benchmark_plan", ROOT / "benchmarks" / "plan.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["llama", "qwen3"])
def test_planned_is_what_is_counted(benchmark: ModuleType, name: str):
    torch.set_num_threads(1)
    rows = {row.part: row for row in benchmark.rows_of(name, 96)}
    assert set(rows) == PARTS
    for part, row in rows.items():
        assert row.counted > 0
        assert row.ratio == pytest.approx(1.0, abs=0.04), part
    for part in ("weights, gradients, AdamW", "KV cache of transformers"):
        assert rows[part].planned == rows[part].counted


def test_the_page_is_that_of_the_planner():
    """Its tables are what the planner says now: write it again when this fails."""
    written = (ROOT / "docs" / "scale.md").read_text()
    words = re.search(r"by `(.+) --page docs/scale.md`", written)
    tokens = re.search(r"sequences of (\d+) tokens", written)
    assert words is not None
    assert tokens is not None
    section = written[written.index("## What was checked") :]
    cells = [line.strip("| \n").split(" | ") for line in section.splitlines() if line[:2] == "| "]
    rows = [Row(model, part, float(planned.replace(",", "")), float(counted.replace(",", "")))
            for model, part, planned, counted, _ in cells[2:]]  # fmt: skip
    assert {row.part for row in rows} == PARTS
    assert page(rows, words[1], int(tokens[1])) == written
    assert "Nothing on this page was measured on a GPU" in written
