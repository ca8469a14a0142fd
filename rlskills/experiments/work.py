"""What happens to an arm between its start and its evaluation: data, training, final weights."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from accelerate import PartialState

from ..console import Console, progress
from ..environments.failures import GradingFailures
from ..errors import UserError
from ..generation.engine import Engine
from ..generation.select import select_engine
from ..generation.vllm_host import VLLMHost
from ..models.loaded import LoadedModel
from ..models.loading import load
from ..models.sharding import sharding
from ..runs.folder import BASE, RunFolder
from ..runs.metrics import Budget, MetricWriter
from ..training.collected import FOLDER, collect
from ..training.resume import read_state, restore
from ..training.settings import CollectSettings, RLSettings, Training
from ..training.stream import TaskStream
from ..training.weights import restore_weights
from .fit import Fit
from .progress import Progress, progress_of

if TYPE_CHECKING:
    from .arm import ArmJob


@dataclass(frozen=True)
class Work:
    """An arm that is under way in this process."""

    job: ArmJob
    run: RunFolder
    loaded: LoadedModel
    engine: Engine
    vllm: VLLMHost
    console: Console
    failures: GradingFailures

    def train(self) -> MetricWriter | None:
        """Train, unless the arm is a model as it is; what writes metrics, on the main process.

        The final weights and the state that belongs to them are then in the run folder.
        """
        job = self.job
        if job.settings is None or job.stream is None:
            return self._writer(-1)
        _check_stream(job.stream, job.settings, self.loaded)
        done = progress_of(self.run, self.console.note)
        if done.checkpoint:
            self.console.say(f"{self.run.path} goes on from step {done.step}")
        writer = self._writer(done.last_step)
        self._train(job.stream, done, writer)
        return writer

    def _train(self, stream: TaskStream, done: Progress, writer: MetricWriter | None) -> None:
        loaded, run, budget = self.loaded, self.run, Budget(**self.job.spent)
        settings = self._settings(stream, budget)
        if not _ended(settings, done):
            fit = Fit(loaded, stream, settings, run, writer, self.console, self._curve,
                      self.engine, self.failures)  # fmt: skip
            with run.attempt(main=writer is not None):
                fit.train(done, budget)
        elif done.checkpoint:
            # Killed after the last update, before the run was complete.
            restore_weights(loaded.model, done.checkpoint)
            loaded.model.to(PartialState().device)
            restore(read_state(done.checkpoint), stream, budget)
        loaded.save(run.model, main=writer is not None)
        if writer:
            run.note(
                final_state=stream.state_dict(), budget=asdict(budget), problems=stream.problems
            )

    def _curve(self, step: int) -> dict[str, float]:
        return self.job.evaluator.curve(self.loaded, self.engine, step, self.failures)

    def _settings(self, stream: TaskStream, budget: Budget) -> Training:
        """Those of its trainer; where it learns from a fixed data set, that is then there."""
        settings = self.job.settings
        assert settings is not None
        if not isinstance(settings, CollectSettings):
            return settings
        main, place = PartialState().is_main_process, self.run.path / FOLDER
        with self.run.attempt(main):
            found = self._collected(settings, stream, budget, place)
        if main:
            self.run.note(collected=found)
        return settings.resolved(found["kept"])

    def _collected(
        self, settings: CollectSettings, stream: TaskStream, budget: Budget, place: Path
    ) -> dict[str, Any]:
        """What a fixed data set holds, once it is there."""
        source, engine = self._sampler()
        files = -(-settings.problems // settings.problems_per_file)
        with progress(f"{self.job.arm}: sampling", files, 0, self.console) as advance:
            found = collect(source, engine, stream, settings, place, budget, advance, self.failures)
        if not found["kept"]:
            raise UserError(
                f"{self.run.path}: of {found['rollouts']} completions of {found['problems']} "
                f"problems {found['right']} were right and none was kept: there is nothing to "
                "learn from"
            )
        if self.run.manifest.get("collected", found) != found:
            raise UserError(f"{place} is not what this run began to learn from")
        return found

    def _sampler(self) -> tuple[LoadedModel, Engine]:
        """The model that samples a fixed data set."""
        job, device = self.job, str(PartialState().device)
        if not (job.sampler or sharding()):
            return self.loaded, self.engine
        kernels = self.loaded.kernels
        source = load(job.sampler or job.base, kernels, device, job.options, job.seed)
        return source, select_engine(source, job.engine, None, self.vllm)

    def _writer(self, last_step: int) -> MetricWriter | None:
        if not PartialState().is_main_process:
            return None
        addresses = [] if self.job.arm == BASE else self.job.evaluator.addresses
        return MetricWriter(self.job.path, last_step, addresses)


def _ended(settings: Training, done: Progress) -> bool:
    """Whether the newest checkpoint was made behind the last update."""
    spent = read_state(done.checkpoint)["budget"]["rollouts"] if done.checkpoint else 0
    return settings.ended(done.step, spent)


def _check_stream(stream: TaskStream, settings: Training, loaded: LoadedModel) -> None:
    """The first problems of every source, before anything is trained.

    The length of every later one is checked when it is drawn; where long ones are passed over, it
    is none of this check's business.
    """
    new = settings.max_new_tokens if isinstance(settings, RLSettings) else 0
    asked = [
        (source.env, source.task(index)) for source in stream.sources.values() for index in range(4)
    ]
    loaded.check(asked, new, lengths=settings.long_prompts == "refuse")
