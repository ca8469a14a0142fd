"""The claims of several studies in one table, with their verdicts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import get_args

from ..errors import UserError
from ..evaluation.measures.verdicts import Outcome
from ..runs.study_file import read_study_file
from .claims import Judged, judged, signed, told
from .reading import load_runs
from .run import arms
from .section import NONE, Section

HEADER = ("study", "name", "claim", "source", "its number", "effect here", "verdict")


def claims_of(study: Path) -> tuple[str, list[Judged]]:
    """The name of a study and its claims; a `UserError` where its folder declares none."""
    about = read_study_file(study)
    if about is None or not about.claims:
        raise UserError(f"{study}: no study that declares claims")
    return about.name, judged(arms(load_runs([study])), about.claims)


def brief(section: Section) -> Section:
    """An index for a terminal: study, name, effect and verdict."""
    rows = tuple((row[0], row[1], row[5], row[6]) for row in section.rows)
    return replace(section, header=("study", "name", "effect", "verdict"), rows=rows, keys=2)


def index_section(studies: Sequence[tuple[str, Sequence[Judged]]]) -> Section:
    """A row for each claim; below, how many there are of each verdict. Holm's correction is over
    the claims of one study."""
    rows = [
        (name, each.claim.name, each.claim.text, each.claim.source, each.claim.paper or NONE,
         signed(each.verdict.effect), told(each.verdict))
        for name, claims in studies
        for each in claims
    ]  # fmt: skip
    counts = Counter(each.verdict.outcome for _, claims in studies for each in claims)
    line = ", ".join(f"{counts[outcome]} {outcome}" for outcome in get_args(Outcome))
    return Section("Claims", HEADER, tuple(rows), 5, (f"{len(rows)} claims: {line}.",))
