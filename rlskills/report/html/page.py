"""One HTML file with everything about some runs: no network, figures that answer to the reader.

    study = load_study(Path("runs/mine"))
    write_html(Path("runs/mine/page.html"), study.runs, study.comparison, study, study.claims)

plotly.js and the figures travel inside the page as one compressed block. Texts are escaped by
jinja2, and control characters in them become escapes such as `\\x1b`.
"""

from __future__ import annotations

import base64
import gzip
from collections.abc import Mapping, Sequence
from functools import cache, partial
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined

from ...errors import UserError
from ...tables import printable
from ..claims import Judged
from ..comparison import Comparison
from ..facts import arms_section, eval_sets_section, time_section, versions_section
from ..run import Run
from ..run import arms as pooled
from ..sections import sections
from ..study import Study
from .answers import by_arm
from .claims import claims_html
from .curriculum import curriculum_part
from .curves import curves_part
from .failures import failures_part
from .levels import by_spread, levels_part
from .part import DARK, SYMBOLS, Figure, Look, Part, Text, looks
from .pass_at_k import pass_at_k_part
from .plot import as_json
from .recall import recall_part
from .tables import LINES, OUTCOMES, table
from .transcripts import transcripts_part

INSTALL = "pip install 'rlskills[html]'"
LONGEST = 20_000
"""Characters shown of any text."""


def can_write() -> bool:
    """Whether plotly is there."""
    return find_spec("plotly") is not None


def write_html(
    path: Path,
    runs: Sequence[Run],
    comparison: Comparison,
    study: Study | None = None,
    claims: Sequence[Judged] = (),
) -> Path:
    """Write the page of some runs; returns its path.

    Args:
        path: The file, in a folder that is there.
        runs: What `load_runs` returned.
        comparison: Of these runs.
        study: What else is known where the runs are those of one study.
        claims: Claims with verdicts, which come first.

    Raises:
        UserError: plotly is missing.
    """
    if not can_write():
        raise UserError(f"an HTML page needs plotly: {INSTALL}")
    arms = looks([arm.name for arm in comparison.arms])
    pools = pooled(runs)
    found = by_arm(pools)
    order = by_spread(comparison)
    parts = [
        claims_html(claims),
        levels_part(comparison, arms, order),
        curves_part(pools, arms, order),
        pass_at_k_part(pools, arms, order),
        failures_part(pools, arms, order),
        recall_part(found, arms, order),
        curriculum_part(pools, arms),
        transcripts_part(found, pools, arms),
        Part("Tables", tables=tuple(study.tables if study else sections(comparison))),
        *_about(runs, study),
    ]
    shown = [part for part in parts if part is not None]
    title = study.title if study else comparison.title
    notes = study.notes if study else comparison.notes
    packed = _packed([figure for part in shown for figure in part.figures])
    path.write_text(rendered(title, notes, arms, shown, packed), encoding="utf-8")
    return path


def rendered(
    title: str, notes: Sequence[str], arms: Mapping[str, Look], parts: Sequence[Part], packed: str
) -> str:
    """The page as text; `packed` is what its figures are drawn from, in base64."""
    return _template().render(
        title=title,
        notes=notes,
        arms=arms,
        symbols={name: SYMBOLS[look.key.marker][1] for name, look in arms.items()},
        dark=DARK,
        parts=parts,
        table=partial(table, arms=arms),
        lines_shown=LINES,
        outcomes=OUTCOMES,
        style=_file("style.css"),
        script=_file("script.js") + _file("figures.js"),
        packed=packed,
    )


def _about(runs: Sequence[Run], study: Study | None) -> list[Part]:
    """Settings, arms, eval sets, time and versions."""
    eval_sets = eval_sets_section(runs[0].eval_sets.values())
    if study is None:
        return [Part("Eval sets", tables=(eval_sets,))]
    blocks = [Text("Command", study.command)] if study.command else []
    blocks += [Text("All settings", study.settings)] if study.settings else []
    made = (arms_section(study), eval_sets, time_section(study), versions_section(study))
    return [Part("How it was made", tables=made, blocks=tuple(blocks))]


def _packed(figures: Sequence[Figure]) -> str:
    """plotly.js, and by figure its views, as base64 of a compressed JSON object."""
    from plotly.io.json import to_json_plotly
    from plotly.offline import get_plotlyjs

    drawn = {
        figure.name: {"-".join(map(str, key)): as_json(view) for key, view in figure.views.items()}
        for figure in figures
    }
    everything = {"plotly": get_plotlyjs(), "figures": drawn, "dark": DARK}
    content = to_json_plotly(everything, engine="json") or ""
    return base64.b64encode(gzip.compress(content.encode(), 9, mtime=0)).decode()


@cache
def _template() -> Any:
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
        finalize=_shown,
    )  # fmt: skip
    return environment.from_string(_file("page.html"))


def _shown(value: Any) -> Any:
    """Text that a page shows and does not obey, of a length that a reader may want."""
    if not isinstance(value, str) or hasattr(value, "__html__"):
        return value
    left = len(value) - LONGEST
    cut = value if left <= 0 else f"{value[:LONGEST]} ... {left} more characters"
    return printable(cut, lines=True)


def _file(name: str) -> str:
    return files(__name__.rpartition(".")[0]).joinpath(name).read_text(encoding="utf-8")
