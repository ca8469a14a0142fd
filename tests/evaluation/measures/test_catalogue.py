"""`docs/measures.md` lists what there is."""

from __future__ import annotations

import importlib
import inspect
import re
from pathlib import Path

import pytest

from rlskills.environments import Environment
from rlskills.evaluation import measures
from rlskills.evaluation.measures.counts import counts
from rlskills.evaluation.measures.pass_at_k import over_problems, pass_at

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "measures.md").read_text().partition("## In records and reports")[0]
ROWS = [line for line in PAGE.splitlines() if line.startswith("| `")]
FILES = sorted(path.stem for path in Path(measures.__path__[0]).glob("*.py"))
DATA = {"__init__", "counts", "claims", "form"}
"""Contracts, no measures of their own."""
ARXIV = re.compile(r"\b\d{4}\.\d{5}\b")


def module(name: str):
    return importlib.import_module(f"{measures.__name__}.{name}")


def listed(text: str) -> set[str]:
    return set(re.findall(r"`(\w+\.\w+)`", text))


@pytest.mark.parametrize("name", [name for name in FILES if name not in DATA])
def test_every_function_is_listed_with_its_sources(name: str):
    there = module(name)
    public = {
        f"{name}.{key}"
        for key, value in vars(there).items()
        if inspect.isfunction(value) and value.__module__ == there.__name__ and key[0] != "_"
    }
    mine = [row for row in ROWS if row.startswith(f"| `{name}.")]
    assert public == {each for row in mine for each in listed(row)}
    assert public
    assert set(ARXIV.findall(there.__doc__ or "")) == set(ARXIV.findall("\n".join(mine)))
    assert (Path(__file__).parent / f"test_{name}.py").exists()


def test_every_row_is_whole_and_names_what_exists():
    assert len({name.split(".")[0] for name in listed("\n".join(ROWS))}) == len(FILES) - len(DATA)
    for row in ROWS:
        cells = [cell.strip() for cell in row.strip("|").split("|")]
        assert len(cells) == 4
        assert all(cells[:3]), row
    for name in listed(PAGE):
        owner, _, function = name.partition(".")
        assert hasattr(Environment if owner == "Environment" else module(owner), function)


def test_the_example_prints_what_the_page_says():
    base, arm = counts(64, [0, 0, 3, 40]), counts(64, [0, 9, 30, 64])
    found = over_problems(pass_at(arm, [8]) - pass_at(base, [8]), [8]).at(8)
    assert f"# {found}" in PAGE
