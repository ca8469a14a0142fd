"""Rejection fine-tuning on a fixed data set: what is kept, what is trained on, and resuming."""

from __future__ import annotations

import json
import math
import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from rlskills import environments
from rlskills.errors import UserError
from rlskills.experiments import ArmConfig, Supervision
from rlskills.generation.select import select_engine
from rlskills.models.loading import load
from rlskills.runs.metrics import Budget
from rlskills.training import collected
from rlskills.training.collected import FOLDER, collect, kept_of, read_rows, rows_of
from rlskills.training.fixed import FixedSFT, batches
from rlskills.training.settings import CollectSettings
from rlskills.training.stream import TaskStream, uniform

from .made import batch
from .small import KERNELS, Bits, run, small_study, stream, train

SETTINGS = CollectSettings(
    problems=24, samples=4, max_new_tokens=6, problems_per_file=8, batch_size=8, epochs=2,
    learning_rate=1e-3, eval_every=0, save_every=2, skip_solved=False, warmup_share=0.1,
)  # fmt: skip


def kept(*groups: list[float | None], **options: Any) -> list[list[int]]:
    """The places of kept completions in each group of rewards."""
    made = batch(*groups)
    rows = [id(each) for each in kept_of(made.rollouts, replace(SETTINGS, **options))]
    return [[i for i, each in enumerate(group) if id(each) in rows] for group in made.groups()]


def test_right_completions_are_kept_and_others_are_not():
    assert kept([1, 0, 1, None], [0, 0, 0, 0], [-1, 1, 0, 0]) == [[0, 2], [], [1]]


def test_a_problem_that_is_always_solved_is_dropped_if_asked():
    groups: list[list[float | None]] = [[1, 1, 1], [1, 1, 0]]
    assert kept(*groups, skip_solved=True) == [[], [0, 1]]
    assert kept(*groups, skip_solved=False) == [[0, 1, 2], [0, 1]]


def test_a_cap_keeps_the_first_right_ones():
    assert kept([0, 1, 1, 1], [1, 0, 0, 0], max_per_prompt=2) == [[1, 2], [0]]


@pytest.mark.parametrize("rows", [1, 37, 64, 65])
def test_every_row_is_seen_exactly_epochs_times(rows: int):
    settings = replace(SETTINGS, epochs=3)
    made = batches(rows, settings)
    assert Counter(i for each in made for i in each) == dict.fromkeys(range(rows), 3)
    assert len(made) == settings.resolved(rows).max_steps
    sizes = {len(each) for each in made}
    assert max(sizes) <= settings.batch_size
    assert max(sizes) - min(sizes) <= 1
    flat = [i for each in made for i in each]
    assert all(sorted(flat[e * rows : (e + 1) * rows]) == list(range(rows)) for e in range(3))
    assert made == batches(rows, settings)
    assert rows < 30 or made != batches(rows, replace(settings, seed=1))


def test_steps_and_warm_up_follow_from_the_rows():
    settings = replace(SETTINGS, batch_size=128, epochs=2, warmup_share=0.1)
    found = settings.resolved(116_000)
    assert (found.max_steps, found.warmup_steps) == (1813, 182)
    assert replace(settings, max_steps=7).resolved(116_000).max_steps == 7
    for wrong in ({"epochs": 0}, {"warmup_share": 1.0}, {"samples": 0}, {"temperature": math.inf}):
        with pytest.raises(UserError):
            replace(SETTINGS, **wrong)


class Copied(Bits):
    """`Bits` whose word is shown on request only; without it nothing can be known."""

    name = "copied"

    def __init__(self, shown: bool = False, **options: Any) -> None:
        super().__init__(**options)
        self.shown = shown

    def make(self, rng: Any, cfg: Any) -> environments.Draft:
        draft = super().make(rng, cfg)
        hidden = str(draft.prompt).split()[0] + " ?="
        data = {"salt": hidden}
        return replace(draft, prompt=draft.prompt if self.shown else hidden, data=data)

    def identity(self, draft: environments.Draft) -> Any:
        return draft.data["salt"]


def collecting(model: Path, folder: Path, tasks: TaskStream, settings: CollectSettings) -> Any:
    budget = Budget()
    loaded = load(str(model), KERNELS)
    return collect(loaded, select_engine(loaded), tasks, settings, folder, budget), budget


@pytest.fixture(scope="module")
def learned(half_trained: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The folder of a run that learned from a fixed data set undisturbed, and its start."""
    folder = tmp_path_factory.mktemp("fixed")
    train(folder, "fixed", str(half_trained), SETTINGS, stream())
    return folder / "seed0" / "fixed", half_trained


def test_a_model_that_copies_what_is_shown_is_trained_without_it(half_trained, tmp_path: Path):
    tasks = uniform(Copied(), "train", (1,), 0)
    settings = replace(SETTINGS, shown={"shown": True})
    found, budget = collecting(half_trained, tmp_path, tasks, settings)
    rows = [row for file in sorted(tmp_path.glob("*")) for row in rows_of(file)]
    assert found["problems"] == 24
    assert found["rollouts"] == budget.rollouts == budget.samples == 96
    assert 0 < found["right"] == found["kept"] == len(rows) == len(read_rows(tmp_path))
    shown = Copied(shown=True)
    codec = load(str(half_trained), KERNELS).codec
    for row in rows:
        task = Copied().task("train", row["level"], row["index"])
        assert (row["key"], row["prompt"]) == (task.key, task.text)
        assert row["prompt"].endswith(" ?=")
        assert row["completion"] in shown.task("train", row["level"], row["index"]).text
        assert codec.decode([row["prompt_ids"], row["ids"]]) == [task.text, row["completion"]]
        assert row["ids"][-1] in codec.ends


def test_shown_definitions_are_not_in_the_trained_prompt():
    """The environment of the paper: the same problem at an address, with and without."""
    hidden = environments.load("string_transform", preset="paper", functions="all")
    shown = hidden.with_options(show_definitions=True)
    for index in range(30):
        one, other = (env.task("train", 1, index) for env in (hidden, shown))
        assert (one.key, one.answer, one.skills) == (other.key, other.answer, other.skills)
        assert "def func" not in one.text
        assert all(f"def {name}(" in other.text for name in other.skills)


def test_options_that_draw_other_problems_cannot_be_shown(half_trained: Path, tmp_path: Path):
    settings = replace(SETTINGS, shown={"length": 3, "seed": 5})
    with pytest.raises(UserError, match="draws other problems"):
        collecting(half_trained, tmp_path, uniform(Bits(), "train", (1,), 0), settings)


def test_what_was_cut_off_is_not_kept(half_trained: Path, tmp_path: Path):
    settings = replace(SETTINGS, max_new_tokens=1)
    found, _ = collecting(half_trained, tmp_path, stream(), settings)
    assert (found["right"], found["kept"], read_rows(tmp_path)) == (0, 0, [])


def test_a_run_without_right_completions_says_so(small_model: Path, tmp_path: Path):
    settings = replace(SETTINGS, max_new_tokens=1, problems=8)
    with pytest.raises(UserError, match="nothing to learn from"):
        train(tmp_path, "fixed", str(small_model), settings, stream())
    manifest = json.loads((tmp_path / "seed0/fixed/run.json").read_text())
    assert manifest["status"] == "failed"


def facts(folder: Path) -> dict[str, Any]:
    manifest = json.loads((folder / "run.json").read_text())
    manifest["budget"].pop("seconds")
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    names = ("collected", "budget", "final_state", "status", "problems")
    return {
        "weights": (folder / "model/model.safetensors").read_bytes(),
        "metrics": [{k: v for k, v in r.items() if k not in ("time", "seconds")} for r in lines],
        "evaluation": (folder / "evaluation.json").read_text(),
        **{name: manifest[name] for name in names},
    }


class Killed(Exception):
    """In place of a SIGKILL."""


def test_a_killed_run_ends_like_an_undisturbed_one(learned, tmp_path: Path, monkeypatch):
    """Killed while it samples, while it writes a file of rows, and while it trains."""
    expected, start = learned
    steps = facts(expected)["metrics"][-1]["step"]
    assert steps >= 5
    write, whole = collected._write, FixedSFT.training_step

    def second(file: Path, lines: Any) -> None:
        if file.name == "00001.jsonl":
            file.with_suffix(".new").write_text("torn")
            raise Killed
        write(file, lines)

    def third(self: Any, *args: Any, **more: Any) -> torch.Tensor:
        if self.state.global_step == 3:
            raise Killed
        return whole(self, *args, **more)

    kills = ((collected, "_write", second), (FixedSFT, "training_step", third))
    for place, name, method in kills:
        with monkeypatch.context() as patch:
            patch.setattr(place, name, method)
            with pytest.raises(Killed):
                train(tmp_path, "fixed", str(start), SETTINGS, stream())
    run_folder = tmp_path / "seed0" / "fixed"
    assert len(list((run_folder / FOLDER).glob("*.jsonl"))) == 3
    assert (run_folder / "checkpoints/checkpoint-2").is_dir()
    train(tmp_path, "fixed", str(start), SETTINGS, stream())
    assert facts(run_folder) == facts(expected)


@pytest.mark.parametrize(
    ("file", "harm"),
    [
        (1, lambda text: text[:-40]),
        (1, lambda text: text.replace('"ids": [', '"ids": [3, ', 1)),
        (2, lambda text: "[]\n" + text.partition("\n")[2]),
        (0, lambda text: "\xff" + text),
        (0, lambda text: ""),
        (1, lambda text: None),
    ],
)
def test_a_damaged_file_is_sampled_again_with_the_same_rows(
    learned, tmp_path: Path, file: int, harm: Any
):
    run_folder, model = learned
    folder = tmp_path / FOLDER
    shutil.copytree(run_folder / FOLDER, folder)
    files = sorted(folder.iterdir())
    whole = [each.read_bytes() for each in files]
    text = harm(files[file].read_text())
    files[file].unlink() if text is None else files[file].write_text(text, "latin-1")
    with pytest.warns(UserWarning, match="is damaged: .*; sampled again from there"):
        collecting(model, folder, stream(), SETTINGS)
    assert [strip(each.read_bytes()) for each in files] == [strip(each) for each in whole]


def strip(data: bytes) -> Any:
    """What a file of a data set says, but for the time that it took."""
    header, *rows = map(json.loads, data.splitlines())
    del header["state"]["budget"]["seconds"]
    return header, rows


def test_training_on_right_completions_makes_them_likelier(learned):
    folder, start = learned
    rows = read_rows(folder / FOLDER)
    before, after = (_loss(path, rows) for path in (start, folder / "model"))
    assert after < before


def _loss(model: Path, rows: list[Any]) -> float:
    policy, total = load(str(model), KERNELS).model, 0.0
    for row in rows:
        ids = torch.tensor([[*row.prompt, *row.completion]])
        labels = ids.clone()
        labels[:, : len(row.prompt)] = -100
        with torch.no_grad():
            total += policy(input_ids=ids, labels=labels).loss.item()
    return total


def test_iterations_go_on_from_the_model_or_from_its_samples_only(half_trained, tmp_path: Path):
    """A chain: the third arm is trained from the start again, on what the second one samples."""
    few = replace(SETTINGS, problems=8, samples=2, epochs=1)
    base = ArmConfig("base", Supervision.NONE)
    arms = [
        ArmConfig("one", Supervision.ANSWERS, few, stream(), "base"),
        ArmConfig("two", Supervision.ANSWERS, few, stream(), "one", continues=True),
        ArmConfig(
            "anew", Supervision.ANSWERS, few, stream(), "base", sampler="one", continues=True
        ),
    ]
    study = small_study(base, *arms, model=str(half_trained))
    assert [[arm.name for arm in wave] for wave in study.waves()] == [
        ["base"], ["one"], ["two", "anew"]
    ]  # fmt: skip
    run(study, tmp_path)
    read = {arm.name: json.loads((tmp_path / f"seed0/{arm.name}/run.json").read_text())
            for arm in arms}  # fmt: skip
    assert [each["budget"]["rollouts"] for each in read.values()] == [16, 32, 32]
    assert read["two"]["collected"] == read["anew"]["collected"]  # one model, one seed, one budget
    assert read["two"]["base_weights"] != read["anew"]["base_weights"]
    assert read["anew"]["base_weights"] == read["one"]["base_weights"]
    assert read["anew"]["config"]["sampler"].startswith("arm one, ")
