"""Training of an arm: the trainer of its method, from the newest whole checkpoint on."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from transformers import PrinterCallback

from .. import stopping
from ..console import Console, progress
from ..environments.failures import GradingFailures
from ..generation.engine import Engine
from ..models.loaded import LoadedModel
from ..models.lora import adapted, require_peft
from ..models.options import ModelOptions
from ..runs.disk import amount, free
from ..runs.folder import RunFolder
from ..runs.metrics import Budget, MetricWriter
from ..runs.rollout_log import RolloutLog
from ..training.arguments import check_arguments
from ..training.fixed import FixedSFT
from ..training.optim import refuse_with_adapters
from ..training.recording import Recorder
from ..training.settings import CollectSettings, RLSettings, SFTSettings, Training
from ..training.sft import SFT
from ..training.sharded import check_sharding
from ..training.stream import TaskStream
from ..training.trl import RLTrainer
from .growing import GrowingCurves
from .progress import Progress

TRAINERS: dict[type[Training], type[Any]] = {
    SFTSettings: SFT,
    RLSettings: RLTrainer,
    CollectSettings: FixedSFT,
}


def check_method(settings: Training, options: ModelOptions) -> None:
    """A `UserError` for settings that their trainer, or this machine, cannot carry out."""
    config = getattr(TRAINERS[type(settings)], "config_class", None)
    if config:
        check_arguments(settings, config)
    check_sharding(settings)
    if options.lora.rank:
        require_peft()
        refuse_with_adapters(settings)


@dataclass(frozen=True)
class Fit:
    """One arm's training; `evaluate` is called for every point of its curve."""

    loaded: LoadedModel
    stream: TaskStream
    settings: Training
    run: RunFolder
    writer: MetricWriter | None
    """On the main process; None on others."""
    console: Console
    evaluate: Callable[[int], dict[str, float]]
    engine: Engine
    """What samples for training too; there is one for each loaded model."""
    failures: GradingFailures
    """Is told of gradings that failed."""

    def train(self, done: Progress, budget: Budget) -> None:
        """Train to the last step, from where `done` stands."""
        settings, writer = self.settings, self.writer
        own = {"engine": self.engine} if isinstance(settings, RLSettings) else {}
        trainer = TRAINERS[type(settings)](
            self.loaded, self.stream, settings, self.run.checkpoints, budget=budget, **own
        )
        trainer.record = writer and writer.path
        if writer:
            self._tell_of_space()
        trainer.remove_callback(PrinterCallback)
        title = str(self.run.manifest["arm"])
        with _quiet(), progress(title, settings.max_steps, done.step, self.console) as advance:
            if isinstance(settings, RLSettings):
                trainer.collector.failures = self.failures
            if writer and isinstance(settings, RLSettings):
                trainer.rollout_log = self._rollout_log(settings, done)
            sampled = getattr(trainer, "sampled", None)
            every = settings.eval_every
            moved = _told(title, advance)
            evaluate = self._shown(title)
            trainer.add_callback(
                Recorder(writer, budget, evaluate, every, moved, sampled, settings.ended)
            )
            trainer.train(resume_from_checkpoint=done.checkpoint and str(done.checkpoint))

    def _shown(self, title: str) -> Callable[[int], dict[str, float]]:
        """`evaluate`, whose results are printed too: the arm's learning curve, as it grows."""
        curves, steps = GrowingCurves(), self.settings.max_steps

        def evaluate(step: int) -> dict[str, float]:
            found = self.evaluate(step)
            if line := curves.line(found):
                self.console.say(f"{title} {step}/{steps}: {line}")
            return found

        return evaluate

    def _tell_of_space(self) -> None:
        """A note where the disk may be too small for the checkpoints, one more than are kept."""
        weights = list(self.loaded.model.parameters())
        trained = sum(each.numel() for each in weights if each.requires_grad)
        saved = trained if adapted(self.loaded.model) else sum(each.numel() for each in weights)
        count = self.settings.keep_checkpoints + 1
        needed, left = count * (4 * saved + 8 * trained), free(self.run.path)
        if left is not None and left < needed:
            self.console.note(
                f"{count} checkpoints take up to {amount(needed)}; {amount(left)} are free on the "
                f"disk of {self.run.path}"
            )

    def _rollout_log(self, settings: RLSettings, done: Progress) -> RolloutLog:
        log = RolloutLog(self.run.path, settings.log_rollouts_every, last_step=done.last_step)
        if log.lost:
            self.console.note(f"{log.path} {log.lost}")
        return log


def _told(title: str, advance: Callable[[int, str], None]) -> Callable[[int, str], None]:
    """`advance`, which also keeps what a message about an early end should name."""

    def moved(step: int, remark: str) -> None:
        stopping.doing(f"{title} at step {step}")
        advance(step, remark)

    return moved


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the libraries' notes to each other about their next major versions."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=FutureWarning, module=r"(transformers|trl)\.")
        yield
