"""The methods that the recipe `treatments` compares, and its tables."""

import re
from collections.abc import Sequence
from pathlib import Path

from rlskills.console import Console
from rlskills.experiments.group import processes
from rlskills.report.arena import arena, arena_sections, plot_arena, sentences
from rlskills.report.claims import claims_sections, judged, verdicts_section
from rlskills.report.reading import load_runs
from rlskills.report.render import print_section, section_markdown
from rlskills.report.run import arms
from rlskills.runs.study_file import read_study_file
from rlskills_recipes.treatments_claims import (
    ENTROPY,
    HELD_OUT,
    KEPT,
    L3,
    L4,
    LENGTH,
    PASS_1,
    PASS_8,
)

METHODS = (
    "grpo", "grpo?scale=none", "maxrl", "pass_k", "reinforce", "reinforce?positive=0",
    "reinforce?negative=0", "rft", "rft dco", "dpo", "dynamic_sampling", "annealed_temperature",
    "b_star", "hidden_bonus", "entropy_target", "brevity", "half_fine_tuning", "step_credit",
    "step_reward", "hicra", "guide", "hpt", "star", "step_dpo", "noisy_verifier", "format_reward",
    "random_reward",
)  # fmt: skip
"""Each with its defaults, nothing tuned. What is left out is in `treatments_untested.py`."""
PROBES = (L3, L4, HELD_OUT, KEPT, PASS_1, PASS_8)
LOGGED = {"zero variance": "train/zero_variance_groups", ENTROPY.name: ENTROPY.tag,
          LENGTH.name: LENGTH.tag}  # fmt: skip


def arm_of(method: Sequence[str]) -> str:
    """The name of the arm with these treatments, options included: `reinforce-positive-0`."""
    named = (re.sub(r"^.*\.py:", "", treatment) for treatment in method)
    return "+".join(re.sub(r"[^\w.]+", "-", each).strip("-") for each in named)


def print_arena(output: Path) -> None:
    """Print, and write to arena.md and arena.png, every method beside plain GRPO."""
    if not processes().is_main_process:
        return
    console, notes = Console(), list[str]()
    pools = arms(load_runs([output], notes))
    rivals = arena(pools, "grpo", PROBES)
    sections = arena_sections(rivals, pools, "grpo", PROBES, LOGGED)
    about = read_study_file(output)
    claims = judged(pools, about.claims if about else ())
    said = sentences(rivals, "grpo")
    for section in (*sections, verdicts_section(claims)):
        print_section(section, console)
    for line in (*said, *(f"note: {note}" for note in notes)):
        console.print(line, highlight=False)
    tables = [*sections, *claims_sections(claims)]
    text = [*(section_markdown(section) for section in tables), *(f"- {line}" for line in said)]
    (output / "arena.md").write_text("\n".join(text) + "\n")
    plot_arena(rivals, L3.name, KEPT.name, output / "arena.png")
