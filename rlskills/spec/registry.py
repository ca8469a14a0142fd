"""`Registry`: the classes of one kind, by name, by entry point, by file or by module.

A class is found by a registered name, by `path/to/file.py:Class`, by `package.module:Class`, or by
`prefix:NAME` where an adapter of that prefix makes classes on demand, as `rg:NAME`.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import Any, Generic, TypeVar

from ..errors import UnknownName, UserError
from .files import from_file, from_module, guarded, source_file

T = TypeVar("T")
C = TypeVar("C", bound=type)
OWN = __name__.partition(".")[0]


class Registry(Generic[T]):
    """Where the classes of one kind are found; `find` never changes what it finds."""

    def __init__(self, kind: str, base: type[T], group: str = "", adapters: str = "") -> None:
        """`kind` is the word for messages; `group` and `adapters` are entry-point groups.

        An entry point of `adapters` is a function from the NAME of `prefix:NAME` to a class, which
        keeps its full name in `source`.
        """
        self.kind = kind
        self.base = base
        self.group = group
        self.adapters = adapters
        self.registered: dict[str, type[T]] = {}

    def register(self, name: str) -> Callable[[C], C]:
        """Class decorator that gives a class its name.

        A name taken by a class of another source file is a `UserError` that says where both are. A
        class that has a name keeps it and can be found by the further one too.
        """

        def decorate(cls: C) -> C:
            other = self.registered.get(name)
            if other is not None and _source(other) != _source(cls):
                raise UserError(
                    f"{self.kind} name {name!r} is taken: {_source(other)} and {_source(cls)}"
                )
            if not vars(cls).get("name"):
                cls.name = name  # type: ignore[attr-defined]
            self.registered[name] = cls  # type: ignore[assignment]
            return cls

        return decorate

    def names(self) -> list[str]:
        """All names that can be found, without importing what they stand for."""
        return sorted({*self.registered, *self._entries()})

    def prefixes(self) -> list[str]:
        """Prefixes of names that adapters understand; none is imported."""
        return sorted(entry_points(group=self.adapters).names) if self.adapters else []

    def members(self, prefix: str) -> list[str]:
        """Everything an adapter offers, by full name; `UserError` where it cannot say."""
        if prefix not in self.prefixes():
            raise UnknownName("adapter", prefix, self.prefixes())
        adapter = sys.modules[entry_points(group=self.adapters)[prefix].load().__module__]
        if not hasattr(adapter, "datasets"):
            raise UserError(f"{prefix}:* is not possible: {prefix} cannot list its names; give one")
        return [f"{prefix}:{name}" for name in adapter.datasets()]

    def find(self, name: str) -> type[T]:
        """The class behind a name; `UnknownName` with the nearest one where there is none."""
        if name in self.registered:
            return self.registered[name]
        prefix, _, rest = name.partition(":")
        if rest and prefix in self.prefixes():
            return entry_points(group=self.adapters)[prefix].load()(rest)
        where, colon, attribute = name.rpartition(":")
        if name.endswith(".py"):  # a file without a class: the error lists those it defines
            where, colon, attribute = name, ":", ""
        if colon:
            file = where.endswith(".py")
            module = from_file(Path(where), self.kind) if file else from_module(where)
            return self._member(module, where, attribute)
        if name in (entries := self._entries()):
            return self._loaded(entries[name])
        raise UnknownName(self.kind, name, self.names())

    def found_again(self, name: str) -> type[T]:
        """The class that `spec_of` named; one of the running script is not imported again."""
        where, _, attribute = name.rpartition(":")
        if where and str(source_file("__main__")) == where:
            return self._member(sys.modules["__main__"], where, attribute)
        return self.find(name)

    def name_of(self, cls: type[T]) -> str:
        """What a class is called: its `name`, else its entry point's, its base's, or its own."""
        given = vars(cls).get("name") or self._entry_of(cls) or getattr(cls, "name", "")
        return given or cls.__name__

    def spec_of(self, cls: type[T]) -> str:
        """The name by which a fresh process finds the class, where nothing is registered yet."""
        if vars(cls).get("source"):
            return self.place_of(cls)
        known = vars(cls).get("name", "")
        if cls.__module__.partition(".")[0] == OWN and self.registered.get(known) is cls:
            return known
        return self._entry_of(cls) or self.place_of(cls)

    def place_of(self, cls: type[T]) -> str:
        """Where a class is defined, as `find` takes it: file or module, and the class."""
        if source := vars(cls).get("source"):
            return str(source)
        return f"{source_file(cls.__module__) or cls.__module__}:{cls.__qualname__}"

    def _entries(self) -> dict[str, EntryPoint]:
        if not self.group:
            return {}
        return {entry.name: entry for entry in entry_points(group=self.group)}

    def _entry_of(self, cls: type) -> str:
        """The entry point that leads to a class: that of its name, or one that says its module."""
        entries = self._entries()
        named = vars(cls).get("name", "")
        if named in entries and entries[named].module.partition(".")[0] == _root(cls):
            return named
        place = f"{cls.__module__}:{cls.__qualname__}"
        return next((name for name, entry in entries.items() if entry.value == place), "")

    def _loaded(self, entry: EntryPoint) -> type[T]:
        return guarded(f"{self.kind} {entry.name} ({entry.value})", entry.load)

    def _member(self, module: ModuleType, where: str, attribute: str) -> type[T]:
        value: Any = module
        for part in attribute.split("."):
            value = getattr(value, part, None)
        if inspect.isclass(value) and issubclass(value, self.base):
            return value
        classes = [
            name
            for name, value in vars(module).items()
            if inspect.isclass(value)
            and issubclass(value, self.base)
            and value is not self.base
            and value.__module__ == module.__name__
        ]
        if classes and not attribute:
            raise UserError(f"name the class in {where} too, as in {where}:{classes[0]}")
        raise UnknownName(f"{self.kind} class in {where}", attribute, classes)


def _root(cls: type) -> str:
    return cls.__module__.partition(".")[0]


def _source(cls: type) -> str:
    try:
        return inspect.getsourcefile(cls) or cls.__module__
    except (TypeError, OSError):  # typed at a prompt or in a notebook: there is no file
        return cls.__module__
