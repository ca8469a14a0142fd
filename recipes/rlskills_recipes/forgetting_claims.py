"""What is said of forgetting, and how it is told here.

An effect is greedy accuracy on the first environment at its second level, in each seed: behind the
third stage against behind the first, or of one method's third stage against another's.
"""

from collections.abc import Iterator

from rlskills.experiments import Claim, Effect

RETAINS = "arXiv 2507.05386"
HALF = "arXiv 2404.18466"
FIRST = (("nested", 2),)


def claims() -> Iterator[Claim]:
    """Of all methods."""
    yield Claim("RL keeps", "RL on two more environments forgets nothing of the first", RETAINS,
                Effect("rl_3", FIRST, "rl_1"), 0.02, "within", "-2.3 points")  # fmt: skip
    yield Claim("SFT loses", "supervised training on two more environments forgets", RETAINS,
                Effect("sft_3", FIRST, "sft_1", sign=-1), 0.05, paper="10.4 points")  # fmt: skip
    for name, arm, against, text, source in (
        ("RL over SFT", "rl_3", "sft_3", "RL keeps more than supervised training", RETAINS),
        ("RFT over SFT", "rft_3", "sft_3", "so does rejection fine-tuning", RETAINS),
        ("filter", "rft_filtered_3", "rft_3", "without solved groups it keeps more", RETAINS),
        ("half", "sft_half_3", "sft_3", "half of the weights, less is forgotten", HALF),
    ):
        yield Claim(name, text, source, Effect(arm, FIRST, against), 0.05)
