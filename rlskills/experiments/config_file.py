"""Settings as a file: YAML or TOML to a recipe's configuration, and the configuration to YAML.

A file holds any part of the settings, nested as the dataclasses are; what it leaves out has its
default. Dashes and underscores in names mean the same. A key or a value that does not fit is an
error of one line.
"""

from __future__ import annotations

import math
import tomllib
import types
import typing
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass, replace
from pathlib import Path
from typing import Any, Literal, TypeVar, Union, get_args, get_origin

import yaml

from ..errors import UnknownName, UserError

Config = TypeVar("Config")


def load_config(file: Path, config: type[Config], required: Any = MISSING) -> Config:
    """The configuration in `file`; settings without default that it leaves out are `required`."""
    return configured(read_settings(file), config, str(file), required)


def read_settings(file: Path) -> Mapping[str, Any]:
    """The content of a YAML or TOML file, by its ending."""
    try:
        text = file.read_text()
        if file.suffix == ".toml":
            settings = tomllib.loads(text)
        elif file.suffix in (".yaml", ".yml"):
            settings = yaml.safe_load(text) or {}
        else:
            raise UserError(f"{file}: settings are read from .yaml, .yml or .toml")
    except OSError as error:
        raise UserError(f"cannot read {file}: {error.strerror}") from None
    except (ValueError, yaml.YAMLError) as error:
        raise UserError(f"{file} cannot be read: {' '.join(str(error).split())}") from None
    if not isinstance(settings, Mapping):
        raise UserError(f"{file} holds no settings by name")
    return settings


def configured(
    settings: Mapping[str, Any], config: type[Config], owner: str, required: Any = MISSING
) -> Config:
    """An instance of the dataclass `config` with its defaults but for `settings`.

    `owner` stands in errors; `required` takes the place of what has neither value nor default.
    """
    values: dict[str, Any] = {}
    for setting in fields(config):  # pyright: ignore[reportArgumentType]
        default = _default(setting)
        if default is not MISSING:
            values[setting.name] = default
        elif required is not MISSING:
            values[setting.name] = required
    values |= _changes(settings, config, values, owner, "")
    missing = [f.name for f in fields(config) if f.name not in values]  # pyright: ignore[reportArgumentType]
    if missing:
        raise UserError(f"{owner}: no value for {', '.join(missing)}")
    return config(**values)


def plain(value: Any) -> Any:
    """A configuration as dicts, lists, texts, numbers and None."""
    if is_dataclass(value):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    return str(value) if isinstance(value, Path) else value


def save_config(config: Any, file: Path, command: str) -> None:
    """Write all settings as YAML, unless the file holds them already."""
    text = f"# {command} --config {file.name}\n"
    text += yaml.safe_dump(plain(config), sort_keys=False, allow_unicode=True)
    if file.exists() and file.read_text() == text:
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    beside = file.with_name(file.name + ".new")
    beside.write_text(text)
    beside.replace(file)


def _default(setting: Field[Any]) -> Any:
    if setting.default_factory is not MISSING:
        return setting.default_factory()
    return setting.default


def _changes(
    settings: Mapping[str, Any], config: type, defaults: Mapping[str, Any], owner: str, prefix: str
) -> dict[str, Any]:
    """The values of `settings`, each of the type that the dataclass names."""
    kinds = typing.get_type_hints(config)
    known = [setting.name for setting in fields(config)]
    changes = {}
    for key, value in settings.items():
        name = str(key).replace("-", "_")
        if name not in known:
            raise UnknownName(f"setting in {owner}: {prefix}", key, [prefix + k for k in known])
        kind, where = kinds[name], f"{owner}: {prefix}{name}"
        default = defaults.get(name)
        if is_dataclass(default) and isinstance(value, Mapping):
            nested = {f.name: getattr(default, f.name) for f in fields(default)}
            inner = _changes(value, type(default), nested, owner, f"{prefix}{name}.")
            changes[name] = replace(default, **inner)  # pyright: ignore[reportArgumentType]
        else:
            changes[name] = _value(value, kind, where)
    return changes


def _value(value: Any, kind: Any, where: str) -> Any:
    """`value` as a `kind`; what is not of that kind is a `UserError`."""
    origin, inside = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return _first_that_fits(value, inside, kind, where)
    if origin is Literal and value in inside:
        return value
    if origin is tuple and isinstance(value, list | tuple):
        each = inside[:1] * len(value) if inside[1:] == (...,) else inside
        if len(each) == len(value):
            return tuple(_value(v, k, where) for v, k in zip(value, each, strict=True))
    if is_dataclass(kind) and isinstance(kind, type) and isinstance(value, Mapping):
        return configured(value, kind, where)
    if kind is float and not isinstance(value, bool):
        return _number(value, where)
    if kind is Path and isinstance(value, str):
        return Path(value)
    if kind in (bool, int, str) and type(value) is kind:
        return value
    if value is None and kind in (None, type(None)):
        return None
    raise UserError(f"{where}: {value!r} is not {_called(kind)}")


def _first_that_fits(value: Any, kinds: tuple[Any, ...], kind: Any, where: str) -> Any:
    for each in kinds:
        try:
            return _value(value, each, where)
        except UserError:
            continue
    raise UserError(f"{where}: {value!r} is not {_called(kind)}")


def _number(value: Any, where: str) -> float:
    """A float; YAML takes `1e-4` for a text."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise UserError(f"{where}: {value!r} is not a number") from None
    if math.isnan(number):
        raise UserError(f"{where} is not a number")
    return number


def _called(kind: Any) -> str:
    """A type in words."""
    if get_origin(kind) is Literal:
        return "one of " + ", ".join(map(str, get_args(kind)))
    names = {bool: "true or false", int: "a whole number", str: "a text", Path: "a path"}
    return names.get(kind) or str(getattr(kind, "__name__", kind)).replace("NoneType", "null")
