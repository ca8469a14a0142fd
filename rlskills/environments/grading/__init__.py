"""Graders to build `verify` from: pure functions of an answer's text and what was expected.

None executes anything, none raises whatever the text, and each takes bounded time: text too long
to be an answer (`LONGEST` characters) is wrong without being read.
"""

from .arithmetic import Arithmetic, arithmetic
from .numeric import number, read_number
from .text import LONGEST, exact, json_field, normalised, ordered_list, read_list

__all__ = [
    "LONGEST", "Arithmetic", "arithmetic", "exact", "json_field", "normalised", "number",
    "ordered_list", "read_list", "read_number",
]  # fmt: skip
