"""Programs as trees, with an evaluator of their own: no text is ever evaluated.

A program is nested calls on an input `x`, on literals, or on both; a node is one of five kinds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

Value: TypeAlias = str | int
Functions: TypeAlias = Mapping[str, Callable[..., str]]


@dataclass(frozen=True, slots=True)
class Input:
    """The argument of the whole program, written `x`."""


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant string."""

    text: str


@dataclass(frozen=True, slots=True)
class Call:
    """A function of the table on sub-expressions, then on literal parameters."""

    function: str
    operands: tuple[Node, ...]
    parameters: tuple[Value, ...] = ()


@dataclass(frozen=True, slots=True)
class Concat:
    """`left + right`."""

    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Method:
    """A built-in string method without arguments, e.g. `upper`."""

    name: str
    operand: Node


Node: TypeAlias = Input | Literal | Call | Concat | Method
METHODS: dict[str, Callable[[str], str]] = {
    "upper": str.upper,
    "lower": str.lower,
    "capitalize": str.capitalize,
    "swapcase": str.swapcase,
}


@dataclass(frozen=True, slots=True)
class Step:
    """One evaluated inner node: the node and the values of its operands and of itself."""

    node: Call | Concat | Method
    operands: tuple[str, ...]
    value: str


def children(node: Node) -> tuple[Node, ...]:
    """Sub-expressions, left to right."""
    if isinstance(node, Call):
        return node.operands
    if isinstance(node, Concat):
        return (node.left, node.right)
    return (node.operand,) if isinstance(node, Method) else ()


def steps(node: Node, x: str, functions: Functions, longest: int = 0) -> list[Step] | None:
    """Evaluate on input `x`: the inner nodes in evaluation order (operands first).

    None as soon as a value has more than `longest` characters, if that is not 0.
    """
    found: list[Step] = []
    return found if _value(node, x, functions, longest, found) is not None else None


def evaluate(node: Node, x: str, functions: Functions) -> str:
    """The value of the program on input `x`."""
    value = _value(node, x, functions, 0, [])
    assert value is not None
    return value


def _value(node: Node, x: str, functions: Functions, longest: int, found: list[Step]) -> str | None:
    """The value of a node, whose steps are appended to `found`; None if one is too long."""
    if isinstance(node, Input):
        return x
    if isinstance(node, Literal):
        return node.text
    operands = []
    for child in children(node):
        value = _value(child, x, functions, longest, found)
        if value is None:
            return None
        operands.append(value)
    if isinstance(node, Call):
        value = functions[node.function](*operands, *node.parameters)
    elif isinstance(node, Concat):
        value = operands[0] + operands[1]
    else:
        value = METHODS[node.name](operands[0])
    if 0 < longest < len(value):
        return None
    found.append(Step(node, tuple(operands), value))
    return value


def calls(node: Node) -> tuple[str, ...]:
    """Names of the table's functions in evaluation order, repeats included."""
    inner: tuple[str, ...] = ()
    for child in children(node):
        inner += calls(child)
    return (*inner, node.function) if isinstance(node, Call) else inner


def depth(node: Node) -> int:
    """Longest path of inner nodes from the root to a leaf."""
    below = children(node)
    return 1 + max(depth(child) for child in below) if below else 0


def uses_input(node: Node) -> bool:
    """Whether the value can depend on `x` at all."""
    return isinstance(node, Input) or any(uses_input(child) for child in children(node))


def pairs(node: Node, above: str | None = None) -> tuple[tuple[str, str], ...]:
    """Ordered pairs (f, g) of which g takes what f returns, at once or through `+` and methods."""
    mine = node.function if isinstance(node, Call) else None
    below = tuple(pair for child in children(node) for pair in pairs(child, mine or above))
    return (*below, (mine, above)) if mine and above else below


def render(node: Node) -> str:
    """The program as a Python expression."""
    if isinstance(node, Input):
        return "x"
    if isinstance(node, Literal):
        return repr(node.text)
    return written(node, [render(child) for child in children(node)])


def written(node: Call | Concat | Method, operands: Sequence[str]) -> str:
    """One inner node as a Python expression over operands that are written already."""
    if isinstance(node, Call):
        return f"{node.function}({', '.join([*operands, *map(repr, node.parameters)])})"
    if isinstance(node, Concat):
        return f"({operands[0]} + {operands[1]})"
    return f"({operands[0]}).{node.name}()"
