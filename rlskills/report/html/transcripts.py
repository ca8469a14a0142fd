"""What the base and the arms wrote about the same problem, side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice

from ...runs.folder import BASE
from ...runs.tags import Address
from ..run import Run
from ..transcript import LONGEST, pick_transcript
from .answers import Answer
from .part import Look, Part, Text, Texts, plain_label

PER_SET = 3
"""Problems shown of each eval set: those that the arms disagree on most."""
CHARACTERS = 600_000
"""Shown in all, so that the page stays small."""


def transcripts_part(
    found: Mapping[str, Sequence[Sequence[Answer]]],
    pools: Mapping[str, Sequence[Run]],
    arms: Mapping[str, Look],
) -> Part | None:
    """From the records, else one problem from a rollout log; None where neither has texts."""
    texts, spent = [], 0
    for made in _problems(found, arms):
        spent += len(made.prompt) + sum(len(answer.text) for answer in made.answers)
        if spent > CHARACTERS:
            break
        texts.append(made)
    if not texts:
        return _from_rollouts(pools, arms)
    line = "Greedy answers of the first seed, the first wrong step marked where steps can be read."
    return Part("Problems and answers", lines=(line,), texts=tuple(texts))


def _problems(
    found: Mapping[str, Sequence[Sequence[Answer]]], arms: Mapping[str, Look]
) -> list[Texts]:
    first = {
        arm: {(a.address, a.key): a for a in pool[0] if a.completion} for arm, pool in found.items()
    }
    asked: dict[Address, list[tuple[Address, str]]] = {}
    for row in first.values():
        for problem in row:
            known = asked.setdefault(problem[0], [])
            if problem not in known:
                known.append(problem)
    made = []
    for address, problems in asked.items():
        rows = [{arm: row[p] for arm, row in first.items() if p in row} for p in problems]
        rows.sort(key=_agreement)
        made += [_side_by_side(address, row, arms) for row in islice(rows, PER_SET)]
    return made


def _agreement(row: Mapping[str, Answer]) -> float:
    right = sum(answer.greedy for answer in row.values()) / len(row)
    return abs(right - 0.5)


def _side_by_side(address: Address, row: Mapping[str, Answer], arms: Mapping[str, Look]) -> Texts:
    ordered = sorted(row.items(), key=lambda item: item[0] != BASE)
    right = sum(answer.greedy for answer in row.values())
    title = f"{plain_label(address[0])} level {address[1]}: {right} of {len(row)} arms right"
    return Texts(
        title,
        next((answer.prompt for answer in row.values() if answer.prompt), "")[:LONGEST],
        tuple(
            Text(arm, answer.completion[:LONGEST], answer.first_wrong, arms[arm].number,
                 not answer.greedy)
            for arm, answer in ordered
        ),
    )  # fmt: skip


def _from_rollouts(pools: Mapping[str, Sequence[Run]], arms: Mapping[str, Look]) -> Part | None:
    for run in (run for pool in pools.values() for run in pool):
        shown = pick_transcript(run.folder)
        if not shown:
            continue
        answers = tuple(
            Text(run.arm, rollout["completion"][:LONGEST], None, arms[run.arm].number,
                 not rollout.get("correct"))
            for rollout in shown
            if rollout["prompt"] == shown[0]["prompt"]
        )  # fmt: skip
        where = f"{plain_label(run.arm)}, seed {run.seed}, step {shown[0]['step']}"
        texts = Texts(f"From the rollouts of {where}", shown[0]["prompt"][:LONGEST], answers)
        return Part("Problems and answers", texts=(texts,))
    return None
