"""Settings as a file: YAML or TOML to a recipe's configuration, and the configuration to YAML.

A file holds any part of the settings, nested as the dataclasses are; what it leaves out has its
default. Dashes and underscores in names mean the same. A key or a value that does not fit is an
error of one line.
"""

from __future__ import annotations

import tomllib
import typing
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar

import yaml

from ..errors import UnknownName, UserError
from ..spec import typed

Config = TypeVar("Config")


def load_config(file: Path, config: type[Config], required: Any = MISSING) -> Config:
    """The configuration in `file`; settings without default that it leaves out are `required`."""
    return configured(read_settings(file), config, str(file), required)


def read_settings(file: Path) -> Mapping[str, Any]:
    """The content of a YAML or TOML file, by its ending."""
    try:
        text = file.read_text(encoding="utf-8")
        if file.suffix == ".toml":
            settings = tomllib.loads(text)
        elif file.suffix in (".yaml", ".yml"):
            settings = yaml.safe_load(text) or {}
        else:
            raise UserError(f"{file}: settings are read from .yaml, .yml or .toml")
    except OSError as error:
        raise UserError(f"cannot read {file}: {error.strerror}") from None
    except (ValueError, yaml.YAMLError) as error:
        raise UserError(f"cannot read {file}: {' '.join(str(error).split())}") from None
    except RecursionError:
        raise UserError(f"cannot read {file}: it is nested too deeply") from None
    if not isinstance(settings, Mapping):
        raise UserError(f"cannot read {file}: it holds no settings by name")
    return settings


def configured(
    settings: Mapping[str, Any], config: type[Config], owner: str, required: Any = MISSING
) -> Config:
    """An instance of the dataclass `config` with its defaults but for `settings`.

    `owner` stands in errors; `required` takes the place of what has neither value nor default.
    """
    defaults = {setting.name: _default(setting, required) for setting in _fields(config)}
    known = {name: value for name, value in defaults.items() if value is not MISSING}
    values = known | _changes(settings, config, known, owner)
    if missing := [name for name in defaults if name not in values]:
        raise UserError(f"{owner}: no value for {', '.join(missing)}")
    return config(**values)


def over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of one mapping over those of another; nested ones are taken one by one."""
    found = {str(name).replace("-", "_"): value for name, value in below.items()}
    for key, value in above.items():
        name = str(key).replace("-", "_")
        both = isinstance(value, Mapping) and isinstance(found.get(name), Mapping)
        found[name] = over(found[name], value) if both else value
    return found


def plain(value: Any) -> Any:
    """A configuration as dicts, lists, texts, numbers and None."""
    if is_dataclass(value):
        return {setting.name: plain(getattr(value, setting.name)) for setting in _fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    return str(value) if isinstance(value, Path) else value


def save_config(config: Any, file: Path, command: str) -> None:
    """Write all settings as YAML, unless the file holds them already."""
    text = f"# {command} --config {file.name}\n"
    text += yaml.safe_dump(plain(config), sort_keys=False, allow_unicode=True)
    if file.exists() and file.read_bytes() == text.encode():
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    beside = file.with_name(file.name + ".new")
    beside.write_text(text, encoding="utf-8")
    beside.replace(file)


def _fields(config: Any) -> list[Field[Any]]:
    return [setting for setting in fields(config) if setting.init]


def _default(setting: Field[Any], required: Any) -> Any:
    if setting.default_factory is not MISSING:
        return setting.default_factory()
    return required if setting.default is MISSING else setting.default


def _changes(
    settings: Mapping[str, Any], config: Any, defaults: Mapping[str, Any], owner: str
) -> dict[str, Any]:
    """The values of `settings`, each of the type that the dataclass names."""
    kinds = typing.get_type_hints(config)
    known = [setting.name for setting in _fields(config)]
    changes: dict[str, Any] = {}
    for key, value in settings.items():
        name = str(key).replace("-", "_")
        if name not in known:
            raise UnknownName(f"setting in {owner}:", key, known)
        default = defaults.get(name)
        if is_dataclass(default) and not isinstance(default, type) and isinstance(value, Mapping):
            nested = {setting.name: getattr(default, setting.name) for setting in _fields(default)}
            inner = _changes(value, type(default), nested, f"{owner}: {name}")
            changes[name] = type(default)(**(nested | inner))
            continue
        if isinstance(value, str) and Path in (kinds[name], *typing.get_args(kinds[name])):
            value = Path(value)
        changes |= typed({name: value}, config, owner)
    return changes
