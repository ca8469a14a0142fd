"""The page of a study, made from the study's folder alone.

    write_page(Path("runs/mine"))                                # runs/mine/page.md
    write_page(Path("runs/mine"), Path("docs/studies/mine.md"))  # figures in docs/studies/mine/

Nothing on it is typed: the question is in `study.json`, the settings in `config.yaml`, commits and
versions in every `run.json`, and the rest is measured.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from ..errors import UserError
from ..runs.study_file import CONFIG
from ..tables import escape, markdown
from .claims import claims_sections
from .facts import arms_section, eval_sets_section, time_section, versions_section
from .render import section_markdown
from .run import arms
from .section import Section
from .study import Study, load_study
from .transcript import fenced, transcript
from .write import draw_figures


def write_page(study: Path | Study, output: Path | None = None) -> Path:
    """Write the page of a study and its figures; returns the page.

    Args:
        study: Folder that a study was run in (`--output` of `rlskills run`), or what was read of
            it.
        output: The page; default: `page.md` in the folder. Figures lie beside it: in the study's
            folder, or in a folder named like a page that is elsewhere.
    """
    if output and output.suffix != ".md":
        raise UserError(f"a page is a Markdown file: {output} does not end with .md")
    study = study if isinstance(study, Study) else load_study(study)
    page = output or study.folder / "page.md"
    beside = page.parent.resolve() == study.folder.resolve()
    folder = study.folder if beside else page.with_suffix("")
    figures = draw_figures(study.runs, study.comparison, folder)
    page.write_text(_page(study, [_link(page, file) for file in figures]))
    return page


def _page(study: Study, figures: Sequence[str]) -> str:
    trained = [run for pool in arms(study.runs).values() for run in pool]
    eval_sets = study.runs[0].eval_sets.values()
    parts = [
        f"# {escape(study.title)}\n",
        *(f"> Note: {escape(note)}.\n" for note in study.notes),
        *_claims(study),
        *_settings(study),
        *_titled(arms_section(study)),
        *_titled(eval_sets_section(eval_sets)),
        "## Results\n",
        *figures,
        *(section_markdown(section) for section in study.tables),
        "## A problem and two answers\n",
        transcript(trained) or "No arm has a rollout log; RL arms write one while they train.\n",
        *_titled(time_section(study)),
        *_titled(versions_section(study)),
    ]
    return "\n".join(parts)


def _claims(study: Study) -> list[str]:
    found = claims_sections(study.claims)
    return ["## What is claimed\n", *map(section_markdown, found)] if found else []


def _titled(section: Section) -> list[str]:
    """A section under a heading of the second level."""
    table = markdown(section.header, section.rows, numbers_from=section.keys)
    return [f"## {section.title}\n", table, *(f"{escape(line)}\n" for line in section.lines)]


def _settings(study: Study) -> list[str]:
    if not study.settings:
        return []
    parts = ["## Command\n"]
    if study.command:
        parts.append(fenced(study.command, "sh"))
    parts.append(f"All settings, as `{CONFIG}` in the study's folder has them:\n")
    return [*parts, fenced(study.settings, "yaml")]


def _link(page: Path, figure: Path) -> str:
    relative = Path(os.path.relpath(figure, page.parent)).as_posix()
    words = figure.stem.replace("_", " ")
    return f"![{escape(words)}]({quote(relative)})\n"
