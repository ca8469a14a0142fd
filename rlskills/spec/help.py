"""What the options of a kind of object are, read from a dataclass, for help and documentation."""

from __future__ import annotations

import ast
import inspect
import textwrap
from dataclasses import fields
from typing import NamedTuple


class OptionHelp(NamedTuple):
    """An option as it is shown to a user."""

    name: str
    type: str
    default: str
    about: str


def option_help(dataclass_type: type) -> list[OptionHelp]:
    """Every field with its type, its default and its docstring."""
    texts: dict[str, str] = {}
    for base in reversed(dataclass_type.__mro__):
        texts |= field_docs(base)
    return [
        OptionHelp(
            option.name,
            option.type if isinstance(option.type, str) else option.type.__name__,
            repr(option.default),
            texts.get(option.name, ""),
        )
        for option in fields(dataclass_type)
    ]


def field_docs(dataclass_type: type) -> dict[str, str]:
    """Docstrings behind the fields of a dataclass; none where its source is not at hand."""
    try:
        source = textwrap.dedent(inspect.getsource(dataclass_type))
    except (OSError, TypeError):
        return {}
    body = ast.parse(source).body[0]
    assert isinstance(body, ast.ClassDef)
    docs: dict[str, str] = {}
    for item, after in zip(body.body, body.body[1:], strict=False):
        if (
            isinstance(item, ast.AnnAssign)
            and isinstance(item.target, ast.Name)
            and isinstance(after, ast.Expr)
            and isinstance(after.value, ast.Constant)
        ):
            docs[item.target.id] = inspect.cleandoc(str(after.value.value))
    return docs
