"""A path through a directed graph without cycles, past dead ends; any valid path is right.

After the graph navigation of Khona et al. 2024, "Towards an Understanding of Stepwise Inference in
Transformers" (arXiv 2402.07757). Level n puts the goal n edges from the start. Every edge leads one
layer on, so all paths to the goal have n edges. With `preset=chat` (the default) a model is asked

    Edges of a directed graph: k->T, b->k, b->e, e->z
    Find a path from b to T. End with its nodes in order, in the form
    <answer>node -> node -> node</answer>

and with `preset=tiny`, where the worked solution is a depth-first search that takes edges in the
order shown and marks dead ends with `!`,

    kT,bk,be,ez.bT?
    bk;kT;#bkT

Try `rlskills env sample graph_path --level 3`.
"""

from __future__ import annotations

import random
import re
import string
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

from rlskills.environments import Draft, Task, register
from rlskills.environments.types import JSON

from .presets import PresetEnvironment, whole

NAMES = string.ascii_letters
_SEPARATORS = re.compile(r"\s*(?:->|→|,)\s*|\s+")
LONGEST = 2000
"""Characters above which a text is no path."""


@register("graph_path")
class GraphPath(PresetEnvironment):
    """Find a path from start to goal in a directed acyclic graph; level n is n edges long."""

    @dataclass(frozen=True)
    class Config(PresetEnvironment.Config):
        """What a level sets."""

        length: int = 1
        """Edges from start to goal."""
        branching: int = 1
        """Edges that leave each node of the path beside the one along it."""
        dead_end: int = 2
        """Most edges of a branch before it ends."""
        joining: float = 0.25
        """Chance that a branch leads back onto the path instead, which makes another path."""
        train_depth: int = 6

        def __post_init__(self) -> None:
            """Refuse what no problem can be drawn from."""
            super().__post_init__()
            self.require("length", whole(self.length, 1), "a whole number from 1")
            self.require("branching", whole(self.branching, 0), "a whole number from 0")
            self.require("dead_end", whole(self.dead_end, 1), "a whole number from 1")
            chance = isinstance(self.joining, int | float) and 0 <= self.joining <= 1
            self.require("joining", chance, "in [0, 1]")
            if self.most_nodes > len(NAMES):
                raise ValueError(
                    f"length, branching and dead_end may give {self.most_nodes} nodes, but there "
                    f"are names for {len(NAMES)}"
                )

        @property
        def most_nodes(self) -> int:
            """Nodes if every branch is as long as it may be."""
            return 1 + self.length * (1 + self.branching * self.dead_end)

    levels: ClassVar = tuple({"length": n} for n in range(1, 9))
    grows = "length"

    def make(self, rng: random.Random, cfg: Config) -> Draft:
        """A path of named nodes, branches from every node of it but the goal, edges shuffled."""
        names = iter(rng.sample(NAMES, cfg.most_nodes))
        path = [next(names) for _ in range(cfg.length + 1)]
        edges = [node + other for node, other in pairwise(path)]
        for layer, node in enumerate(path[:-1]):
            for _ in range(cfg.branching):
                edges += _branch(rng, node, layer, path, names, cfg)
        rng.shuffle(edges)
        moves, found = _search(edges, path[0], path[-1])
        leaving = {node: sum(edge[0] == node for edge in edges) for node in found[:-1]}
        return Draft(
            prompt=self._prompt(edges, path[0], path[-1]),
            answer=found if self.tiny else " -> ".join(found),
            skills=tuple("follow" if count == 1 else "choose" for count in leaving.values()),
            depth=cfg.length,
            data={"edges": edges, "start": path[0], "goal": path[-1], "moves": moves},
        )

    def _prompt(self, edges: list[str], start: str, goal: str) -> str:
        if self.tiny:
            return f"{','.join(edges)}.{start}{goal}?"
        listed = ", ".join("->".join(edge) for edge in edges)
        return (
            f"Edges of a directed graph: {listed}\nFind a path from {start} to {goal}. End with "
            "its nodes in order, in the form <answer>node -> node -> node</answer>"
        )

    def skills(self) -> tuple[str, ...]:
        """Leaving a node that has one way out, and one that has several."""
        return ("follow", "choose")

    def identity(self, draft: Draft) -> JSON:
        """Edges in any order, start and goal."""
        return [sorted(draft.data["edges"]), draft.data["start"], draft.data["goal"]]

    def verify(self, task: Task, answer: str) -> bool:
        """Whether these nodes lead from start to goal along edges of the graph."""
        if len(answer) > LONGEST:
            return False
        path = list(answer) if self.tiny else _SEPARATORS.split(answer)
        if path[0] != task.data["start"] or path[-1] != task.data["goal"]:
            return False
        edges = set(task.data["edges"])
        return all(node + other in edges for node, other in pairwise(path))

    def solution(self, task: Task) -> str:
        """A depth-first search with its dead ends, then the path."""
        moves = task.data["moves"]
        if not self.tiny:
            moves = ["->".join(m[:2]) + " is a dead end" * m.endswith("!") for m in moves]
        return self.worked(moves, task)


def _branch(
    rng: random.Random,
    node: str,
    layer: int,
    path: list[str],
    names: Iterator[str],
    cfg: GraphPath.Config,
) -> list[str]:
    """Edges that leave the path at a node of this layer and end, or come back onto it."""
    edges = []
    for _ in range(rng.randint(1, cfg.dead_end)):
        layer += 1
        other = next(names)
        edges.append(node + other)
        if layer + 1 < len(path) and rng.random() < cfg.joining:
            return [*edges, other + path[layer + 1]]
        node = other
    return edges


def _search(edges: list[str], start: str, goal: str) -> tuple[list[str], str]:
    """Moves of a depth-first search, those into dead ends marked, and the path it finds."""
    ways: dict[str, list[str]] = {}
    for edge in edges:
        ways.setdefault(edge[0], []).append(edge[1])
    moves: list[str] = []
    path, waiting, seen = [start], [iter(ways[start])], {start}
    while path[-1] != goal:
        node = next(waiting[-1], None)
        if node is None:  # all ways on from here were tried
            waiting.pop()
            path.pop()
        elif node not in seen:
            seen.add(node)
            moves.append(path[-1] + node + "!" * (node not in ways and node != goal))
            path.append(node)
            waiting.append(iter(ways.get(node, ())))
    return moves, "".join(path)
