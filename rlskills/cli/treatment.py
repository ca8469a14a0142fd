"""`rlskills treatment`: list, show and begin methods of learning from rollouts."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Sequence
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

import tyro
from rich.table import Table
from rich.text import Text

from ..console import Console
from ..errors import UnknownName, UserError
from .treatment_page import docs, summary


def list_treatments() -> None:
    """All registered treatments: what they learn from, and what they do."""
    from ..training.treatments import TREATMENTS

    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("name", no_wrap=True)
    table.add_column("supervision", no_wrap=True)
    table.add_column("what it does", overflow="fold")
    for name in TREATMENTS.names():
        cls = TREATMENTS.find(name)
        table.add_row(name, cls.supervision, Text(summary(cls)))
    console = Console()
    console.print(table)
    console.print("\nCombine them: --treatments maxrl step_credit?mode=terminal")
    console.print("Your own need no registration: use file.py:Class.")


def show(name: tyro.conf.Positional[str], /) -> None:
    """What one treatment does: its rule, paper, stages, and options with their defaults.

    Args:
        name: A name that `rlskills treatment list` prints, or file.py:Class.
    """
    from ..spec.help import option_help
    from ..training.treatments import TREATMENTS, acts, acts_supervised

    cls = TREATMENTS.find(name)
    facts = {
        "paper": cls.paper or "none",
        "supervision": cls.supervision,
        "stages": ", ".join(acts(cls)) or "none",
        "begins without another's credit": "yes" if cls.sets_credit else "no, `grpo` comes first",
        "acts in supervised arms": "yes" if acts_supervised(cls) else "no",
    }
    sections = [
        f"{TREATMENTS.name_of(cls)} (version {cls.version})",
        inspect.getdoc(cls) or "",
        inspect.getdoc(inspect.getmodule(cls)) or "",
        "\n".join(f"{key}: {value}" for key, value in facts.items()),
    ]
    console = Console()
    console.print("\n\n".join(sections), highlight=False, soft_wrap=True)
    if options := option_help(cls.Options):
        table = Table("option", "type", "default", "what it sets")
        for option in options:
            cells = (option.name, option.type, option.default, option.about)
            table.add_row(*map(Text, cells))
        console.print(table)


def new(name: tyro.conf.Positional[str], /, folder: Path = Path()) -> None:
    """Write a working treatment to start from, and its test; nothing is overwritten.

    Args:
        name: Name of the file and, in capitals, of the class: `short_answers`.
        folder: Where to write.
    """
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise UserError(f"{name!r} is no name of a Python file: use letters, digits and _")
    title = "".join(part.capitalize() for part in name.split("_"))
    made = {
        folder / f"{name}.py": "treatment.txt",
        folder / f"test_{name}.py": "treatment_test.txt",
    }
    for path in made:
        if path.exists():
            raise UserError(f"{path} exists already")
    folder.mkdir(parents=True, exist_ok=True)
    for path, template in made.items():
        text = (files("rlskills.cli") / "templates" / template).read_text()
        path.write_text(Template(text).substitute(title=title, file=f"{name}.py"))
        print(f"written: {path}")
    print(f"try: rlskills run grpo --env ENV --treatments grpo {folder / f'{name}.py'}:{title}")


COMMANDS: dict[str, Callable[..., Any]] = {
    "list": list_treatments,
    "show": show,
    "new": new,
    "docs": docs,
}


def treatment_cli(args: Sequence[str]) -> None:
    """Parse and run `rlskills treatment ...`; `args` are the words behind `treatment`."""
    words = list(args) or ["--help"]
    if not words[0].startswith("-") and words[0] not in COMMANDS:
        raise UnknownName("treatment command", words[0], COMMANDS)
    tyro.extras.subcommand_cli_from_dict(
        COMMANDS,
        prog="rlskills treatment",
        description="List, show, begin and document methods of learning from rollouts.",
        args=words,
    )
