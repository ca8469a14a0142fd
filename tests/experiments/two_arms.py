"""A study of two arms, and what running it says."""

from __future__ import annotations

import io
from pathlib import Path

from rlskills.console import Console
from rlskills.experiments import ArmConfig, RunConfig, Study, Supervision, run_study
from rlskills.training.settings import SFTSettings

from ..training.small import MACHINE, small_study, stream

SFT = SFTSettings(max_steps=2, batch_size=4, eval_every=0, save_every=2)


def study(model: Path, child: SFTSettings = SFT, base: SFTSettings = SFT) -> Study:
    return small_study(
        ArmConfig("base", Supervision.STEPS, base, stream),
        ArmConfig("child", Supervision.STEPS, child, stream, "base"),
        model=str(model),
    )


def run(made: Study, folder: Path, records: Path | None = None) -> str:
    shown = io.StringIO()
    config = RunConfig(output=folder, machine=MACHINE, records=records)
    run_study(made, config, Console(file=shown, width=400))
    return shown.getvalue()
