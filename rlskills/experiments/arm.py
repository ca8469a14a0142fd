"""One arm of one seed from start to end: train, evaluate, leave a complete run folder and a record.

An arm may be run again after anything, also a SIGKILL: it goes on where the last whole checkpoint
stands, and does nothing when the run is complete. Under `accelerate launch` every process calls
the same functions; the main process alone writes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import closing, nullcontext
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from accelerate import PartialState
from transformers.utils import logging as library_logging

from .. import stopping
from ..console import Console
from ..environments.failures import GradingFailures
from ..generation.engine import Engine
from ..generation.select import select_engine
from ..generation.vllm_host import VLLMHost
from ..models import choose_kernels
from ..models.identity import identity_of
from ..models.kernels import Kernels
from ..models.loaded import LoadedModel
from ..models.loading import load
from ..models.options import ModelOptions
from ..models.sharding import sharding
from ..models.traits import traits_of
from ..models.vllm_settings import VLLMSettings
from ..runs.disk import disk_errors
from ..runs.folder import RunFolder, write_json
from ..runs.owner import owned
from ..runs.supervision import Supervision
from ..training.settings import Training
from ..training.stream import TaskStream
from .evaluator import Evaluator, accuracies, failure_shares
from .records import write_record
from .work import Work


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
    vllm: VLLMSettings = VLLMSettings()
    """How vLLM is run where that samples; no part of the hash."""
    options: ModelOptions = ModelOptions()
    sampler: str = ""
    """Folder of the model that samples a fixed data set; empty: the one it starts from."""
    spent: Mapping[str, Any] = field(default_factory=dict)
    """Budgets that it begins with, by name: those of an iteration before it."""

    @property
    def steps(self) -> int:
        """Optimizer steps behind the weights that it ends with."""
        return self.settings.max_steps if self.settings else 0

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


def run_arm(job: ArmJob, console: Console | None = None, vllm: VLLMHost | None = None) -> None:
    """Train and evaluate one arm, or go on with it; without a console in plain lines.

    `vllm` is handed from arm to arm where several follow each other in a process. An arm that
    another process works on, and a folder or disk that cannot be used, is a `UserError`.
    """
    library_logging.disable_progress_bar()
    stopping.check()
    with disk_errors(job.path):
        run = job.open()
        if run.complete:
            return
        mine = owned(job.path) if PartialState().is_main_process else nullcontext()
        with mine, nullcontext(vllm) if vllm else closing(VLLMHost(job.vllm)) as host:
            _run(job, run, console or Console(force_terminal=False), host)


def _run(job: ArmJob, run: RunFolder, console: Console, vllm: VLLMHost) -> None:
    # Weights that will be sharded are moved to the device part by part, when training begins.
    device = "cpu" if job.settings and sharding() else str(PartialState().device)
    loaded, engine = ready(job, run, job.base, device, console.note, vllm)
    failures = GradingFailures(console.note)
    writer = Work(job, run, loaded, engine, vllm, console, failures).train()
    evaluation = job.evaluator.final(loaded, engine, job.steps, failures)
    if writer:
        write_json(run.path / "evaluation.json", evaluation)
        shown = asdict(job.settings) if job.settings else {}
        writer.hparams({"arm": job.arm, **shown}, accuracies(evaluation))
        writer.failures(failure_shares(evaluation))
        writer.close()
        run.finish()
        write_record(run)
    PartialState().wait_for_everyone()


def ready(
    job: ArmJob, run: RunFolder, model: str, device: str, note: Callable[[str], None],
    vllm: VLLMHost,
) -> tuple[LoadedModel, Engine]:  # fmt: skip
    """A model with the kernels that the arm began with, and what samples from it."""
    kernels = run.made("kernels", Kernels)
    choose_kernels.apply(kernels)
    loaded = load(model, kernels, device, job.options, job.seed)
    job.evaluator.check(loaded)
    return loaded, select_engine(loaded, job.engine, note, vllm)
