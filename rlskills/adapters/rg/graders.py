"""Our own graders instead of those of reasoning-gym that execute the answer or accept wrong ones.

Each takes a problem's metadata, its own right answer and an answer, and says 1.0 or 0.0. None
executes anything; each takes bounded time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

from ...environments.grading import arithmetic, number, read_number
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


def _board(metadata: Mapping[str, Any], oracle: str, answer: str) -> float:
    """Instead of comparing where the right board is and taking whatever lies beyond it."""
    return float("".join(answer.split()) == "".join(oracle.split()))


def _same(metadata: Mapping[str, Any], oracle: str, answer: str) -> float:
    """Instead of whether both texts are non-empty (which they always are), or of credit for parts
    that adds up to full credit for the answer with anything behind it."""
    return float(answer.casefold().split() == oracle.casefold().split())


def _words(metadata: Mapping[str, Any], oracle: str, answer: str) -> float:
    """Instead of credit for every word in its place, with anything behind them."""
    return float([word.strip() for word in answer.split(",")] == metadata["sorted_words"])


def _number(metadata: Mapping[str, Any], oracle: str, answer: str) -> float:
    """Instead of the first number in the text, without its sign."""
    return float(number(answer, oracle))


def _numbers(metadata: Mapping[str, Any], oracle: str, answer: str) -> float:
    """Instead of any sorted numbers, each at most 1 away."""
    found, wanted = (
        [read_number(number.strip(" '\"")) for number in text.strip().strip("[]").split(",")]
        for text in (answer, oracle)
    )
    return float(found == wanted and None not in found)


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
    "figlet_font": _same,
    "game_of_life": _board,
    "game_of_life_halting": _same,
    "gsm_symbolic": _number,
    "letter_jumble": _same,
    "n_queens": _n_queens,
    "number_sorting": _numbers,
    "polynomial_multiplication": _product,
    "puzzle24": _countdown,
    "rearc": _grid,
    "simple_integration": _integral,
    "spiral_matrix": _exact,
    "string_insertion": _exact,
    "word_sorting": _words,
}
