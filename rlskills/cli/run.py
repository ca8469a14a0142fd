"""`rlskills run`: a recipe with settings from flags and, with --config, from a file."""

from __future__ import annotations

import ast
import sys
import textwrap
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ..errors import UnknownName, UserError
from ..models.tiny_base import NAME as TINY_BASE
from ..processes import leave_group
from .entry import with_clear_errors

USAGE = """usage: rlskills run RECIPE [--config FILE] ...

RECIPE is a name below, or the path of a Python file that is written like one.
Settings are read from FILE (.yaml, .yml or .toml), and flags override them. All
settings of a run are saved in its folder as config.yaml, to be used again.

recipes:
{recipes}

`rlskills run RECIPE --help` lists the settings of a recipe.
"""

CONFIG = "--config FILE reads settings from a .yaml or .toml file; flags override them."


def run_cli(words: list[str]) -> None:
    """List the recipes, or run one."""
    if not words or words[0] in ("-h", "--help"):
        rows = recipe_summaries()
        width = max(map(len, rows), default=0)
        lines = [
            textwrap.fill(f"  {name:{width}}  {text}", 80, subsequent_indent=" " * (width + 4))
            for name, text in rows.items()
        ]
        print(USAGE.format(recipes="\n".join(lines)), end="")
        return
    name = words[0]
    if not name.endswith(".py") and ":" not in name and name not in recipe_summaries():
        raise UnknownName("recipe", name, recipe_summaries())
    from ..experiments.recipe import find_recipe

    recipe = find_recipe(name)
    run_recipe(recipe.main, recipe.config, recipe.name, words[1:])


def command_line(main: Callable[[Any], None], config: type[Any], name: str) -> None:
    """What a recipe ends with, so that it runs as a script too."""
    with_clear_errors(lambda: run_recipe(main, config, name, sys.argv[1:]))


def run_recipe(
    main: Callable[[Any], None], config: type[Any], name: str, words: Sequence[str]
) -> None:
    """Parse the settings in `words` and run `main` with them."""
    import tyro

    file, flags = _config_file(list(words))
    extra = {}
    if file or any(hasattr(config, name) for name in ("scales", "for_other_models", "for_quick")):
        extra["default"] = _defaults(config, file, flags, tyro.MISSING)
    text = f"{sys.modules[config.__module__].__doc__ or main.__doc__ or ''}\n{CONFIG}"
    main(tyro.cli(config, args=flags, prog=f"rlskills run {name}", description=text, **extra))
    leave_group()


def show(output: Path, axis: str = "samples", highlights: Sequence[Any] = ()) -> None:
    """Print the comparison of all runs below `output`, on the main process, and write it there.

    With `highlights` (of `rlskills.report.brief`), what is printed fits one screen.
    """
    from ..console import Console
    from ..experiments.group import processes
    from ..report.write import write_report

    if processes().is_main_process:
        write_report((output,), output, Console(), axis, highlights=highlights)


def recipe_summaries() -> dict[str, str]:
    """The first line of every recipe's docstring, by name; the recipes are not imported."""
    return {
        entry.name: _summary(entry.module)
        for entry in sorted(entry_points(group="rlskills.recipes"), key=lambda entry: entry.name)
    }


def _summary(module: str) -> str:
    try:
        spec = find_spec(module)
        text = Path(spec.origin).read_text() if spec and spec.origin else ""
        return (ast.get_docstring(ast.parse(text)) or "").split("\n")[0]
    except (ImportError, OSError, SyntaxError) as error:
        return f"(cannot be read: {error})"


def _defaults(config: type[Any], file: Path | None, flags: list[str], required: Any) -> Any:
    """What flags override: the settings of the scale, if the recipe has any, and those of a file.

    A recipe with scales has them as `scales` on its `Config`: settings by the value of `scale`.
    Defaults that suit the tiny preset give way to `for_other_models` where another one is named,
    and those of a whole study to `for_quick` with --quick.
    """
    from ..experiments.config_file import configured, over, read_settings

    settings = read_settings(file) if file else {}
    scales: Mapping[str, Any] = getattr(config, "scales", {})
    named = _flag("--scale", flags)[0] or settings.get("scale", "")
    scale = scales.get(str(named), {})
    if named and scale:
        settings = over(scale, settings)
    model = _flag("--model", flags)[0] or settings.get("model", "tiny")
    if model not in ("tiny", TINY_BASE):
        settings = over(getattr(config, "for_other_models", {}), settings)
    if "--quick" in flags or settings.get("quick"):
        settings = over(getattr(config, "for_quick", {}), settings)
    return configured(settings, config, str(file or f"scale {named}"), required)


def _config_file(words: list[str]) -> tuple[Path | None, list[str]]:
    """The value of --config, and the other words."""
    value, rest = _flag("--config", words)
    if value == "":
        raise UserError("--config needs the name of a file")
    return (None if value is None else Path(value)), rest


def _flag(flag: str, words: list[str]) -> tuple[str | None, list[str]]:
    """The value behind a flag, or None without the flag, and the other words."""
    for at, word in enumerate(words):
        name, given, value = word.partition("=")
        if name != flag:
            continue
        if given:
            return value, words[:at] + words[at + 1 :]
        behind = words[at + 1 : at + 2]
        return "".join(behind), words[:at] + words[at + 2 :]
    return None, words
