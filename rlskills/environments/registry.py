"""Finding environments: by registered name, by `path/to/file.py:Class`, or by entry point.

A prefix before a colon, as in `rg:NAME`, asks the adapter of that name.

Anywhere a name is accepted, options may follow it as in a web address:
`string_transform?preset=tiny&functions=train`.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import sys
from collections.abc import Callable, Sequence
from dataclasses import fields
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import parse_qsl

from ..errors import UnknownName, UserError
from .environment import Environment
from .seeding import digest

GROUP = "rlskills.environments"
_FILE = "rlskills_file_"
ADAPTERS = "rlskills.adapters"
"""Entry points named after a prefix, such as `rg` in `rg:NAME`: functions from NAME to a class."""
_registered: dict[str, type[Environment]] = {}
EnvType = TypeVar("EnvType", bound=type[Environment])


def register(name: str) -> Callable[[EnvType], EnvType]:
    """Class decorator that names an environment and checks its levels.

    A name taken by a class of another source file is an error that says where both are.
    """

    def decorate(cls: EnvType) -> EnvType:
        other = _registered.get(name)
        if other is not None and _source(other) != _source(cls):
            raise UserError(
                f"environment name {name!r} is taken: {_source(other)} and {_source(cls)}"
            )
        cls.name = name
        cls()  # builds every level's Config, so that a wrong level fails here
        _registered[name] = cls
        return cls

    return decorate


def names() -> list[str]:
    """All names that can be loaded, without importing what they stand for."""
    return sorted({*_registered, *(entry.name for entry in entry_points(group=GROUP))})


def prefixes() -> list[str]:
    """Prefixes of names that adapters understand; none is imported."""
    return sorted(entry_points(group=ADAPTERS).names)


def members(prefix: str) -> list[str]:
    """Everything an adapter offers, by full name; `UserError` where it cannot say."""
    if prefix not in prefixes():
        raise UnknownName("adapter", prefix, prefixes())
    adapter = sys.modules[entry_points(group=ADAPTERS)[prefix].load().__module__]
    if not hasattr(adapter, "datasets"):
        raise UserError(f"{prefix}:* is not possible: what is there is not known; give a name")
    return [f"{prefix}:{name}" for name in adapter.datasets()]


def find(name: str) -> type[Environment]:
    """The class behind a name, `prefix:NAME`, `file.py:Class` or `package.module:Class`."""
    if name in _registered:
        return _registered[name]
    prefix, _, rest = name.partition(":")
    if rest and prefix in prefixes():
        return entry_points(group=ADAPTERS)[prefix].load()(rest)
    where, colon, attribute = name.rpartition(":")
    if name.endswith(".py"):  # a file without a class: the error below lists those it defines
        where, colon, attribute = name, ":", ""
    if colon:
        module = from_file(Path(where)) if where.endswith(".py") else _module(where)
        found = getattr(module, attribute, None)
        if not (inspect.isclass(found) and issubclass(found, Environment)):
            classes = _classes(module)
            if classes and not attribute:
                raise UserError(f"name the class in {where} too, as in {where}:{classes[0]}")
            raise UnknownName(f"environment class in {where}", attribute, classes)
        found.name = found.name or attribute
        return found
    for entry in entry_points(group=GROUP):
        if entry.name == name:
            return _entry(entry)
    raise UnknownName("environment", name, names())


def origin(cls: type[Environment]) -> str:
    """The name by which a fresh process, where nothing is registered yet, `find`s this class."""
    where = cls.__module__
    if where == "__main__" or where.startswith("rlskills_file_"):
        where = inspect.getsourcefile(cls) or where
    return cls.source or f"{where}:{cls.__qualname__}"


def load(spec: str, **options: Any) -> Environment:
    """An environment ready to draw from, e.g. `load("string_transform", preset="tiny")`."""
    name, _, query = spec.partition("?")
    cls = find(name)
    given = {
        key: _typed(cls, key, value) for key, value in parse_qsl(query, keep_blank_values=True)
    }
    return cls(**(given | options))


def imported_files() -> dict[str, Path]:
    """The environment files that this process has imported by path, by module name."""
    modules = {name: module for name, module in sys.modules.items() if name.startswith(_FILE)}
    return {name: Path(str(module.__file__)) for name, module in modules.items()}


def import_files(paths: Sequence[Path]) -> None:
    """Import environment files, so that what was pickled in another process can be read here."""
    for path in paths:
        from_file(path)


def _typed(cls: type[Environment], key: str, text: str) -> Any:
    default = {"seed": 0, "reward": ""} | {
        one.name: getattr(cls.Config(), one.name) for one in fields(cls.Config)
    }
    kind = type(default.get(key, ""))
    try:
        if kind is bool:
            return {"true": True, "1": True, "false": False, "0": False}[text.lower()]
        return kind(text) if kind in (int, float) else text
    except (KeyError, ValueError):
        raise UserError(
            f"{cls.name}: option {key}={text!r} is not of type {kind.__name__}"
        ) from None


def _classes(module: Any) -> list[str]:
    return [
        name
        for name, value in vars(module).items()
        if inspect.isclass(value) and issubclass(value, Environment) and value is not Environment
    ]


def _source(cls: type) -> str:
    try:
        return inspect.getsourcefile(cls) or cls.__module__
    except (TypeError, OSError):  # typed at a prompt or in a notebook: there is no file
        return cls.__module__


def _entry(entry: EntryPoint) -> type[Environment]:
    try:
        found = entry.load()
    except UserError:
        raise
    except Exception as error:
        where = f"environment {entry.name} ({entry.value})"
        raise UserError(f"cannot import {where}: {type(error).__name__}: {error}") from error
    found.name = found.name or entry.name
    return found


def _module(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except Exception as error:
        raise UserError(f"cannot import {name}: {type(error).__name__}: {error}") from error


def from_file(path: Path, what: str = "environment") -> Any:
    """Import a file under a name of its own; it is in `sys.modules` before it runs, because
    dataclasses and pickle look their module up there."""
    if not path.is_file():
        raise UserError(f"no such {what} file: {path}")
    name = f"{_FILE}{digest(str(path.resolve()), size=6)}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[name]
        if isinstance(error, UserError):
            raise
        raise UserError(f"cannot import {path}: {type(error).__name__}: {error}") from error
    return module
