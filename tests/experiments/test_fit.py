"""What is said before an arm is trained."""

from __future__ import annotations

from pathlib import Path

import pytest

from rlskills.console import Console
from rlskills.experiments import ArmConfig, Supervision, fit
from rlskills.models.loading import load
from rlskills.runs.disk import amount
from rlskills.training.settings import SFTSettings

from ..training.small import KERNELS, run, small_study, stream


def test_a_disk_that_is_too_small_for_the_checkpoints_is_told_of(
    small_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
):
    settings = SFTSettings(max_steps=1, batch_size=4, eval_every=0, keep_checkpoints=2)
    base = ArmConfig("base", Supervision.STEPS, settings, stream())
    weights = sum(each.numel() for each in load(str(small_model), KERNELS).model.parameters())
    # Weights, and two numbers of the optimizer for each; one checkpoint more than is kept.
    needed = 3 * 12 * weights
    for left, told in ((needed, False), (needed - 1, True)):
        monkeypatch.setattr(fit, "free", lambda path, left=left: left)
        run(small_study(base, model=str(small_model)), tmp_path / str(left), console=Console())
        said = " ".join(capsys.readouterr().out.split())
        assert (f"3 checkpoints take up to {amount(needed)}; " in said) is told
