"""`rlskills claims`: what studies claim, and what follows from their runs."""

from __future__ import annotations

from pathlib import Path

import tyro

from ..console import Console
from ..errors import UserError
from ..report.claims_index import brief, claims_of, index_section
from ..report.render import print_section, section_markdown


def list_claims(
    studies: tyro.conf.Positional[tuple[Path, ...]],
    /,
    output: Path | None = None,
) -> None:
    """List the claims that studies declare, each with its effect and a verdict by one rule:
    reproduced, not reproduced, inconclusive, or not testable at this scale.

    Args:
        studies: Folders that studies were run in.
        output: A Markdown file for the same table.
    """
    if not studies:
        raise UserError("name the folder of a study at least")
    section = index_section([claims_of(study) for study in studies])
    console = Console()
    print_section(brief(section), console)
    if output is not None:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(section_markdown(section))
        console.say(f"written: {output}")
