"""`rlskills report`: the page of a study."""

from __future__ import annotations

from pathlib import Path

import tyro

from ..report.page import write_page


def report_study(
    study: tyro.conf.Positional[Path],
    /,
    output: Path | None = None,
) -> None:
    """Write the page of a study from its folder: question, command and settings, results with
    figures, a problem with answers, how long it took, and what it was made with.

    Args:
        study: Folder that a study was run in (--output of `rlskills run`).
        output: The page, a .md file; default: page.md in that folder. Figures of a page that is
            elsewhere lie beside it, in a folder of its name.
    """
    print(f"written: {write_page(study, output)}")
