"""The contestants of ours: GRPO as a run of rlskills has it, with all that a run writes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from transformers import PrinterCallback

from ..models.loaded import LoadedModel
from ..runs.metrics import Budget, MetricWriter
from ..runs.rollout_log import RolloutLog
from ..training.recording import Recorder
from ..training.trl import RLTrainer
from .work import Work

OURS, KEEP, TUNED, DEFAULTS = "rlskills", "rlskills keep", "TRL tuned", "TRL defaults"


@dataclass(frozen=True)
class Ready:
    """A trainer that has not begun."""

    trainer: Any
    tokens: Callable[[], int]
    """How many tokens it has sampled so far."""
    decoding: tuple[Any, str]
    """An object, and the name of its method that samples."""
    zero_variance: str
    """What its log calls the share of groups whose rewards are all alike."""
    close: Callable[[], None] = lambda: None
    """Is called when it has trained; its folder may be gone then."""


class Contestant(Protocol):
    """One way to train."""

    @property
    def name(self) -> str:
        """As tables have it."""
        ...

    def ready(self, loaded: LoadedModel, work: Work, folder: Path) -> Ready:
        """Its trainer on `loaded`, which writes into `folder`."""
        ...


@dataclass(frozen=True)
class RLSkills:
    """The trainer of `rlskills run`, with its metrics, TensorBoard and log of rollouts."""

    name: str
    treatment: str

    def ready(self, loaded: LoadedModel, work: Work, folder: Path) -> Ready:
        """See `Contestant`."""
        settings, budget = replace(work.settings, treatments=(self.treatment,)), Budget()
        trainer = RLTrainer(loaded, work.stream(), settings, folder / "checkpoints", budget)
        folder.mkdir(parents=True, exist_ok=True)
        trainer.rollout_log = RolloutLog(folder, settings.log_rollouts_every)
        writer = MetricWriter(folder)
        trainer.remove_callback(PrinterCallback)
        trainer.add_callback(Recorder(writer, budget, None, 0, _nothing, trainer.sampled))
        trainer.args.save_strategy = "no"
        return Ready(
            trainer,
            lambda: budget.generated_tokens,
            (trainer.collector.sampler.engine, "generate"),
            "train/zero_variance_groups",
            writer.close,
        )


def _nothing(step: int, remark: str) -> None:
    """No progress bar: it is the same for all."""


def contestants(default: bool, trl_defaults: bool) -> list[Contestant]:
    """Those that are compared; `default` leaves groups of zero variance out of the loss.

    Where all groups are such, because no answer is right, it would train on nothing and should not
    take part.
    """
    from .stock import StockTRL

    found: list[Contestant] = []
    if default:
        found.append(RLSkills(OURS, "grpo"))
    found += [RLSkills(KEEP, "grpo?zero_variance=keep"), StockTRL(TUNED, tuned=True)]
    if trl_defaults:
        found.append(StockTRL(DEFAULTS, tuned=False))
    return found
