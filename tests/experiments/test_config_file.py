"""Settings to a file and back, and one clear line for what does not fit."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import yaml

from rlskills.errors import UserError
from rlskills.experiments.config_file import configured, load_config, plain, save_config
from rlskills.training.settings import RLSettings
from rlskills_recipes import grpo, quickstart


@dataclass(frozen=True)
class Inner:
    rate: float = 0.5
    steps: int = 3


@dataclass(frozen=True)
class Outer:
    needed: str
    folder: Path = Path("a/b")
    records: Path | None = None
    levels: tuple[int, ...] = (1, 2)
    names: tuple[str, ...] = ()
    fast: bool = False
    inner: Inner = Inner(steps=7)


CHANGED = Outer("x: #y", Path("/c d"), Path("r"), (), ("a", "1"), True, Inner(1e-7, 2))


@pytest.mark.parametrize("config", [Outer("x"), CHANGED, quickstart.Config(), grpo.Config(env="e")])
def test_all_settings_come_back_from_a_saved_file(config, tmp_path: Path):
    file = tmp_path / "config.yaml"
    save_config(config, file, "rlskills run x")
    assert load_config(file, type(config)) == config
    before = file.stat().st_mtime_ns
    save_config(config, file, "rlskills run x")
    assert file.stat().st_mtime_ns == before


def test_yaml_and_toml_say_the_same(tmp_path: Path):
    (tmp_path / "a.yaml").write_text("needed: n\nlevels: [3]\nrecords: null\ninner: {rate: 1e-4}\n")
    (tmp_path / "a.toml").write_text('needed = "n"\nlevels = [3]\n[inner]\nrate = 1e-4\n')
    expected = Outer("n", levels=(3,), inner=Inner(1e-4, 7))
    assert load_config(tmp_path / "a.yaml", Outer) == expected
    assert load_config(tmp_path / "a.toml", Outer) == expected


def test_what_a_nested_part_leaves_out_keeps_the_recipes_default():
    set_here = {"stage1": {"max-steps": 2}, "from-scratch": True}
    config = configured(set_here, quickstart.Config, "here")
    assert config.stage1 == replace(quickstart.Config().stage1, max_steps=2)
    assert config.grpo == quickstart.Config().grpo != RLSettings()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("levls: [1]", "did you mean 'levels'"),
        ("inner: {stepz: 1}", "inner: 'stepz'; did you mean 'steps'"),
        ("inner: {steps: many}", "steps='many'"),
        ("levels: [a]", "levels"),
        ("fast: maybe", "fast='maybe'"),
        ("inner: {rate: .nan}", "rate=nan"),
        ("inner: 3", "inner=3"),
        ("- a", "no settings by name"),
        ("a: [", "cannot read"),
        ("fast: true", "no value for needed"),
    ],
)
def test_wrong_files_are_one_line(text: str, said: str, tmp_path: Path):
    file = tmp_path / "a.yaml"
    file.write_text(text if "fast: true" in text or text[0] == "-" else f"needed: n\n{text}\n")
    with pytest.raises(UserError) as error:
        load_config(file, Outer)
    assert said in str(error.value)
    assert "\n" not in str(error.value)
    with pytest.raises(UserError, match="No such file"):
        load_config(tmp_path / "none.yaml", Outer)


def test_what_is_saved_is_plain_yaml(tmp_path: Path):
    save_config(CHANGED, tmp_path / "config.yaml", "rlskills run x")
    text = (tmp_path / "config.yaml").read_text()
    assert text.startswith("# rlskills run x --config config.yaml\n")
    assert yaml.safe_load(text) == plain(CHANGED)
