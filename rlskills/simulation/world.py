"""A world of tasks that share parts: what is learned on one task helps all that use the part.

A task of depth d applies d different atoms one after another. It succeeds if every atom does and
also every glue 2..d, which stands for composing that deeply at all. Deep tasks are therefore near
success rate 0 until their parts are learned: prerequisites emerge, nothing scripts them.

Distractors are units that cannot be learned: `zero` never succeeds, `coin` succeeds half the
time, `done` nearly always. They carry the level, prerequisites and skills of a composition like
any other, so that no label gives them away.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import permutations
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..curricula import Pool
from .regimes import Regime

Floats: TypeAlias = NDArray[np.float64]
Integers: TypeAlias = NDArray[np.int64]
Generator: TypeAlias = np.random.Generator
Names: TypeAlias = tuple[str, ...]
Edges: TypeAlias = dict[str, tuple[str, ...]]

KINDS = ("learnable", "zero", "coin", "done")
FIXED = np.array([np.inf, -np.inf, 0.0, np.log(0.99 / 0.01)])
"""Logits of the parts that never change: filler of short tasks, and one for each distractor."""


@dataclass(frozen=True)
class World:
    """One seed's tasks (T of at most K parts) and parts (C that learn, then `FIXED`)."""

    pool: Pool
    """Units in random order, so that their order says nothing."""
    names: Names
    """Units by task index: learnable ones by depth, then zero, coin and done."""
    kinds: Integers
    """Index into `KINDS` of every task."""
    parts: Integers
    """Shape (T, K): parts of every task."""
    offsets: Floats
    """Shape (T,): logit added to every learning part of the task."""
    start: Floats
    """Shape (C,): logits before any practice."""
    plateaus: Floats
    """Shape (C,): unseen gain in logits before a part's success rate follows."""
    exercises: NDArray[np.bool_]
    """Shape (learnable, atoms): which atoms a task applies."""


@lru_cache(maxsize=256)
def make_world(regime: Regime, seed: int) -> World:
    """The world of `seed`, the same for every method."""
    generator = np.random.default_rng([seed, 0])
    atoms, depth = regime.tasks[0], len(regime.tasks)
    chains = [chain for d in range(depth) for chain in _chains(generator, atoms, d + 1, regime)]
    counts = (len(chains), regime.zero, regime.coin, regime.done)
    kinds = np.repeat(np.arange(4), counts)
    known = [_spell(chain) for chain in chains]
    seeming = [chains[i] for i in generator.integers(len(chains), size=sum(counts[1:]))]
    labels = [KINDS[kind] for kind in kinds[len(chains) :]]
    names = (*known, *(f"{kind}{i}" for i, kind in enumerate(labels)))
    shapes = [*chains, *seeming]
    starts = np.full(atoms + depth - 1, np.log(0.05 / 0.95))
    first = generator.uniform(0.05, 0.3, atoms)
    starts[:atoms] = np.log(first / (1 - first))
    offsets = generator.normal(0.0, 1.0, len(names)) * regime.heterogeneity
    widths = generator.uniform(1 / 3, 1.0, len(starts)) * regime.plateau
    exercises = np.array([[atom in chain for atom in range(atoms)] for chain in chains])
    return World(
        pool=_pool(generator, regime, names, shapes),
        names=names,
        kinds=kinds,
        parts=_parts(chains, kinds, atoms, depth),
        offsets=np.where(kinds == 0, offsets, 0.0),
        start=starts,
        plateaus=widths,
        exercises=exercises,
    )


def _chains(generator: Generator, atoms: int, depth: int, regime: Regime) -> list[tuple[int, ...]]:
    """Distinct orders of `depth` different atoms, as many as the regime has of that depth."""
    if depth == 1:
        return [(atom,) for atom in range(atoms)]
    every = list(permutations(range(atoms), depth))
    chosen = generator.choice(len(every), size=regime.tasks[depth - 1], replace=False)
    return [every[i] for i in sorted(chosen)]


def _spell(chain: Sequence[int]) -> str:
    return ".".join(f"f{atom + 1}" for atom in chain)


def _parts(chains: Sequence[tuple[int, ...]], kinds: Integers, atoms: int, depth: int) -> Integers:
    """Atoms, then glues 2..d, then filler; a distractor has its one fixed part."""
    learning = atoms + depth - 1
    parts = np.full((len(kinds), 2 * depth - 1), learning)
    for task, chain in enumerate(chains):
        glues = [atoms + i for i in range(len(chain) - 1)]
        parts[task, : 2 * len(chain) - 1] = [*chain, *glues]
    parts[len(chains) :, 0] = learning + kinds[len(chains) :]
    return parts


def _pool(
    generator: Generator, regime: Regime, names: Names, shapes: Sequence[tuple[int, ...]]
) -> Pool:
    """The labels that a curriculum sees: true, but for what the regime falsifies."""
    levels = np.array([len(shape) for shape in shapes])
    wrong = generator.permutation(len(names))[: round(regime.permuted_levels * len(names))]
    levels[wrong] = levels[np.roll(wrong, 1)]
    edges = _prerequisites(names, shapes)
    if regime.dropped_edges or regime.added_edges:
        edges = _falsified(generator, edges, names, regime.dropped_edges, regime.added_edges)
    order = generator.permutation(len(names)).tolist()
    return Pool(
        units=tuple(names[i] for i in order),
        levels={names[i]: int(levels[i]) for i in order},
        prerequisites={names[i]: edges[names[i]] for i in order},
        skills={names[i]: tuple(f"f{atom + 1}" for atom in shapes[i]) for i in order},
    )


def _prerequisites(names: Names, shapes: Sequence[tuple[int, ...]]) -> Edges:
    """The deepest tasks whose atoms a task applies all and more, and atoms none of them has."""
    learnable = {name: set(shape) for name, shape in zip(names, shapes, strict=True)
                 if name == _spell(shape)}  # fmt: skip
    edges: Edges = {}
    for name, shape in zip(names, shapes, strict=True):
        inside = {task: atoms for task, atoms in learnable.items() if atoms < set(shape)}
        deepest = max((len(atoms) for atoms in inside.values()), default=0)
        below = [task for task, atoms in inside.items() if len(atoms) == deepest]
        covered = {atom for task in below for atom in inside[task]}
        missing = [_spell([atom]) for atom in shape if atom not in covered and len(shape) > 1]
        edges[name] = tuple(below + missing)
    return edges


def _falsified(
    generator: Generator, edges: Edges, names: Names, dropped: float, added: float
) -> Edges:
    """Some edges left out and others made up, never so that a cycle arises."""
    pairs = [(name, before) for name in names for before in edges[name]]
    keep = generator.permutation(len(pairs))[round(dropped * len(pairs)) :]
    kept: dict[str, list[str]] = {name: [] for name in names}
    for i in sorted(keep):
        kept[pairs[i][0]].append(pairs[i][1])
    left = round(added * len(pairs))
    while left:
        pair = generator.choice(len(names), size=2, replace=False)
        name, before = names[pair[0]], names[pair[1]]
        if before not in kept[name] and name not in _ancestors(kept, before):
            kept[name].append(before)
            left -= 1
    return {name: tuple(before) for name, before in kept.items()}


def _ancestors(edges: Mapping[str, Sequence[str]], unit: str) -> set[str]:
    ancestors: set[str] = set()
    waiting = [unit]
    while waiting:
        new = [part for part in edges[waiting.pop()] if part not in ancestors]
        ancestors.update(new)
        waiting += new
    return ancestors
