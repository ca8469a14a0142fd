"""Results of claims as a table and as a page."""

from __future__ import annotations

from collections.abc import Sequence

from ...tables import escape, markdown
from .claim import Claim

HEADER = ("claim", "what decides", "found", "verdict")


def rows(claims: Sequence[Claim]) -> list[list[str]]:
    """A row for each claim."""
    return [
        [claim.name, claim.measures[0].what, f"{claim.measures[0].value:.2f}", claim.verdict]
        for claim in claims
    ]


def to_markdown(claims: Sequence[Claim], command: str, seeds: int) -> str:
    """The page: the table, then for each claim what the paper says and what was measured."""
    parts = [
        "# Papers' claims on the simulated learner\n",
        f"What `{command}` printed, over {seeds} seeds. Each claim is the paper's own, in an "
        "experiment of seconds; means over seeds with 95 % bootstrap intervals. A claim is "
        "reproduced where the interval of what decides lies above what the paper needs. A verdict "
        "speaks of direction: sizes are those of a small model and not to be compared.\n",
        markdown(HEADER, rows(claims)),
        *(_section(claim) for claim in claims),
    ]
    return "\n".join(parts)


def _section(claim: Claim) -> str:
    measured = [[measure.what, f"{measure.value:.2f}"] for measure in claim.measures]
    return "\n".join([
        f"## {escape(claim.name)}: {claim.verdict}\n",
        f"**{escape(claim.paper)}.** {escape(claim.says)}\n",
        f"*Here:* {escape(claim.setting)}\n",
        markdown(("measure", "mean [95 % interval]"), measured, numbers_from=1),
        f"{escape(claim.why)}\n",
    ])  # fmt: skip
