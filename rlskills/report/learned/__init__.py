"""What was learned, beyond accuracy: tables of the measures in `evaluation/measures`.

Every file here makes `Section`s of runs, or none where their records lack what it needs.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..run import Run, arms
from ..section import Section
from .composition import composition
from .failures import failures, summary
from .hazards import hazards
from .pass_at_k import pass_at_k, right_reasons
from .reach import reach
from .retained import retained


def learned(runs: Sequence[Run], page: bool = True) -> list[Section]:
    """All tables in the order in which to read them; for a terminal only one, of a line an arm."""
    pools = arms(runs)
    if not page:
        return summary(pools)
    made = [failures, hazards, composition, pass_at_k, right_reasons, reach, retained]
    return [section for make in made for section in make(pools)]
