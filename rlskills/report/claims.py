"""The claims of a study, each with a verdict by one rule (`evaluation.measures.verdicts`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..evaluation.measures.verdicts import Declared, Verdict, verdicts
from ..runs.claims import Claim
from ..stats import Interval
from .effects import Measured, measured
from .run import Run
from .section import NONE, Section


@dataclass(frozen=True)
class Judged:
    """A claim and what follows from its effects."""

    claim: Claim
    verdict: Verdict


def judged(pools: Mapping[str, Sequence[Run]], claims: Sequence[Claim]) -> list[Judged]:
    """All claims in their order; those without an arm, a measure or three seeds say so."""
    declared = {}
    for claim in claims:
        found = measured(claim.effect, pools) if claim.effect else Measured((), (claim.untestable,))
        declared[claim.name] = Declared(found.effects, claim.smallest, claim.form, found.missing)
    given = verdicts(declared)
    return [Judged(claim, given[claim.name]) for claim in claims]


def claims_section(found: Sequence[Judged]) -> Section:
    """A row for each claim that has a verdict, and below them what the verdicts mean."""
    rows = [
        (claim.name, claim.text, claim.source, claim.paper or NONE, claim.measure,
         signed(verdict.effect), claim.rule, told(verdict))
        for claim, verdict in ((each.claim, each.verdict) for each in found)
        if not claim.untestable
    ]  # fmt: skip
    header = ("name", "claim", "source", "its number", "measured here", "effect", "rule",
              "verdict")  # fmt: skip
    tested = sum(each.verdict.effect is not None for each in found)
    lines = (
        "reproduced: the whole interval is where the rule says; not reproduced: it is elsewhere; "
        f"inconclusive: neither. Over paired seeds, with Holm's correction for {tested} claims.",
    )
    return Section("Claims", header, tuple(rows), 5, lines)


def verdicts_section(found: Sequence[Judged]) -> Section:
    """The same for a terminal: what is said and measured is found by name on the page."""
    rows = [
        (each.claim.name, signed(each.verdict.effect), each.claim.rule, told(each.verdict))
        for each in found
        if not each.claim.untestable
    ]
    lines = claims_section(found).lines if rows else ()
    return Section("Claims", ("name", "effect", "rule", "verdict"), tuple(rows), 1, lines)


def untestable_section(claims: Sequence[Claim]) -> Section:
    """A row for each claim that the study cannot judge, with the reason."""
    left = [claim for claim in claims if claim.untestable]
    rows = tuple((claim.name, claim.text, claim.source, claim.untestable) for claim in left)
    header = ("name", "claim", "source", "not testable at this scale, because")
    return Section("What else is claimed", header, rows, len(header))


def claims_sections(found: Sequence[Judged]) -> list[Section]:
    """The tables that have rows."""
    made = [claims_section(found), untestable_section([each.claim for each in found])]
    return [section for section in made if section.rows]


def told(verdict: Verdict) -> str:
    """A verdict in words, with what would decide it."""
    note = noted(verdict)
    return f"{verdict.outcome} ({note})" if note else verdict.outcome


def noted(verdict: Verdict) -> str:
    """What there is to say beside the outcome; may be empty."""
    needed = f"{verdict.seeds:,} seeds would decide" if verdict.seeds else ""
    return "; ".join(filter(None, (verdict.note, needed)))


def signed(effect: Interval | None) -> str:
    """With a plus where it is above 0."""
    return NONE if effect is None else f"{'+' if effect.mean > 0 else ''}{effect}"
