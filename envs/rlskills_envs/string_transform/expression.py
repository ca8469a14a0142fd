"""Programs as trees, with an evaluator of their own: no text is ever evaluated.

A program is nested calls on an input `x`, on literals, or on both; a node is one of five kinds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
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
    match node:
        case Call(_, operands):
            return operands
        case Concat(left, right):
            return (left, right)
        case Method(_, operand):
            return (operand,)
        case _:
            return ()


def steps(node: Node, x: str, functions: Functions) -> Iterator[Step]:
    """Evaluate on input `x`, yielding inner nodes in evaluation order (operands first)."""
    values: list[str] = []
    yield from _steps(node, x, functions, values)


def evaluate(node: Node, x: str, functions: Functions) -> str:
    """The value of the program on input `x`."""
    values: list[str] = []
    for _ in _steps(node, x, functions, values):
        pass
    return values.pop()


def _steps(node: Node, x: str, functions: Functions, values: list[str]) -> Iterator[Step]:
    """Post-order walk; the value of `node` is left on the stack `values`."""
    if isinstance(node, Input | Literal):
        values.append(x if isinstance(node, Input) else node.text)
        return
    below = children(node)
    for child in below:
        yield from _steps(child, x, functions, values)
    operands = tuple(values[len(values) - len(below) :])
    del values[len(values) - len(below) :]
    match node:
        case Call(function, _, parameters):
            value = functions[function](*operands, *parameters)
        case Concat():
            value = operands[0] + operands[1]
        case Method(name, _):
            value = METHODS[name](operands[0])
    values.append(value)
    yield Step(node, operands, value)


def calls(node: Node) -> tuple[str, ...]:
    """Names of the table's functions in evaluation order, repeats included."""
    inner = tuple(name for child in children(node) for name in calls(child))
    return (*inner, node.function) if isinstance(node, Call) else inner


def depth(node: Node) -> int:
    """Longest path of inner nodes from the root to a leaf."""
    below = children(node)
    return 1 + max(depth(child) for child in below) if below else 0


def uses_input(node: Node) -> bool:
    """Whether the value can depend on `x` at all."""
    return isinstance(node, Input) or any(uses_input(child) for child in children(node))


def render(node: Node) -> str:
    """The program as a Python expression."""
    match node:
        case Input():
            return "x"
        case Literal(text):
            return repr(text)
        case Call(function, operands, parameters):
            shown = [*map(render, operands), *map(repr, parameters)]
            return f"{function}({', '.join(shown)})"
        case Concat(left, right):
            return f"({render(left)} + {render(right)})"
        case Method(name, operand):
            return f"({render(operand)}).{name}()"
