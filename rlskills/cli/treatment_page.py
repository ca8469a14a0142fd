"""`rlskills treatment docs`: a page about every treatment, from the code itself."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

from ..errors import UserError
from ..spec.help import option_help
from ..tables import markdown

HEAD = """# Catalogue of treatments

Written by `rlskills treatment docs`; [treatments](../treatments.md) says how they work together and
how to write one. `rlskills treatment show NAME` prints a section. *Supervision* is what a method
learns from: compare arms only under the same. *SFT* says which act in supervised arms
(`--sft.treatments`) too.
"""


def docs(output: Path = Path("docs/treatments/catalogue.md")) -> None:
    """Write a page of Markdown about all registered treatments.

    Args:
        output: The file.
    """
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(page(), encoding="utf-8")
    except OSError as error:
        raise UserError(f"cannot write {output}: {error.strerror}") from error
    print(f"written: {output}")


def page() -> str:
    """The page's text."""
    from ..training.treatments import TREATMENTS, acts, acts_supervised

    found = {name: TREATMENTS.find(name) for name in TREATMENTS.names()}
    header = ("name", "supervision", "SFT", "stages", "what it does", "paper")
    rows = [(name, cls.supervision, "yes" if acts_supervised(cls) else "",
             ", ".join(acts(cls)) or "-", summary(cls), cls.paper or "-")
            for name, cls in found.items()]  # fmt: skip
    sections = [_section(name, cls) for name, cls in found.items()]
    return "\n".join([HEAD, markdown(header, rows), *sections])


def _section(name: str, cls: type[Any]) -> str:
    rule = inspect.getdoc(inspect.getmodule(cls)) or ""
    parts = [f"## {name}\n", f"{inspect.getdoc(cls) or ''}\n", f"{rule}\n"]
    if cls.role:
        parts.append(f"No two treatments of an arm may be such that each *{cls.role}*.\n")
    if options := option_help(cls.Options):
        rows = [(each.name, each.type, each.default, each.about) for each in options]
        parts.append(markdown(("option", "type", "default", "what it sets"), rows))
    return "\n".join(parts)


def summary(cls: type[Any]) -> str:
    """The first line of a treatment's docstring."""
    return (inspect.getdoc(cls) or "").split("\n")[0]
