"""The paper's experiment: single skills first, then RL or rejection fine-tuning on compositions.

    rlskills run paper                                  # a tiny model, on a CPU
    rlskills run paper --scale paper --dry-run          # settings and cost of the paper's own run

"From f(x) and g(x) to f(g(x))" (arXiv 2509.25123). Stage 1 teaches functions one by one, by
rejection fine-tuning: right completions, sampled with the definitions shown, become training data
for the prompt without them. (`--scale tiny` shows worked solutions: its untrained model has no
right completions.) How well every function is then known by itself decides whether there is a stage
2: RL on level 1, on level 2 and on both, and rejection fine-tuning on level 2, iterated as in the
paper and with RL's number of rollouts. All are evaluated on functions that stage 2 never composes,
greedily and at temperature 1. `paper_scales.py` has the settings of each scale and their sources.
"""

import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Literal

import yaml

from rlskills.cli import command_line, show
from rlskills.console import Console
from rlskills.experiments import Study, run_study
from rlskills.experiments.config_file import configured, over, plain
from rlskills.experiments.estimate import Assumptions, print_estimate
from rlskills.experiments.gate import recall_set, skills_taught
from rlskills_recipes.paper_arms import matched, stage2
from rlskills_recipes.paper_claims import claims
from rlskills_recipes.paper_config import PaperConfig
from rlskills_recipes.paper_scales import SCALES
from rlskills_recipes.paper_stage1 import base, calls

TITLE = "Do single skills, RL or rejection fine-tuning make a model compose functions?"


@dataclass(frozen=True, kw_only=True)
class Config(PaperConfig):
    """All settings but these two have their defaults from the scale."""

    scales: ClassVar[dict[str, dict[str, Any]]] = SCALES
    output: Path = Path("runs/paper")
    scale: Literal["tiny", "smollm2", "paper"] = "tiny"
    """Which defaults."""
    dry_run: bool = False
    """Print the settings and about what they cost; train nothing and load no weights."""
    assumed: Assumptions = Assumptions()
    """What that estimate takes for granted."""


def at_scale(scale: str, **changes: Any) -> Config:
    """The defaults of a scale, with some settings changed."""
    return configured(over(SCALES[scale], changes | {"scale": scale}), Config, f"scale {scale}")


def study(config: Config) -> Study:
    """Stage 1, and the arms of stage 2 that start from it behind the gate."""
    groups = {name: calls(config, name) for name in config.groups}
    about = {"recipe": "paper", "functions": config.functions}
    made = config.study_of("paper", TITLE, [base(config), *stage2(config)], groups,
                           config.eval_levels, config.max_new_tokens, claims=claims(config),
                           curve_tasks=config.curve_tasks, about=about)  # fmt: skip
    every = calls(config, "all")
    alone = recall_set(every.with_options(balance=True), skills_taught(every), config.recall_tasks)
    return replace(made, eval_sets=(*made.eval_sets, alone))


def main(config: Config) -> None:
    """Run the study, and print its comparison; or print what it would be."""
    if config.dry_run:
        resolved = replace(config, rft_strong=matched(config))
        yaml.safe_dump(plain(resolved), sys.stdout, sort_keys=False)
        return print_estimate(study(config), config.model, config.assumed, Console())
    run_study(study(config), config)
    show(config.output)
    return None


if __name__ == "__main__":
    command_line(main, Config, "paper")
