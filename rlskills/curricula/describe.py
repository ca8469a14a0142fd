"""What a curriculum and its options are, read from their docstrings, for help and documentation."""

from __future__ import annotations

import inspect

from ..spec.help import OptionHelp
from ..spec.help import option_help as help_of
from .base import Base
from .wrappers.around import Around

INNER = OptionHelp("inner", "Spec", "uniform", "The curriculum that is wrapped.")


def summary(cls: type[Base]) -> str:
    """The first line of a method's docstring."""
    return (inspect.getdoc(cls) or "").split("\n")[0]


def option_help(cls: type[Base]) -> list[OptionHelp]:
    """Every option of a method with its type, its default and the docstring of its field."""
    return ([INNER] if issubclass(cls, Around) else []) + help_of(cls.Options)
