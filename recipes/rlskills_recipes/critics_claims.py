"""What is said of supervised training against RL, by the paper and by its critics."""

from collections.abc import Iterator

from rlskills.experiments import Claim, Effect

SOURCE = "arXiv 2509.25123, section 4.2"
PROBES = {"four": ("train", 4), "three, held out": ("held_out", 3)}
"""Deeper than trained on; and of functions that no training composed."""


def claims() -> Iterator[Claim]:
    """Of all arms; the smallest effect of interest is .05 of accuracy."""
    for calls, at in PROBES.items():
        for arm, source in (("rl", SOURCE), ("sft_worked", f"critics of {SOURCE}")):
            text = f"from two and three calls {arm} learns to solve {calls}"
            yield Claim(f"{arm}: {calls}", text, source, Effect(arm, (at,)), 0.05)
        for arm, against, source in (
            ("rl", "sft_answers", SOURCE), ("rl_steps", "sft_worked", f"critics of {SOURCE}")
        ):  # fmt: skip
            text = f"shown as much, {arm} solves more of {calls} than {against}"
            effect = Effect(arm, (at,), against)
            yield Claim(f"{arm} over {against}: {calls}", text, source, effect, 0.05)
