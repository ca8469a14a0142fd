"""Which world and RL settings let held-out compositions rise most.

Runs the quickstart with one setting changed at a time (base and GRPO only), and prints a table of
what each change did to the base and to what RL added. Takes some minutes per row; rows that change
stage 2 only start from the base that ships, and what is done is not run again.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rlskills.cli import command_line
from rlskills.console import Console
from rlskills.experiments import RunConfig, checks, run_study
from rlskills.experiments.config_file import configured, plain
from rlskills_recipes import quickstart
from rlskills_recipes.ablation_rows import CELLS, ROWS, STAGE1
from rlskills_recipes.results import accuracies, borrow, print_row


@dataclass(frozen=True, kw_only=True)
class Config(RunConfig):
    """What to run; `quickstart` is the folder of a finished quickstart."""

    output: Path = Path("runs/ablations")
    quickstart: Path = Path("runs/quickstart")
    """Where the unchanged world may be found."""
    only: tuple[str, ...] = ()
    """Names of rows; empty runs all."""
    seed: int = 0
    """The one seed of all rows."""

    def __post_init__(self) -> None:
        checks.known("row", self.only, ROWS)
        checks.not_negative(seed=self.seed)


def configurations(config: Config) -> Iterator[tuple[str, quickstart.Config]]:
    """The quickstart's configuration in each row, by the row's name."""
    common = {**plain(config), "arms": ["grpo"], "first_seed": config.seed}
    del common["only"], common["seed"], common["quickstart"]
    for name in config.only or ROWS:
        output = str(config.output / name.replace(" ", "-"))
        changed = {**ROWS[name], "from_scratch": name in STAGE1}
        yield name, configured({**common, **changed, "output": output}, quickstart.Config, name)


def main(config: Config) -> None:
    """Run the rows, and print what each reached."""
    print_row("change", "model", *(f"{group} L{level}" for group, level in CELLS))
    print_row(*["---"] * (2 + len(CELLS)))
    for name, row in configurations(config):
        folder = row.output / f"seed{config.seed}"
        if name == "quickstart":
            borrow(config.quickstart / folder.name / "grpo", folder)
        run_study(quickstart.study(row), row, Console(stderr=True))
        for arm in ("base", "grpo"):
            print_row(name, arm, *(f"{value:.2f}" for value in accuracies(folder / arm, CELLS)))


if __name__ == "__main__":
    command_line(main, Config, "ablations")
