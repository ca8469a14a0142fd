"""Puts the bases of a quickstart where the preset `tiny-base` finds them (`make bases`).

    python -m rlskills_recipes.bases runs/bases

Beside the weights `about.json` is written: the commit and command that made them, their digest, and
the greedy accuracy of each by eval set, on how many problems.
"""

import shutil
from dataclasses import dataclass
from hashlib import file_digest
from pathlib import Path
from statistics import fmean
from typing import Annotated

import tyro

from rlskills.cli import with_clear_errors
from rlskills.errors import UserError
from rlskills.models.tiny_base import ABOUT, SEEDS, WEIGHTS, tiny_base
from rlskills.runs.folder import RunFolder, write_json
from rlskills_recipes.results import tasks_of


@dataclass(frozen=True)
class Config:
    """Which runs are taken."""

    output: Annotated[Path, tyro.conf.Positional]
    """Folder of a quickstart whose bases were trained from scratch."""
    command: str = "make bases"
    """What made them, at the commit that their manifests name."""


def main(config: Config) -> None:
    """Copy the bases of all seeds, with what is known of them."""
    for seed in range(SEEDS):
        run = RunFolder.read(config.output / f"seed{seed}" / "base")
        if not run.complete or run.manifest["git"]["changed"]:
            raise UserError(f"{run.path} is not complete, or its code was in no commit")
        folder = tiny_base(seed)
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(run.model, folder)
        (folder / WEIGHTS).chmod(0o644)  # what writes them keeps others from reading them
        write_json(folder / ABOUT, _about(run, config.command))
        print(f"{run.model} is {folder} now")


def _about(run: RunFolder, command: str) -> dict[str, object]:
    outcomes = tasks_of(run.path)
    weights = run.model / WEIGHTS
    with weights.open("rb") as file:
        digest = file_digest(file, "sha256").hexdigest()
    return {
        "command": command,
        "commit": run.manifest["git"]["commit"],
        "sha256": digest,
        "problems": len(next(iter(outcomes.values()))),
        "greedy": {
            f"{group} L{level}": round(fmean(task["greedy"] for task in tasks), 4)
            for (group, level), tasks in outcomes.items()
        },
    }


if __name__ == "__main__":
    with_clear_errors(lambda: main(tyro.cli(Config, description=__doc__)))
