"""`rlskills curriculum`: list, show and compare what decides what is practised next."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import tyro
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ...curricula import CATALOGUE, DEFAULT, Base, find
from ...curricula.catalogue import option_kinds
from ...errors import UnknownName
from .bench import curriculum_bench


def list_curricula(markdown: bool = False) -> None:
    """All curricula that can be named, with what each uses beyond rewards.

    Args:
        markdown: Print the table of docs/curricula.md.
    """
    if markdown:
        print(as_markdown())
        return
    table = Table()
    table.add_column("name", no_wrap=True)
    for column in ("family", "information", "summary", "paper"):
        table.add_column(column, overflow="fold")
    for row in rows():
        table.add_row(*(Text(one) for one in row))
    console = Console()
    console.print(table)
    console.print(f"default: {DEFAULT}. Own ones need no registration: use file.py:Class.")


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
    lines = ["| " + " | ".join(one.replace("|", r"\|") for one in row) + " |" for row in cells]
    return "\n".join([*head, *lines])


def summary(cls: type[Base]) -> str:
    """The first line of a method's docstring."""
    return (inspect.getdoc(cls) or "").split("\n")[0]


def show(name: tyro.conf.Positional[str], /) -> None:
    """What one curriculum does: its rule, paper, options with defaults, and what it needs.

    Args:
        name: A name that `rlskills curriculum list` prints, or file.py:Class.
    """
    cls = find(name)
    console = Console()
    module = inspect.getdoc(inspect.getmodule(cls)) or ""
    needs = ", ".join(sorted(cls.needs)) or "nothing"
    facts = {
        "family": cls.family,
        "paper": cls.paper or "none",
        "information beyond rewards": cls.information,
        "needs from the trainer": needs,
        "further batches in a step": str(cls.refill or "none"),
    }
    told = [f"{cls.name} (version {cls.version})", inspect.getdoc(cls) or "", module]
    told.append("\n".join(f"{key}: {value}" for key, value in facts.items()))
    console.print("\n\n".join(told), markup=False, highlight=False, soft_wrap=True)
    table = Table("option", "type", "default")
    defaults = inspect.signature(cls.__init__).parameters
    for option, kind in option_kinds(cls).items():
        table.add_row(option, Text(kind), Text(repr(defaults[option].default)))
    if table.row_count:
        console.print(table)


COMMANDS: dict[str, Callable[..., Any]] = {
    "list": list_curricula, "show": show, "bench": curriculum_bench,
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
