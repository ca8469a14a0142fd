"""Every curriculum of the catalogue in training, with treatments that sample on or otherwise."""

from __future__ import annotations

import functools
import gc
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import PrinterCallback
from transformers.trainer_utils import SaveStrategy

from rlskills.curricula import CATALOGUE, DEFAULT, Outcome
from rlskills.environments import Draft
from rlskills.errors import UserError
from rlskills.models.loading import load
from rlskills.runs.metrics import Budget
from rlskills.training.settings import RLSettings
from rlskills.training.stream import Drawn, TaskStream, taught, units_of
from rlskills.training.treatments import build_treatments
from rlskills.training.trl import RLTrainer

from ...curricula.life import QUICK
from ..small import KERNELS, Bits

B_STAR = "b_star?temperatures=0.8,1.2&probe=2&samples=2"
ARMS: dict[str, tuple[str, ...]] = {
    "guide": ("dynamic_sampling?max_resamples=1", "guide?hint=answer", B_STAR),
    "star": ("star", "dynamic_sampling?max_resamples=1", "annealed_temperature"),
}
"""Two that deal with groups that fail, with own credit and without, and two temperatures; further
rounds in both."""
SETTINGS = RLSettings(
    max_steps=2, prompts_per_step=6, group_size=2, max_new_tokens=3, learning_rate=1e-5,
    eval_every=0, save_every=9,
)  # fmt: skip


class Letters(Bits):
    """`Bits` whose letters are skills, one composed behind the other."""

    name = "letters"

    def skills(self) -> tuple[str, ...]:
        return ("a", "b")

    def make(self, rng: Any, cfg: Any) -> Draft:
        return self.compose(rng, cfg, tuple(rng.choices("ab", k=cfg.length)))

    def compose(self, rng: Any, cfg: Any, skills: tuple[str, ...]) -> Draft:
        word = "".join(skills)
        return Draft(f"{rng.randrange(10**6)} {word}=", word, skills)


class Counted(TaskStream):
    """Counts groups that are drawn and shown."""

    drawn = observed = 0

    def draw(self, *args: Any, **options: Any) -> list[Drawn]:
        found = super().draw(*args, **options)
        self.drawn += len(found)
        return found

    def observe(self, outcomes: Sequence[Outcome]) -> None:
        super().observe(outcomes)
        self.observed += len(outcomes)


def problems(name: str, **options: Any) -> Counted:
    """Units are compositions, so that levels, skills and prerequisites are all known."""
    sources = units_of(Letters(), "train", (1, 2), by="composition")
    spec = f"{name}?{QUICK[name]}" if name in QUICK else name
    stream = taught(sources, spec, 0, **options)
    return Counted(stream.sources, stream.curriculum)


SAMPLE_ON = ("vcrl", "dapo", "band")
"""Curricula that sample further rounds themselves."""


def only_dropping(name: str) -> Counted:
    """For an arm in which a treatment samples on."""
    return problems(name, max_resamples=0) if name in SAMPLE_ON else problems(name)


CASES = [
    *(("guide", name) for name in CATALOGUE if name != "vcrl"),
    *(
        ("star", name)
        for name, method in CATALOGUE.items()
        if method.family in ("gate", "allocation", "model signals") or name == DEFAULT
    ),
]
"""The second arm only with those that have a say in what is kept, or in how many are sampled.
`vcrl` always refills its batches, so it goes with no treatment that does."""


@pytest.fixture(scope="module")
def trainers(half_trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """One for all cases of an arm, since most of the time would go into building others."""
    torch.set_num_threads(1)

    @functools.cache
    def of(arm: str) -> Any:
        settings = replace(SETTINGS, treatments=ARMS[arm])
        folder = tmp_path_factory.mktemp("curricula")
        made = RLTrainer(load(str(half_trained), KERNELS), problems("uniform"), settings, folder)
        made.remove_callback(PrinterCallback)
        made.args.save_strategy = SaveStrategy.NO
        return made

    gc.collect()
    gc.freeze()  # each run collects what it left: it would look at everything that was imported
    yield of
    gc.unfreeze()


@pytest.mark.parametrize(("arm", "name"), CASES)
def test_every_group_is_shown_to_it_and_the_run_ends(arm: str, name: str, trainers: Any):
    trainer = trainers(arm)
    trainer.stream = stream = only_dropping(name)
    trainer.treatments = build_treatments(trainer.settings.treatments, 0)
    trainer.budget = Budget()
    trainer.collector = trainer._collector(trainer.collector.sampler.engine)
    trainer.train()
    assert trainer.state.global_step == 2
    assert stream.drawn == stream.observed
    assert stream.drawn in (12, 18, 24)  # one further round for each update, at most
    assert trainer.budget.rollouts >= 2 * stream.drawn + 8 * (B_STAR in ARMS[arm])


def test_who_samples_further_rounds_is_one_of_them(trainers: Any):
    on = [name for name in CATALOGUE if problems(name).curriculum.max_resamples]
    assert on == list(SAMPLE_ON)
    trainer = trainers("guide")
    for name in on:
        trainer.stream = problems(name)
        said = f"dynamic_sampling and curriculum {name}.* cannot be combined"
        with pytest.raises(UserError, match=said):
            trainer._collector(trainer.collector.sampler.engine)


@pytest.mark.parametrize(
    ("specs", "why"),
    [
        (("guide", "star"), "guide and star cannot be combined: each deals with groups that fail"),
        ((B_STAR, "annealed_temperature"), "each sets the temperature"),
    ],
)
def test_who_would_do_the_same_twice_is_refused(specs: tuple[str, ...], why: str):
    with pytest.raises(UserError, match=why):
        build_treatments(specs, 0)
