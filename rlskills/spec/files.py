"""Importing classes from Python files and modules, with one-line errors."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable, Sequence
from hashlib import blake2b
from pathlib import Path
from types import ModuleType
from typing import TypeVar

from ..errors import UserError
from .sources import source_digest

R = TypeVar("R")
PREFIX = "rlskills_file_"
"""How the modules of files that are imported by path are named in `sys.modules`."""


def from_file(path: Path, kind: str = "environment") -> ModuleType:
    """The module of a Python file, imported once under a name of its own."""
    if not path.is_file():
        raise UserError(f"no such {kind} file: {path}")
    resolved = str(path.resolve())
    digest = blake2b(resolved.encode("utf-8", "surrogateescape"), digest_size=6)
    name = f"{PREFIX}{digest.hexdigest()}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    loader = spec.loader
    assert loader is not None
    # In `sys.modules` before it runs: dataclasses and pickle look their module up there.
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    source_digest(path)  # of what is loaded now, whatever the file holds later
    try:
        guarded(str(path), lambda: loader.exec_module(module))
    except UserError:
        del sys.modules[name]
        raise
    return module


def from_module(name: str) -> ModuleType:
    """The module of this name, imported."""
    return guarded(name, lambda: importlib.import_module(name))


def guarded(what: str, action: Callable[[], R]) -> R:
    """What an import gives; its exception as one line, which says what was imported."""
    try:
        return action()
    except UserError:
        raise
    except Exception as error:
        text = " ".join(f"{type(error).__name__}: {error}".split())
        raise UserError(f"cannot import {what}: {text}") from error


def source_file(module: str) -> Path | None:
    """The file behind a module that no other process can import by its name; None for others."""
    if module == "__main__" or module.startswith(PREFIX):
        file = getattr(sys.modules.get(module), "__file__", None)
        return Path(file).resolve() if file else None
    return None


def imported_files() -> dict[str, Path]:
    """The files that this process has imported by path, by the names of their modules."""
    modules = {name: module for name, module in sys.modules.items() if name.startswith(PREFIX)}
    return {name: Path(str(module.__file__)) for name, module in modules.items()}


def import_files(paths: Sequence[Path]) -> None:
    """Import files, so that what was pickled in another process can be read here."""
    for path in paths:
        from_file(path)
