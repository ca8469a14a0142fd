"""`rlskills curriculum fit`: from logged runs to a regime that the benchmark takes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from rlskills.cli import entry as cli
from rlskills.errors import UserError
from rlskills.report.curriculum_log import logged_curricula
from rlskills.runs import tags
from rlskills.simulation.methods import find_regimes
from rlskills.simulation.regime_file import read_regime, write_regime
from rlskills.simulation.trained import TRAINED

from ..report.conftest import Folders, folders

__all__ = ["folders"]


@pytest.fixture
def study(folders: Folders) -> Path:
    """Two curricula of two seeds, evaluated three times, eight updates each."""
    for arm, method, rise in (("uniform", "uniform", 0.02), ("sec", "sec?temperature=0.1", 0.05)):
        for seed in (0, 1):
            records = []
            for step in range(9):
                metrics = {tags.SHARE_ZERO_VARIANCE: 0.5 + 0.05 * step + 0.1 * seed}
                if step % 4 == 0:
                    metrics |= {tags.eval_greedy(("train", level)): 0.6 / level + rise * step
                                for level in (2, 3, 4)}  # fmt: skip
                records.append({"step": step, "rollouts": 256.0 * step, "metrics": metrics})
            folders.write(arm, seed, {("train", 2): folders.solved(0.5, 4, 0)}, records,
                          f"seed{seed}/{arm}", config={"curriculum": method})  # fmt: skip
    return folders.root


def test_logs_are_means_over_seeds(study: Path):
    sec, uniform = logged_curricula(study)
    assert (sec.method, uniform.method) == ("sec?temperature=0.1", "uniform")
    assert sec.spent == (0.0, 1024.0, 2048.0)
    assert sec.accuracy[2] == pytest.approx([0.3 + 0.4, 0.2 + 0.4, 0.15 + 0.4])
    first = np.mean([0.5, 0.55, 0.6])  # nine updates: the first quarter has three
    assert uniform.zero_variance[0] == pytest.approx(first + 0.05)
    with pytest.raises(UserError, match="not evaluated alike on eval/held_out/L2/greedy"):
        logged_curricula(study, "held_out")


def test_a_fitted_regime_is_named_where_regimes_are(
    study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    file = tmp_path / "ours.json"
    words = ["curriculum", "fit", str(study), "--regime", "few_groups_open", "--seeds", "2",
             "--tries", "3", "--left-out", "sec?temperature=0.1",
             "--output", str(file)]  # fmt: skip
    cli.main(words)
    shown = capsys.readouterr().out
    assert "sec?temperature=0.1" in shown
    (regime,) = find_regimes([str(file)])
    assert regime.name == "ours"
    assert "few_groups_open fitted to" in regime.about
    assert read_regime(file).useless == 0


@pytest.mark.parametrize(
    "words",
    [["--regime", "chain"], ["--tries", "0"], ["--output", "regime.txt"], ["--left-out", "mopps"]],
)
def test_bad_settings_are_one_line(study: Path, words: list[str]):
    with pytest.raises(SystemExit) as stop:
        cli.main(["curriculum", "fit", str(study), *words])
    assert stop.value.code == 2


def test_a_file_that_is_no_regime_is_one_line(tmp_path: Path):
    file = write_regime(TRAINED["few_groups"], tmp_path / "few.json")
    value = json.loads(file.read_text())
    for damage in ({"start": [0.0]}, {"rate": "fast"}, {"hidden": "no"}, {"rate": None}):
        file.write_text(json.dumps(value | damage))
        with pytest.raises(UserError, match="no regime in"):
            find_regimes([str(file)])
    for text in ("{", "[]", "{}"):
        file.write_text(text)
        with pytest.raises(UserError, match="no regime in"):
            find_regimes([str(file)])
    with pytest.raises(UserError, match="no regime in"):
        find_regimes([str(tmp_path / "absent.json")])
