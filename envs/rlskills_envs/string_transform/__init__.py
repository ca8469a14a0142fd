"""Composition of string functions that a model knows by an opaque name only."""

from .environment import StringTransform
from .functions import FUNCTIONS
from .tiny_functions import TINY_FUNCTIONS

__all__ = ["FUNCTIONS", "TINY_FUNCTIONS", "StringTransform"]
