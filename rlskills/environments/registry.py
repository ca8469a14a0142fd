"""Environments by name, by `path/to/file.py:Class`, by module, or by an adapter's prefix.

Anywhere a name is accepted, options may follow it as in a web address:
`string_transform?preset=tiny&functions=train`. All of them are kept in `env.spec`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from ..spec import Spec
from .environment import ENVIRONMENTS, Environment

EnvType = TypeVar("EnvType", bound=type[Environment])

find = ENVIRONMENTS.find
names = ENVIRONMENTS.names
prefixes = ENVIRONMENTS.prefixes
members = ENVIRONMENTS.members


def register(name: str) -> Callable[[EnvType], EnvType]:
    """Class decorator that names an environment and checks its levels.

    A name taken by a class of another source file is an error that says where both are.
    """

    def decorate(cls: EnvType) -> EnvType:
        named = ENVIRONMENTS.register(name)(cls)
        try:
            cls()  # builds every level's Config, so that a wrong level fails here
        except Exception:
            del ENVIRONMENTS.registered[name]
            raise
        return named

    return decorate


def load(spec: str | Spec, **options: Any) -> Environment:
    """An environment ready to draw from, e.g. `load("string_transform", preset="tiny")`."""
    parsed = Spec.parse(spec) if isinstance(spec, str) else spec
    return find(parsed.name)(**{**parsed.options, **options})


__all__ = ["find", "load", "members", "names", "prefixes", "register"]
