"""Graders of ours in the place of reasoning-gym's that execute the answer or accept wrong ones.

Each takes a problem's metadata, its own right answer and an answer, and says 1.0 or 0.0. None
executes anything; each takes bounded time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

from ...tasks.grading import arithmetic, read_number
from .polynomials import derivative, polynomial

Grader = Callable[[Mapping[str, Any], str, str], float]


def _countdown(metadata: Mapping[str, Any], oracle: str, answer: str) -> float:
    """All numbers once, and the target exactly."""
    found = arithmetic(answer)
    return float(
        found is not None
        and sorted(found.numbers) == sorted(metadata["numbers"])
        and found.value == metadata.get("target", 24)
    )


def _exact(metadata: Mapping[str, Any], oracle: str, answer: str) -> float:
    """Instead of evaluating a Python list, for which there never was full credit."""
    return float(answer == oracle.strip())


def _grid(metadata: Mapping[str, Any], oracle: str, answer: str) -> float:
    """Cells in rows, whatever the white space; theirs needs all of ARC in memory to compare."""
    found, wanted = ([row.split() for row in text.splitlines()] for text in (answer, oracle))
    return float(found == wanted)


def _truth(metadata: Mapping[str, Any], oracle: str, answer: str) -> float:
    """Instead of whether both texts are non-empty, which they always are."""
    return float(answer.casefold() == oracle.casefold())


def _n_queens(metadata: Mapping[str, Any], oracle: str, answer: str) -> float:
    return float(answer in metadata["valid_answers"])


def _probability(metadata: Mapping[str, Any], oracle: str, answer: str) -> float:
    """Instead of a common prefix: for 0.5 it gave full credit to 0.53, and for 1 to 19."""
    wanted, found = read_number(oracle), read_number(answer)
    if wanted is None or found is None:
        return 0.0
    return float(abs(found - wanted) <= min(Fraction(1, 10_000), abs(wanted) / 100))


def _product(metadata: Mapping[str, Any], oracle: str, answer: str) -> float:
    """The same polynomial, multiplied out; one with brackets is the question again."""
    return float("(" not in answer and polynomial(answer) == polynomial(oracle) is not None)


def _integral(metadata: Mapping[str, Any], oracle: str, answer: str) -> float:
    """A polynomial whose derivative is the integrand; C is a constant."""
    variable, found = metadata["variable"], polynomial(answer)
    if found is None or {name for powers in found for name, _ in powers} - {variable, "C"}:
        return 0.0
    return float(derivative(found, variable) == polynomial(metadata["integrand"]))


GRADERS: dict[str, Grader] = {
    "arc_agi": _grid,
    "binary_matrix": _exact,
    "coin_flip": _probability,
    "countdown": _countdown,
    "game_of_life_halting": _truth,
    "n_queens": _n_queens,
    "polynomial_multiplication": _product,
    "puzzle24": _countdown,
    "rearc": _grid,
    "simple_integration": _integral,
    "spiral_matrix": _exact,
    "string_insertion": _exact,
}
