"""What programs are made of: function sets and sampling knobs, by preset.

`paper` is the release of arXiv 2509.25123 with its faults: four held-out functions have a twin
in the training set, one function does nothing, and half of the operands ignore the input. `clean`
keeps the functions that behave differently and always uses the input. `tiny` is for a model of a
few hundred thousand parameters. `letters` has eight of its functions, and blanks between letters:
for small pretrained models, whose tokenizers would merge neighbours.
"""

from __future__ import annotations

import string
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from .expression import Functions
from .functions import FUNCTIONS, RECORDS, Parameter
from .tiny_functions import ALPHABET, FEW, TINY_FUNCTIONS, tiny_set

Sets = Mapping[str, tuple[str, ...]]
"""Function ids by set: `all`, `train`, `held_out` and, in `tiny` and `letters`, `common`."""

TWINS = frozenset({"func_4", "func_18", "func_19", "func_20", "func_24"})
"""The identity on every reachable string, and the (near) copies of 1, 8, 7 and 9."""


@dataclass(frozen=True)
class Preset:
    """The knobs of one family of programs; all probabilities are per inner node or leaf."""

    functions: Functions
    sets: Callable[[int], Sets]
    """Function sets, given the number of common functions (which only `tiny` can choose)."""
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    """What the literal argument of a function is drawn from, for those that have one."""
    interlace: tuple[str, ...] = ()
    """Functions of two operands; the first that is active is used."""
    binary_prob: float = 0.0
    """Chance of a node with two operands: `+` or, half the time, the interlacing function."""
    builtin_prob: float = 0.0
    """Chance that a node with one operand is a method of Python's strings."""
    by_kind: bool = False
    """Toss a coin between functions with and without a parameter first; else all are equal."""
    leaf_literal_prob: float = 0.0
    """Chance that a leaf is a literal, where it may be one."""
    require_x: bool = True
    """The input is used, and by at least one side of every node with two operands."""
    input_alphabet: str = string.ascii_lowercase
    """What the input's characters are drawn from; a character may stand in it twice."""
    input_variety: int = 0
    """Draw this many characters first and the input from them, so that some repeat; 0: do not."""
    input_length: tuple[int, int] = (3, 10)
    max_output_len: int = 0
    """Longest value at any step, in characters; 0: no limit."""


def _named_sets(without: frozenset[str]) -> Callable[[int], Sets]:
    kept = [record for record in RECORDS.values() if record.id not in without]
    sets = {
        "all": tuple(record.id for record in kept),
        "train": tuple(record.id for record in kept if not record.held_out),
        "held_out": tuple(record.id for record in kept if record.held_out),
    }
    return lambda common: sets


def _tiny_sets(common: int) -> Sets:
    return {name: tiny_set(name, common) for name in ("all", "common", "train", "held_out")}


def _few_sets(common: int) -> Sets:
    """Two that stage 1 may compose, three to train on and three that are held out."""
    return {"all": FEW, "common": FEW[:2], "train": FEW[2:5], "held_out": FEW[5:]}


_parameters = {
    name: record.parameter for name, record in RECORDS.items() if record.parameter is not None
}

PRESETS: dict[str, Preset] = {
    "paper": Preset(
        functions=FUNCTIONS,
        sets=_named_sets(without=frozenset()),
        parameters=_parameters,
        interlace=("func_7", "func_20"),
        binary_prob=0.2,
        builtin_prob=0.02,
        by_kind=True,
        leaf_literal_prob=0.5,
        require_x=False,
        # The release has no limit; a longer answer would not fit the response or the parser.
        max_output_len=5000,
    ),
    "clean": Preset(
        functions=FUNCTIONS,
        sets=_named_sets(without=TWINS),
        parameters=_parameters,
        interlace=("func_7",),
        leaf_literal_prob=0.5,
        # On lowercase words alone, single calls could not show what func_10, func_11, func_16,
        # func_21 and func_23 do to capitals, digits and repeats, which compositions give them.
        input_alphabet=2 * string.ascii_lowercase + string.ascii_uppercase + string.digits,
        input_variety=5,
        max_output_len=100,
    ),
    "tiny": Preset(
        functions=TINY_FUNCTIONS,
        sets=_tiny_sets,
        input_alphabet=ALPHABET,
        input_length=(3, 5),
    ),
    "letters": Preset(
        functions={name: TINY_FUNCTIONS[name] for name in FEW},
        sets=_few_sets,
        input_alphabet=ALPHABET,
        input_length=(3, 5),
    ),
}
CHAINS = ("tiny", "letters")
"""Presets whose programs are chains of functions without a definition."""
