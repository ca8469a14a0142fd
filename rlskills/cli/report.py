"""`rlskills report`: the page of a study."""

from __future__ import annotations

from pathlib import Path

import tyro

from ..report.html.page import INSTALL, can_write, write_html
from ..report.page import write_page
from ..report.study import load_study


def report_study(
    study: tyro.conf.Positional[Path],
    /,
    output: Path | None = None,
) -> None:
    """Write the page of a study from its folder: question, command and settings, results with
    figures, a problem with answers, how long it took, and what it was made with.

    Beside it the same as one HTML file that needs no network: figures that answer to the reader,
    tables to sort and filter. It needs plotly (the extra `html`).

    Args:
        study: Folder that a study was run in (--output of `rlskills run`).
        output: The page, a .md file; default: page.md in that folder. Figures of a page that is
            elsewhere lie beside it, in a folder of its name; the HTML page has its name, too.
    """
    loaded = load_study(study)
    page = write_page(loaded, output)
    print(f"written: {page}")
    html = page.with_suffix(".html")
    if can_write():
        made = write_html(html, loaded.runs, loaded.comparison, loaded, loaded.claims)
        print(f"written: {made}")
    else:
        print(f"{html.name} is left out: it needs plotly ({INSTALL})")
