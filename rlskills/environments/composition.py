"""Environments in parts by composition: `f>g` asks only problems of exactly f, then g."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product

from ..errors import UnknownName, UserError
from .skills import THEN

DRAWS = 200
"""Problems of one composition that are drawn for one that a split owns; with a tenth of the
problems, a split is then missed with a chance of 1e-9."""
MOST_PARTS = 2_000
"""Compositions above which one must choose: each is tried before it becomes a part."""


def skills_of(composition: str, known: Sequence[str], owner: str) -> tuple[str, ...]:
    """The skills that `f>g` names, in evaluation order; unknown ones are an `UnknownName`."""
    skills = tuple(composition.split(THEN))
    for skill in skills:
        if skill not in known:
            raise UnknownName(f"skill of {owner}", skill, known)
    return skills


def compositions(skills: Sequence[str], sizes: Sequence[int], owner: str) -> Iterator[str]:
    """The names of all compositions of so many skills; `UserError` if there are too many."""
    count = sum(len(skills) ** size for size in sizes)
    if count > MOST_PARTS:
        raise UserError(
            f"{owner}: {count} compositions of {len(skills)} skills are too many (the most is "
            f"{MOST_PARTS}): name those you want"
        )
    for size in sizes:
        yield from (THEN.join(chain) for chain in product(skills, repeat=size))
