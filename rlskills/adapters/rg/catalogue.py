"""What is known of single reasoning-gym datasets (0.1.25): faults, and how each is dealt with.

Found by reading every grader and by feeding it hostile text and damaged right answers; the
conformance checks behind `docs/environments/reasoning_gym.md` repeat the hostile part.
"""

from __future__ import annotations

import re

DENIED = {
    "arc_1d": "drawing some of its problems never ends, in a search without a bound",
    "boxnet": "it has no right answer to show, so its grader cannot be checked; and the grader "
    "raises on JSON that is no object",
    "codeio": "drawing a problem runs code snippets that print, import what is missing and write "
    "files into the working folder",
    "composite": "it is a mixture of datasets; name them one by one and let a curriculum mix them",
    "intermediate_integration": "its grader evaluates the answer as Python through sympy, and "
    "there is no exact check of such integrals to put in its place",
}
"""Datasets that are refused, with the reason."""

LEFT_OUT = {
    "bf": ({2}, "one problem takes seconds"),
    "coin_flip": ({0, 1}, "too few problems for a train and a test split"),
    "game_of_life": ({3}, "its answers are longer than the 20,000 characters that are read"),
    "jugs": ({2, 3}, "one problem takes up to minutes"),
    "n_queens": ({4}, "all boards of size 12 are solved beforehand, which takes seconds"),
    "number_sequence": ({1, 2, 3}, "one problem takes up to half a minute"),
    "propositional_logic": ({0}, "premises are single variables: too few problems"),
    "rubiks_cube": ({1, 2, 3}, "its grader drops the turns of inner layers that answers need"),
    "sokoban": ({0, 7}, "one problem takes up to half a minute"),
    "tsumego": ({2, 3}, "drawing fails: no capture problem is found"),
    "zebra_puzzles": ({3, 4, 5}, "one problem takes seconds"),
}
"""Levels of reasoning-gym's curriculum (from 0) that are left out, with the reason."""

HASH_SEEDED = frozenset(
    {"isomorphic_strings", "knight_swap", "polynomial_multiplication", "ransom_note", "word_ladder"}
)
"""Problems depend on PYTHONHASHSEED, by iterating over sets."""

GLOBAL_GENERATOR = frozenset({"list_functions"})
"""Problems depend on, and disturb, the global generator of `random`."""

COSTLY = frozenset(
    {
        "advanced_geometry", "bf", "countdown", "futoshiki", "game_of_life",
        "game_of_life_halting", "jugs", "kakurasu", "knight_swap", "mahjong_puzzle",
        "number_sequence", "polynomial_equations", "polynomial_multiplication", "puzzle24", "rearc",
        "rush_hour", "sokoban", "sudoku", "word_ladder", "zebra_puzzles",
    }
)  # fmt: skip
"""A problem can take a good part of a second. Content decides the split here too, but half and
half, so that a draw for either split throws away one problem on average instead of nine."""

HOSTED = HASH_SEEDED | GLOBAL_GENERATOR | COSTLY
"""Drawn in a process of their own, with a fixed hash seed and a limit on the time of a draw."""

MANY_VALID_ANSWERS = {
    "propositional_logic": "what follows from few premises often follows from others",
}
"""Datasets with many right answers to a problem, which are often right for another one as well."""

GIVES_UP = frozenset({"countdown", "tsumego"})
"""Drawing raises for some numbers after many attempts of its own: another number is drawn."""

SIZES = {"gsm_symbolic": 100_000, "list_functions": 100_000}
"""Items of the datasets that have a fixed number, where a larger one costs nothing."""

_ROTATION = r"[A-Za-z]{1,2}'?[0-9]?'?"
_DISK = "Move disk [0-9]{1,3} from Peg [0-9]{1,3} to Peg [0-9]{1,3}"
FORMS = {
    # A distance to "nan" counts as the smallest possible.
    "complex_arithmetic": r"[-+0-9.ij() ]{1,100}",
    # Raises OverflowError on a number of several hundred digits.
    "calendar_arithmetic": r"[A-Za-z]{1,20}|-?[0-9]{1,15}",
    "time_intervals": r"[-0-9:., days]{1,60}",
    # Looks for A, B and C in any text.
    "quantum_lock": r"[ABCabc](\s*(→|->|,)?\s*[ABCabc])*",
    # Raises ValueError on anything but factors.
    "prime_factorization": r"[0-9]{1,30}(\s*×\s*[0-9]{1,30})*",
    # Compares to a fraction of a percent with any power of ten.
    "power_function": r"-?[0-9]{0,60}\.?[0-9]{0,60}([eE][-+]?[0-9]{1,3})?",
    # Truth tables over as many variables as the answer names, of any length, by recursion.
    "propositional_logic": r"(?=.{1,300}$)[(¬\s]*[A-Z][)\s]*([∧∨→↔][(¬\s]*[A-Z][)\s]*)*",
    # Look for the right thing among any other text.
    "fraction_simplification": r"\$?(\\d?frac\{-?[0-9]{1,30}\}\{-?[0-9]{1,30}\}"
    r"|-?[0-9]{1,30}/-?[0-9]{1,30})\$?",
    "kakurasu": r"[01](\s+[01])*",
    "polynomial_equations": r"-?[0-9]*\.?[0-9]*(\s*,\s*-?[0-9]*\.?[0-9]*)*",
    "sokoban": r"[UDLRudlr]+",
    "tower_of_hanoi": rf"{_DISK}(\s*\n\s*{_DISK})*",
    # A+999999999999 is tried step by step, U999999999 written out.
    "rush_hour": r"[A-Z][-+][0-9](\s+[A-Z][-+][0-9])*",
    "rubiks_cube": rf"{_ROTATION}(\s+{_ROTATION})*",
}
"""Datasets whose graders need it: what an answer must look like to be shown to them at all."""

COMPILED = {name: re.compile(form) for name, form in FORMS.items()}
