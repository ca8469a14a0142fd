"""Carries out `rlskills bench train`: measures, prints, writes, checks."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from ..console import Console
from ..errors import UserError
from ..experiments.group import processes
from ..models.kernels import Kernels
from ..tables import print_table
from . import show
from .accuracy import learned
from .contestants import TUNED, Contestant, contestants
from .memory import peak_rate
from .options import TrainOptions
from .page import accuracy_part, speed_part
from .profiling import profiled
from .results import ACCURACY, TRAIN, Compared, Timed, about, check_same, slower
from .start import Start, start_of
from .timing import Turn, in_turn
from .tuning import kernels_of
from .work import PROBED, Work


def bench_train(options: TrainOptions, command: str, console: Console) -> None:
    """Measure what `options` ask for; a failed check exits with status 1.

    Raises:
        UserError: the options fit no model, problem or file.
    """
    options = options.resolved()
    made = about(options, command)  # now: what is edited meanwhile does not run
    before = Timed.read(options.check) if options.check else None
    if before and options.check:
        check_same(options.check, before, options)
    if options.output:
        options.output.mkdir(parents=True, exist_ok=True)
    if processes().num_processes > 1 or torch.cuda.device_count() > 1:
        raise UserError(
            "rlskills bench train is for one process and one GPU: no accelerate launch, and one "
            "number in CUDA_VISIBLE_DEVICES"
        )
    with _quiet():
        start, work = start_of(options), Work.timed(options)
        default = _fits(options, start, work, console)
        all_of_them = contestants(default, options.trl_defaults)
        kernels = kernels_of(all_of_them, start, work, options, console.say)
        if options.accuracy:
            _accuracy(options, all_of_them, start, kernels, made, console)
            return
        timed = _timed(options, all_of_them, start, work, kernels, made, console)
    _print(timed, console)
    if options.output:
        _write(timed, options.output, console)
    if options.profile and options.output:
        with _quiet():
            table = profiled(all_of_them[0], start, kernels[all_of_them[0].name], work)
        (options.output / "profile.txt").write_text(table)
    if before:
        _check(timed, before, options, console)


def _fits(options: TrainOptions, start: Start, work: Work, console: Console) -> bool:
    """Whether there is something to train on for what leaves out groups of zero variance.

    Raises:
        UserError: the problems do not fit the model.
    """
    if options.random:
        return False
    loaded = start.load(Kernels("sdpa", "highest"), work.settings.seed)
    asked = [(drawn.env, drawn.task) for drawn in work.problems[:PROBED]]
    loaded.check(asked, work.settings.max_new_tokens)
    mixed = work.mixed_groups(loaded)
    console.say(f"right and wrong answers in {mixed} of {len(asked)} groups")
    return mixed > 0 or options.accuracy


def _timed(
    options: TrainOptions, all_of_them: list[Contestant], start: Start, work: Work,
    kernels: dict[str, Kernels], made: dict[str, Any], console: Console,
) -> Timed:  # fmt: skip
    def done(turn: Turn) -> None:
        console.say(
            f"round {turn.round + 1}/{options.rounds} {turn.contestant}: "
            f"{turn.per_cpu_second:.1f} completions per CPU s, {turn.per_second:.1f} per s"
        )

    turns = in_turn(
        all_of_them, start, kernels, work, options.warmup, options.rounds, done
    )  # fmt: skip
    loaded = start.load(kernels[TUNED])
    rate, source = peak_rate(loaded.device, loaded.kernels)
    named = {name: _words(each) for name, each in kernels.items()}
    tokens = work.prompt_tokens(loaded)
    return Timed(made, start.shape, named, tokens, rate, source, turns)


def _words(kernels: Kernels) -> str:
    return f"{kernels.attention}, {kernels.precision}, {kernels.compute}"


def _print(timed: Timed, console: Console) -> None:
    console.say(f"\n{show.setting(timed)}\n{show.where(timed.about)}\n")
    for table in (show.speed, show.ratios, show.shares, show.resources):
        print_table(console, *table(timed))
        console.say("")
    for line in show.notes(timed):
        console.say(line)


def _write(timed: Timed, folder: Path, console: Console) -> None:
    timed.save(folder / TRAIN)
    (folder / "train.md").write_text(speed_part(timed))
    console.say(f"written: {folder / TRAIN}, {folder / 'train.md'}")


def _check(timed: Timed, before: Timed, options: TrainOptions, console: Console) -> None:
    worse = slower(timed, before, options.tolerance)
    if worse:
        console.say(f"check failed ({options.check}): {'; '.join(worse)}")
        raise SystemExit(1)
    console.say(f"check passed ({options.check}): no ratio is {options.tolerance:.0%} lower")


def _accuracy(
    options: TrainOptions, all_of_them: list[Contestant], start: Start,
    kernels: dict[str, Kernels], made: dict[str, Any], console: Console,
) -> None:  # fmt: skip
    found = learned(all_of_them, start, kernels, options, console.say)
    compared = Compared(made, found)
    console.say(f"\n{show.where(compared.about)}\n")
    print_table(console, *show.accuracy(compared))
    if options.output:
        compared.save(options.output / ACCURACY)
        (options.output / "accuracy.md").write_text(accuracy_part(compared))
        console.say(f"written: {options.output / ACCURACY}, {options.output / 'accuracy.md'}")


@contextmanager
def _quiet() -> Iterator[None]:
    """Without what the libraries say at every start of a trainer."""
    from transformers.utils import logging as library_logging

    level = library_logging.get_verbosity()
    library_logging.set_verbosity(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        library_logging.set_verbosity(level)
