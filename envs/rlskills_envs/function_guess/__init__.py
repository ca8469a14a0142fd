"""Guessing a hidden composition of string functions by experiment, in several turns."""

from .environment import FunctionGuess, Guessing

__all__ = ["FunctionGuess", "Guessing"]
