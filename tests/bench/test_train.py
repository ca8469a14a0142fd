"""`rlskills bench train`: what it measures, writes, checks and refuses. No test asserts a speed."""

from __future__ import annotations

import gc
import json
import statistics
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from transformers import TrainerCallback

from rlskills.bench.contestants import KEEP, OURS, TUNED, Ready, contestants
from rlskills.bench.options import STRINGS, TrainOptions
from rlskills.bench.parts import PARTS
from rlskills.bench.results import Timed, slower
from rlskills.bench.start import start_of
from rlskills.bench.timing import turn
from rlskills.bench.work import Work
from rlskills.cli import entry as cli
from rlskills.models.kernels import Kernels

SMALL = ("--prompts-per-step", "2", "--group-size", "2", "--max-new-tokens", "4", "--rounds", "2",
         "--updates", "1", "--warmup", "1", "--attention", "eager", "--precision", "highest",
         "--env", STRINGS)  # fmt: skip
KERNELS = Kernels("eager", "highest", "float32")


@pytest.fixture(scope="module", autouse=True)
def _quick_collections() -> Iterator[None]:
    """The collector need not look at all that is imported, at each of many trainers."""
    import rlskills.bench.run
    import rlskills.bench.stock  # noqa: F401

    gc.freeze()
    yield
    gc.unfreeze()


def bench(*words: str) -> None:
    cli.main(["bench", "train", *SMALL, *words])


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A train.json of a run of seconds."""
    folder = tmp_path_factory.mktemp("speed") / "small"
    bench("--output", str(folder), "--max-new-tokens", "48")
    return folder / "train.json"


def test_every_contestant_is_timed_in_turns_that_reverse(measured: Path):
    timed = Timed.read(measured)
    assert timed.names == [OURS, KEEP, TUNED]
    order = [turn.contestant for turn in timed.turns]
    assert order == [OURS, KEEP, TUNED, TUNED, KEEP, OURS]
    for one in timed.turns:
        assert one.completions == 4
        assert 4 <= one.tokens <= 4 * 48
        assert one.cpu > 0
        assert one.wall > 0
        assert 0 <= one.zero_variance <= 1
    for name in timed.names:
        assert len(timed.ratios(name, cpu=True)) == 2
    assert timed.ratios(TUNED, cpu=False) == [1, 1]
    assert timed.utilisation(OURS) is None
    assert 0 < (timed.utilisation(KEEP) or 0) < 1


def test_shares_are_of_every_part_and_leave_a_rest(measured: Path):
    timed = Timed.read(measured)
    for one in timed.turns:
        assert tuple(one.parts) == PARTS
        # Nothing is counted twice, or the rest would be below 0; a missed call would have none.
        assert all(seconds > 0 for seconds in one.parts.values()), one
        assert sum(one.parts.values()) == pytest.approx(one.cpu)
    for name in timed.names:
        whole = sum(turn.cpu for turn in timed.of(name)) / 2
        assert sum(timed.shares(name).values()) == pytest.approx(whole)


def test_the_file_says_how_it_was_made(measured: Path):
    data = json.loads(measured.read_text())
    about = data["about"]
    assert about["command"].startswith("rlskills bench train --prompts-per-step 2")
    assert about["machine"]["threads"] == 1
    assert set(about["versions"]) == {"torch", "trl", "transformers"}
    assert about["settings"]["levels"] == [2]
    assert data["kernels"][TUNED] == "eager, highest, float32"


class _Seen(TrainerCallback):
    """What a contestant was asked, and what its loss was computed on."""

    def __init__(self, ready: Ready) -> None:
        self.trainer = ready.trainer
        self.prompts: list[list[int]] = []
        self.ours: list[str] = []
        loss = self.trainer.compute_loss

        def watched(model: Any, inputs: Any, *args: Any, **more: Any) -> Any:
            pairs = zip(inputs["prompt_ids"], inputs["prompt_mask"].bool(), strict=True)
            self.prompts += [ids[mask].tolist() for ids, mask in pairs]
            return loss(model, inputs, *args, **more)

        self.trainer.compute_loss = watched

    def on_step_end(self, *args: Any, **kwargs: Any) -> None:
        for batch in getattr(self.trainer, "rounds", []):
            self.ours += [rollout.task.key for rollout in batch]

    @property
    def problems(self) -> list[str]:
        return self.ours or self.trainer.reward_funcs[0].asked


def test_all_have_the_same_problems_and_prompts(small_model: Path):
    options = TrainOptions(
        model=str(small_model), env=STRINGS, levels=(1, 2), prompts_per_step=3, group_size=2,
        max_new_tokens=3, warmup=1, updates=1,
    )  # fmt: skip
    work, start = Work.timed(options), start_of(options)
    seen: list[_Seen] = []

    def prepare(ready: Ready) -> None:
        seen.append(_Seen(ready))
        ready.trainer.add_callback(seen[-1])

    for contestant in contestants(default=True, trl_defaults=True):
        if contestant.name != OURS:  # which trains on some of them only
            turn(contestant, start, KERNELS, work, 1, prepare=prepare)
    keys = [drawn.task.key for drawn in work.problems for _ in range(2)]
    assert len(set(keys)) == 6
    prompts = start.load(KERNELS).codec.encode_tasks([drawn.task for drawn in work.problems])
    for one in seen:
        assert one.problems == keys
        assert sorted(one.prompts) == sorted(ids for ids in prompts for _ in range(2))


def test_a_check_compares_ratios(measured: Path):
    timed = Timed.read(measured)
    assert slower(timed, timed, 0.0) == []
    slow = [replace(t, cpu=t.cpu * 1.3) if t.contestant == KEEP else t for t in timed.turns]
    (clause,) = slower(replace(timed, turns=slow), timed, 0.15)
    before = statistics.median(timed.ratios(KEEP, cpu=True))
    assert clause == f"{KEEP} {before / 1.3:.2f} times as fast as {TUNED}, {before:.2f} there"
    assert slower(timed, replace(timed, turns=slow), 0.15) == []


def test_check_ends_with_a_line_and_a_status(measured: Path, tmp_path: Path, capsys, monkeypatch):
    monkeypatch.setattr("rlskills.bench.run._timed", lambda *rest: Timed.read(measured))
    bench("--max-new-tokens", "48", "--check", str(measured))
    assert capsys.readouterr().out.splitlines()[-1].startswith("check passed")
    data = json.loads(measured.read_text())
    for one in data["turns"]:
        if one["contestant"] == OURS:
            one["cpu"] /= 2
    faster = tmp_path / "train.json"
    faster.write_text(json.dumps(data))
    with pytest.raises(SystemExit) as error:
        bench("--max-new-tokens", "48", "--check", str(faster))
    assert error.value.code == 1
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith(f"check failed ({faster}): {OURS} ")
    assert KEEP not in last


def test_a_shape_has_random_weights_and_no_default(tmp_path: Path):
    bench("--model", "wide32", "--layers", "1", "--output", str(tmp_path), "--trl-defaults")
    timed = Timed.read(tmp_path / "train.json")
    assert timed.names == [KEEP, TUNED, "TRL defaults"]
    assert timed.shape.layers == 1
    assert all(turn.zero_variance == 1 for turn in timed.turns)
    assert "does not take part" in (tmp_path / "train.md").read_text()


def test_without_mixed_groups_the_default_does_not_take_part(small_model: Path, capsys):
    bench("--model", str(small_model), "--rounds", "1")
    shown = capsys.readouterr().out
    assert "right and wrong answers in 0 of 4 groups" in shown
    assert "it does not take part" in " ".join(shown.split())


def test_a_folder_without_weights_is_a_shape(small_model: Path, tmp_path: Path):
    (tmp_path / "config.json").write_text((small_model / "config.json").read_text())
    options = TrainOptions(model=str(tmp_path), layers=1)
    assert options.random
    start = start_of(options)
    assert (start.shape.layers, start.shape.hidden) == (1, 32)
    one, other = (start.load(KERNELS).model.state_dict() for _ in range(2))
    assert all((one[name] == other[name]).all() for name in one)
    assert not TrainOptions(model=str(small_model)).random


@pytest.mark.parametrize("size", ["0.6B", "1.5B", "1B"])
def test_sizes_have_the_parameters_of_the_table(size: str):
    from rlskills.planning.shapes import SHAPES, SIZES

    shape = start_of(TrainOptions(model=size)).shape
    assert shape.parameters == SHAPES[SIZES[size]].parameters
    assert shape.multiplied == SHAPES[SIZES[size]].multiplied


def test_accuracy_is_compared_and_the_page_has_all(
    measured: Path, small_model: Path, capsys, tmp_path: Path
):
    output = measured.parents[1] / "accuracy"
    bench("--model", str(small_model), "--accuracy", "--accuracy-updates", "1", "--accuracy-seeds",
          "1", "--accuracy-problems", "3", "--output", str(output))  # fmt: skip
    data = json.loads((output / "accuracy.json").read_text())
    assert [each["contestant"] for each in data["learned"]] == ["base", OURS, KEEP, TUNED]
    assert all(len(each["right"][0]) == 3 for each in data["learned"])
    assert [each["completions"] for each in data["learned"]] == [0, 4, 4, 4]
    assert "minus TRL tuned" in capsys.readouterr().out
    page = tmp_path / "speed.md"
    cli.main(["bench", "page", str(measured.parents[1]), "--output", str(page)])
    text = page.read_text()
    for words in ("## Speed: tiny-base", "Is speed bought with accuracy", "by CPU time", "decode",
                  "MFU", "commit"):  # fmt: skip
        assert words in text, words
