"""One arm of one seed from start to end: train, evaluate, leave a complete run folder and a record.

An arm may be run again after anything, also a SIGKILL: it goes on where the last whole checkpoint
stands, and does nothing when the run is complete. Under `accelerate launch` every process calls
the same functions; the main process alone writes.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from accelerate import PartialState
from rich.console import Console
from transformers.utils import logging as library_logging

from ..console import progress
from ..errors import UserError
from ..generation.engine import Engine
from ..generation.select import select_engine
from ..models import choose_kernels
from ..models.identity import identity_of
from ..models.kernels import Kernels
from ..models.loaded import LoadedModel
from ..models.loading import load
from ..models.options import ModelOptions
from ..models.sharding import sharding
from ..models.traits import traits_of
from ..runs.folder import BASE, RunFolder, write_json
from ..runs.metrics import Budget, MetricWriter
from ..runs.supervision import Supervision
from ..training.collected import FOLDER, collect
from ..training.resume import read_state, restore
from ..training.settings import CollectSettings, RLSettings, Training
from ..training.stream import TaskStream
from ..training.weights import restore_weights
from .evaluator import Evaluator, accuracies
from .fit import Fit, Progress, progress_of
from .records import Record, unpack, write_record


@dataclass(frozen=True)
class ArmJob:
    """All that a process needs to run one arm under one seed; can be pickled."""

    path: Path
    arm: str
    supervision: Supervision
    supervision_note: str
    seed: int
    config: Mapping[str, Any]
    """What is hashed."""
    base: str
    """Name or folder of the model that it starts from."""
    settings: Training | None
    stream: TaskStream | None
    evaluator: Evaluator
    kernels: Kernels
    engine: str = "auto"
    """What samples in every evaluation: that of the study's RL, also for arms without it."""
    options: ModelOptions = ModelOptions()
    sampler: str = ""
    """Folder of the model that samples a fixed data set; empty: the one it starts from."""
    spent: Mapping[str, Any] = field(default_factory=dict)
    """Budgets that it begins with, by name: those of an iteration before it."""

    def open(self) -> RunFolder:
        """Its run folder, with the kernels that it began with.

        What a timing chose must not change when a run goes on, so the choice is in the manifest.
        """
        with PartialState().main_process_first():
            run = RunFolder.open(
                self.path, arm=self.arm, config=self.config, seed=self.seed,
                supervision=self.supervision, supervision_note=self.supervision_note,
            )  # fmt: skip
            if "kernels" not in run.manifest:
                traits = traits_of(self.base, self.options.revision)
                chosen = choose_kernels.resolve(
                    self.kernels, choose_kernels.default_device(), traits
                )
                run.note(
                    kernels=asdict(chosen),
                    base_weights=identity_of(self.base),
                    processes=PartialState().num_processes,
                    sharding=sharding(),
                )
        return run


def run_arm(job: ArmJob, console: Console | None = None) -> None:
    """Train and evaluate one arm, or go on with it; without a console in plain lines."""
    library_logging.disable_progress_bar()
    run, console = job.open(), console or Console(force_terminal=False)
    if run.complete:
        return
    kernels = Kernels(**run.manifest["kernels"])
    choose_kernels.apply(kernels)
    # Weights that will be sharded are moved to the device part by part, when training begins.
    device = "cpu" if job.settings and sharding() else str(PartialState().device)
    loaded = load(job.base, kernels, device, job.options, job.seed)
    engine = select_engine(loaded, job.engine, partial(_note, console))
    job.evaluator.check(loaded)
    if job.settings and job.stream:
        _check_stream(job.stream, job.settings, loaded)
        done = progress_of(run)
        writer = _writer(job, done.last_step)
        _train(job, run, loaded, engine, done, writer, console)
    else:
        writer = _writer(job, -1)
    evaluation = job.evaluator.final(loaded, engine, job.settings.max_steps if job.settings else 0)
    if writer:
        write_json(run.path / "evaluation.json", evaluation)
        shown = asdict(job.settings) if job.settings else {}
        writer.hparams({"arm": job.arm, **shown}, accuracies(evaluation))
        writer.close()
        run.finish()
        write_record(run)
    PartialState().wait_for_everyone()


def restore_arm(record: Record, path: Path, evaluator: Evaluator) -> RunFolder:
    """Make `path` the complete run that `record` tells of, TensorBoard's view of it included."""
    shutil.rmtree(path / "checkpoints", ignore_errors=True)
    run = unpack(record, path)
    addresses = [] if run.manifest["arm"] == BASE else evaluator.addresses
    MetricWriter(path, sys.maxsize, addresses).close()
    return run


def _train(
    job: ArmJob, run: RunFolder, loaded: LoadedModel, engine: Engine, done: Progress,
    writer: MetricWriter | None, console: Console,
) -> None:  # fmt: skip
    """Train `loaded`; its weights and final state are then in the run folder."""
    assert job.settings is not None
    assert job.stream is not None
    budget = Budget(**job.spent)
    settings = _with_data(job, run, loaded, engine, budget, console)
    if done.step < settings.max_steps:
        fit = Fit(loaded, job.stream, settings, run, writer, console,
                  lambda step: job.evaluator.curve(loaded, engine, step), engine)  # fmt: skip
        with run.attempt(main=writer is not None):
            fit.train(done, budget)
    elif done.checkpoint:
        # Killed after the last update, before the run was complete.
        restore_weights(loaded.model, done.checkpoint)
        loaded.model.to(PartialState().device)
        restore(read_state(done.checkpoint), job.stream, budget)
    loaded.save(run.model, main=writer is not None)
    if writer:
        run.note(
            final_state=job.stream.state_dict(),
            budget=asdict(budget),
            problems=job.stream.problems,
        )


def _with_data(
    job: ArmJob,
    run: RunFolder,
    loaded: LoadedModel,
    engine: Engine,
    budget: Budget,
    console: Console,
) -> Training:
    """The settings of its trainer; where it learns from a fixed data set, that is then there."""
    settings = job.settings
    assert settings is not None
    if not isinstance(settings, CollectSettings):
        return settings
    assert job.stream is not None
    main = PartialState().is_main_process
    source, other = loaded, job.sampler
    if other or sharding():
        device = str(PartialState().device)
        source = load(other or job.base, loaded.kernels, device, job.options, job.seed)
    files = -(-settings.problems // settings.problems_per_file)
    title = f"{job.arm}: sampling"
    with run.attempt(main), progress(title, files, 0, console) as advance:
        sampler = engine if source is loaded else select_engine(source, job.engine)
        found = collect(source, sampler, job.stream, settings, run.path / FOLDER, budget, advance)
        if not found["kept"]:
            raise UserError(
                f"{run.path}: of {found['rollouts']} completions of {found['problems']} problems "
                f"{found['right']} were right and none was kept: there is nothing to learn from"
            )
        if run.manifest.get("collected", found) != found:
            raise UserError(f"{run.path / FOLDER} is not what this run began to learn from")
    if main:
        run.note(collected=found)
    return settings.resolved(found["kept"])


def _note(console: Console, text: str) -> None:
    console.print(f"note: {text}", highlight=False, soft_wrap=True, markup=False)


def _writer(job: ArmJob, last_step: int) -> MetricWriter | None:
    """The metric writer on the main process, None on others."""
    if not PartialState().is_main_process:
        return None
    return MetricWriter(job.path, last_step, [] if job.arm == BASE else job.evaluator.addresses)


def _check_stream(stream: TaskStream, settings: Training, loaded: LoadedModel) -> None:
    """The first problems of every source, before anything is trained.

    The length of every later one is checked when it is drawn; where long ones are passed over, it
    is none of this check's business.
    """
    new = settings.max_new_tokens if isinstance(settings, RLSettings) else 0
    asked = [
        (source.env, source.env.task(source.split, source.level, index))
        for source in stream.sources.values()
        for index in range(4)
    ]
    loaded.check(asked, new, lengths=settings.long_prompts == "refuse")
