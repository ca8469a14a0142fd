"""Which small world and which RL settings let held-out compositions rise most.

Runs the quickstart with one setting changed at a time (base and GRPO only), and prints a table of
what each change did to the base and to what RL added. Takes some minutes a row; rows whose
stage 1 is the quickstart's own start from its checkpoint, and rows already done are not run again.
"""

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from rlskills.cli import command_line
from rlskills.errors import UnknownName

STAGE1 = {
    "nothing copied": ["--copying=0"],
    "copying 0.3": ["--copying=0.3"],
    "rows 0.02": ["--rows=0.02"],
    "rows 0.05": ["--rows=0.05"],
    "calls on five letters": ["--longest=5"],
    "calls on seven letters": ["--longest=7"],
    "16 common functions": ["--common=16"],
    "48 common functions": ["--common=48"],
    "composing 0.3": ["--composing=0.3"],
    "half as long": ["--stage1.max-steps=750"],
    "AdamW, 3000 updates": ["--stage1.optimizer=adamw", "--stage1.max-steps=3000"],
}
STAGE2 = {
    "AdamW": ["--grpo.optimizer=adamw", "--grpo.learning-rate=3e-4"],
    "KL 0.03": ["--grpo.beta=0.03"],
    "temperature 1.3": ["--grpo.temperature=1.3"],
    "learning rate 1e-4": ["--grpo.learning-rate=1e-4"],
    "32 problems x 8": ["--grpo.prompts-per-step=32", "--grpo.group-size=8"],
    "dead groups kept": ["--grpo.dead-groups=keep"],
    "unscaled advantages": ["--grpo.scale-rewards=none"],
}
CELLS = [("common", 4), ("train", 2), ("train", 3), ("train", 4),
         ("held_out", 1), ("held_out", 2), ("held_out", 3), ("held_out", 4)]  # fmt: skip


@dataclass(frozen=True)
class Worlds:
    """What to run; `quickstart` is the folder of a finished quickstart."""

    output: Path = Path("runs/worlds")
    """Folder of all runs."""
    quickstart: Path = Path("runs/quickstart")
    """Where the unchanged world is, and the base that RL settings start from."""
    only: tuple[str, ...] = ()
    """Names of rows; empty runs all."""
    seed: int = 0
    """The one seed of all rows."""
    machine: tuple[str, ...] = ("--machine.threads=1",)
    """Further flags for the quickstart."""


def main(config: Worlds) -> None:
    """Which small world and which RL settings let held-out compositions rise most."""
    rows = {"quickstart": [], **STAGE1, **STAGE2}
    for name in config.only:
        if name not in rows:
            raise UnknownName("row", name, rows)
    console = Console()
    print("| change | model |", " | ".join(f"{group} L{level}" for group, level in CELLS), "|")
    print("|---" * (2 + len(CELLS)) + "|", flush=True)
    for name, flags in rows.items():
        if config.only and name not in config.only:
            continue
        folder = config.output / name.replace(" ", "-") if flags else config.quickstart
        base = folder / f"seed{config.seed}" / "base"
        if name in STAGE2 and not base.exists():
            shutil.copytree(config.quickstart / f"seed{config.seed}" / "base", base)
        words = ["run", "quickstart", f"--output={folder}", "--arms", "grpo", "--seeds=1"]
        words += [f"--first-seed={config.seed}", *flags, *config.machine]
        with console.status(name):
            command = [sys.executable, "-m", "rlskills", *words]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        for arm in ("base", "grpo"):
            text = (folder / f"seed{config.seed}" / arm / "evaluation.json").read_text()
            shown = {(p["group"], p["level"]): p["tasks"] for p in json.loads(text)["eval_sets"]}
            values = [sum(t["greedy"] for t in shown[cell]) / len(shown[cell]) for cell in CELLS]
            print(f"| {name} | {arm} |", " | ".join(f"{v:.2f}" for v in values), "|", flush=True)


if __name__ == "__main__":
    command_line(main, Worlds, "worlds")
