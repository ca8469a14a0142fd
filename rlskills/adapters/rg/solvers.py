"""Right answers for datasets that come without one, so that their graders can be checked.

They are also what supervised training is shown. None means that there is no answer, or none was
found within bounds; another problem is drawn then.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

MOST_STEPS = 200_000
"""Search steps after which a problem is given up."""
SIDE, EXIT_ROW = 6, 2


def coloring(metadata: Mapping[str, Any]) -> str | None:
    """A proper colouring, by backtracking over the vertices with most neighbours first."""
    puzzle = metadata["puzzle"]
    neighbours: dict[int, set[int]] = {vertex: set() for vertex in puzzle["vertices"]}
    for one, other in puzzle["edges"]:
        neighbours[one].add(other)
        neighbours[other].add(one)
    order = sorted(neighbours, key=lambda vertex: -len(neighbours[vertex]))
    colors: dict[int, int] = {}
    steps = 0

    def extend(place: int) -> bool:
        nonlocal steps
        if place == len(order):
            return True
        vertex, steps = order[place], steps + 1
        taken = {colors.get(other) for other in neighbours[vertex]}
        for color in puzzle["color_options"]:
            if color not in taken and steps < MOST_STEPS:
                colors[vertex] = color
                if extend(place + 1):
                    return True
                del colors[vertex]
        return False

    return json.dumps({str(v): colors[v] for v in sorted(colors)}) if extend(0) else None


class Car(NamedTuple):
    """A car that can move along a line: its first cell, length, and distance between cells."""

    label: str
    start: int
    size: int
    stride: int


def traffic(metadata: Mapping[str, Any]) -> str | None:
    """The fewest one-cell moves that bring car A to the exit of a rush-hour board."""
    board = metadata["board_config"]
    walls = sum(1 << cell for cell, label in enumerate(board) if label == "x")
    cars = [_car(board, label) for label in sorted(set(board) - {"o", "x"})]
    start = tuple(car.start for car in cars)
    before: dict[tuple[int, ...], tuple[tuple[int, ...], str]] = {start: (start, "")}
    waiting = deque([start])
    while waiting and len(before) < MOST_STEPS:
        state = waiting.popleft()
        if state[0] == EXIT_ROW * SIDE + SIDE - 2:
            return _moves(before, state, start)
        for after, move in _next(cars, state, walls):
            if after not in before:
                before[after] = (state, move)
                waiting.append(after)
    return None


def _car(board: str, label: str) -> Car:
    first = board.index(label)
    return Car(label, first, board.count(label), board.index(label, first + 1) - first)


def _next(
    cars: list[Car], state: tuple[int, ...], walls: int
) -> Iterator[tuple[tuple[int, ...], str]]:
    masks = [sum(1 << at + car.stride * i for i in range(car.size))
             for car, at in zip(cars, state, strict=True)]  # fmt: skip
    taken = walls | sum(masks)
    for number, (car, at) in enumerate(zip(cars, state, strict=True)):
        line = at % SIDE if car.stride == 1 else at // SIDE
        if line and not taken >> at - car.stride & 1:
            yield (*state[:number], at - car.stride, *state[number + 1 :]), f"{car.label}-1"
        ahead = at + car.stride * car.size
        if line + car.size < SIDE and not taken >> ahead & 1:
            yield (*state[:number], at + car.stride, *state[number + 1 :]), f"{car.label}+1"


def _moves(before: Mapping[Any, tuple[Any, str]], state: Any, start: Any) -> str:
    moves = []
    while state != start:
        state, move = before[state]
        moves.append(move)
    return " ".join(reversed(moves))


def unscrambled(metadata: Mapping[str, Any]) -> str:
    """The scrambling turns of a cube, backwards; the dataset has an answer for size 3 only."""
    turns = metadata["scramble_moves"].split()
    return " ".join(turn[:-1] if turn.endswith("'") else f"{turn}'" for turn in reversed(turns))


SOLVERS: dict[str, Callable[[Mapping[str, Any]], str | None]] = {
    "graph_color": coloring,
    "propositional_logic": lambda metadata: metadata["example_answer"],
    "rubiks_cube": unscrambled,
    "rush_hour": traffic,
}
"""By dataset, an answer from a problem's metadata."""
