"""A pool from units with labels and a graph of compositions, as an environment knows them.

`Environment.prerequisites` says what each composition is composed of: `f>g` (g of what f returns)
of `f` and `g`. A unit practises a composition at a level, and there may be several units of the
same composition. Here the graph of compositions becomes a graph of units.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .pool import Pool


@dataclass(frozen=True)
class Labels:
    """What is known of a unit beforehand."""

    level: int | None = None
    skills: tuple[str, ...] = ()
    """Skills that its tasks exercise."""
    composition: str = ""
    """Name of what its tasks compose, as the graph names it; empty: not known."""
    kind: str = ""
    """Units of another kind (e.g. `coin` for coin flips) are neither parts nor easier versions."""


def pool_of(
    units: Mapping[str, Labels], compositions: Mapping[str, Sequence[str]] | None = None
) -> Pool:
    """The pool of these units; `compositions` gives the direct parts of each composition.

    A unit needs, first, its easier version: the unit of the same composition (skills, where no
    composition is known) at the next level below. Second, for each direct part of its composition,
    a unit of that part: of several the hardest that is no harder than itself, or else the easiest.
    A part without a unit is replaced by its own parts.
    """
    versions = _versions(units)
    edges = {
        unit: tuple(dict.fromkeys([
            *_easier(labels, versions), *_parts(labels, versions, compositions or {}),
        ]))
        for unit, labels in units.items()
    }  # fmt: skip
    return Pool(
        tuple(units),
        {unit: labels.level for unit, labels in units.items() if labels.level is not None},
        {unit: before for unit, before in edges.items() if before},
        {unit: labels.skills for unit, labels in units.items() if labels.skills},
    )


Key = tuple[str, object]
Versions = Mapping[Key, Sequence[tuple[int, str]]]


def _key(labels: Labels) -> Key:
    return labels.kind, labels.composition or labels.skills


def _versions(units: Mapping[str, Labels]) -> dict[Key, list[tuple[int, str]]]:
    """Levels and names of the units of each composition, easiest first."""
    versions: dict[Key, list[tuple[int, str]]] = {}
    for unit, labels in units.items():
        versions.setdefault(_key(labels), []).append((labels.level or 0, unit))
    # Stable, so units of the same level keep their order.
    return {key: sorted(pairs, key=lambda pair: pair[0]) for key, pairs in versions.items()}


def _easier(labels: Labels, versions: Versions) -> list[str]:
    below = [unit for level, unit in versions[_key(labels)] if level < (labels.level or 0)]
    return below[-1:]


def _parts(
    labels: Labels, versions: Versions, compositions: Mapping[str, Sequence[str]]
) -> list[str]:
    units: list[str] = []
    waiting, met = list(compositions.get(labels.composition, ())), {labels.composition}
    while waiting:
        part = waiting.pop(0)
        if part in met:
            continue
        met.add(part)
        candidates = versions.get((labels.kind, part), ())
        if candidates:
            easy = [unit for level, unit in candidates if level <= (labels.level or 0)]
            units.append(easy[-1] if easy else candidates[0][1])
        else:
            waiting += compositions.get(part, ())
    return units
