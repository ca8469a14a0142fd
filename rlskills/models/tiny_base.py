"""The preset `tiny-base`: tiny models that know string functions, to start RL from at once.

The quickstart's stage 1 taught each of them 64 functions of `string_transform?preset=tiny` alone,
and how to compose 32 of them. There is one for each of three seeds, in the ordinary formats, under
`bases/`. `make bases` trains them anew; `about.json` beside the weights has the commit at which
that was done, the digest of the weights and what the model then got right, which a test asks again.
"""

from __future__ import annotations

from pathlib import Path

NAME = "tiny-base"
SEEDS = 3
"""Bases that ship."""
WEIGHTS, ABOUT = "model.safetensors", "about.json"


def tiny_base(seed: int = 0) -> Path:
    """The folder of the base of `seed`; seeds share the bases in turn."""
    return Path(__file__).parent / "bases" / f"seed{seed % SEEDS}"
