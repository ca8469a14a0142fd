"""`rlskills curriculum`: list, show and compare what decides what is practised next."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Any

import tyro
from rich.table import Table
from rich.text import Text

from ...console import Console
from ...curricula import CATALOGUE, DEFAULT, Base, find
from ...curricula.describe import OptionHelp, option_help, summary
from ...errors import UnknownName
from .bench import curriculum_bench
from .fit import curriculum_fit
from .papers import curriculum_papers


def list_curricula(markdown: bool = False) -> None:
    """All curricula that can be named, with what each uses beyond outcomes.

    Args:
        markdown: Print the table of docs/curricula.md.
    """
    if markdown:
        print(as_markdown())
        return
    console = Console()
    for family, members in groupby(rows(), key=lambda row: row[1]):
        table = Table(title=family, title_justify="left", box=None, padding=(0, 2, 0, 0))
        table.add_column("name", no_wrap=True, width=26)
        table.add_column("uses", no_wrap=True, width=20)
        table.add_column("rule", overflow="fold")
        for name, _, information, rule, _ in members:
            table.add_row(name, information, Text(rule))
        console.print(table)
        console.print()
    console.print(f"default: {DEFAULT}. `rlskills curriculum show NAME` has papers and options.")
    console.print("Your own need no registration: use file.py:Class.")


def rows() -> list[tuple[str, str, str, str, str]]:
    """Name, family, information, first line and paper of every curriculum in the catalogue."""
    return [
        (name, cls.family, cls.information, summary(cls), cls.paper)
        for name, cls in CATALOGUE.items()
    ]


def as_markdown() -> str:
    """The catalogue as a table for the documentation."""
    head = ["| name | family | information | rule | paper |", "|---|---|---|---|---|"]
    cells = [(f"`{name}`", *rest) for name, *rest in rows()]
    lines = ["| " + " | ".join(cell.replace("|", r"\|") for cell in row) + " |" for row in cells]
    return "\n".join([*head, *lines])


def show(name: tyro.conf.Positional[str], /) -> None:
    """What one curriculum does: its rule, paper, options with defaults, and what it needs.

    Args:
        name: A name that `rlskills curriculum list` prints, or file.py:Class.
    """
    cls = find(name)
    console = Console()
    sections = [
        f"{cls.name} (version {cls.version})",
        inspect.getdoc(cls) or "",
        inspect.getdoc(inspect.getmodule(cls)) or "",
        "\n".join(f"{key}: {value}" for key, value in facts(cls).items()),
    ]
    console.print("\n\n".join(sections), highlight=False, soft_wrap=True)
    if options := option_help(cls):
        console.print(_option_table(options))


def facts(cls: type[Base]) -> dict[str, str]:
    """What `show` says of a class beside its documentation."""
    return {
        "family": cls.family,
        "paper": cls.paper or "none",
        "information beyond outcomes": cls.information,
        "needs from the trainer": ", ".join(sorted(cls.needs)) or "nothing",
    }


def _option_table(options: Sequence[OptionHelp]) -> Table:
    table = Table("option", "type", "default", "what it sets")
    for option in options:
        table.add_row(*(Text(cell) for cell in (option.name, option.type, option.default,
                                                option.about)))  # fmt: skip
    return table


COMMANDS: dict[str, Callable[..., Any]] = {
    "list": list_curricula, "show": show, "bench": curriculum_bench,
    "papers": curriculum_papers,
    "fit": curriculum_fit,
}  # fmt: skip


def curriculum_cli(args: Sequence[str]) -> None:
    """Parse and run `rlskills curriculum ...`; `args` are the words behind `curriculum`."""
    words = list(args) or ["--help"]
    if not words[0].startswith("-") and words[0] not in COMMANDS:
        raise UnknownName("curriculum command", words[0], COMMANDS)
    tyro.extras.subcommand_cli_from_dict(
        COMMANDS,
        prog="rlskills curriculum",
        description="List, show and compare what decides what is practised next.",
        args=words,
        config=(tyro.conf.FlagCreatePairsOff,),
    )
