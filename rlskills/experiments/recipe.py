"""Recipes: modules with a `Config` and a `main(config)`, by name or by file.

A recipe is found by its `Config`: an entry point of the group `rlskills.recipes`, or a file.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..errors import UserError
from ..spec import Registry
from .settings import RunConfig

RECIPES: Registry[RunConfig] = Registry("recipe", RunConfig, group="rlskills.recipes")


@dataclass(frozen=True)
class Recipe:
    """What `rlskills run` needs of one."""

    name: str
    config: type[RunConfig]
    main: Callable[[Any], None]


def find_recipe(name: str) -> Recipe:
    """The recipe behind a name or the path of a Python file."""
    config = RECIPES.find(f"{name}:Config" if name.endswith(".py") else name)
    main = getattr(sys.modules[config.__module__], "main", None)
    if main is None:
        raise UserError(f"recipe {name} has no main(config)")
    return Recipe(name, config, main)
