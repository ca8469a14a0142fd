"""One arm of an experiment from start to end: train, evaluate, leave a complete run folder.

An arm may be run again after anything, also a SIGKILL: it goes on where the last whole checkpoint
stands, and does nothing when the run is complete. Under `accelerate launch` every process calls
the same methods and answers a share of the final eval sets; the main process alone writes.
"""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from accelerate import PartialState
from accelerate.utils import gather_object
from rich.console import Console
from transformers import PrinterCallback
from transformers.utils import logging as library_logging

from ..console import progress
from ..errors import UserError
from ..evaluation.eval_sets import EvalSet, eval_sets_digest
from ..evaluation.evaluate import Evaluation, evaluate, graded, greedy_accuracy
from ..models import kernels as kernel_room
from ..models.kernels import Kernels
from ..models.loading import check_prompts, load_model, load_tokenizer
from ..report.reading import BASE
from ..runs.folder import RunFolder, write_json
from ..runs.metrics import Budget, MetricWriter
from ..training.checkpoint import newest_whole
from ..training.grpo import GRPO
from ..training.recording import Recorder
from ..training.resume import STAGED, restore
from ..training.rft import RFT
from ..training.settings import GRPOSettings, RFTSettings, RolloutSettings, SFTSettings, Training
from ..training.sft import SFT
from ..training.stream import TaskStream

TRAINERS: dict[type[Training], type[Any]] = {SFTSettings: SFT, GRPOSettings: GRPO, RFTSettings: RFT}


@dataclass(frozen=True)
class EvalPlan:
    """What to evaluate on at the end and, the first `curve_tasks` of each set, while training."""

    eval_sets: list[EvalSet]
    how: Evaluation
    curve_tasks: int = 48

    @property
    def curve(self) -> list[EvalSet]:
        """The smaller eval sets of the curve."""
        return [
            replace(eval_set, tasks=eval_set.tasks[: self.curve_tasks])
            for eval_set in self.eval_sets
        ]


class Arm:
    """A run folder, the model (a name or folder) that it starts from, and the eval sets."""

    def __init__(
        self, run: RunFolder, base: str, eval_plan: EvalPlan, kernels: Kernels, console: Console
    ) -> None:
        library_logging.disable_progress_bar()
        self.run = run
        self.eval_plan = eval_plan
        self.processes = PartialState()
        self.console = console if self.processes.is_main_process else Console(quiet=True)
        self.kernels = kernels
        self.tokenizer = load_tokenizer(base)
        self.base = base

    def train(self, stream: TaskStream, settings: Training) -> None:
        """Train with the method that `settings` belong to, evaluate, and mark the run complete."""
        kernel_room.apply(self.kernels)
        if self._flash and not settings.bf16:
            raise UserError("flash attention needs bf16: set it, or take --machine.attention sdpa")
        model = self._model()
        self._check(stream, settings, model)
        budget = Budget()
        checkpoint = self._checkpoint()
        done = int(checkpoint.name[11:]) if checkpoint else 0
        writer = self._writer(done if checkpoint else -1)
        if done < settings.max_steps:
            trainer = TRAINERS[type(settings)](
                model, self.tokenizer, stream, settings, self.run.checkpoints, budget=budget
            )
            self._fit(trainer, settings, checkpoint, writer)
        elif checkpoint:
            # Killed after the last update, before the run was complete.
            model = load_model(str(checkpoint), self.kernels).to(model.device)
            restore(checkpoint, stream, budget)
        if writer:
            _save_model(model, self.tokenizer, self.run.model)
            state = stream.state_dict()
            self.run.note(final_state=state, budget=asdict(budget), problems=stream.problems)
        self._finish(model, writer, asdict(settings))

    def measure(self) -> None:
        """Evaluate the base as it is, and mark the run complete."""
        kernel_room.apply(self.kernels)
        model = self._model()
        self._check_eval_sets(model)
        self._finish(model, self._writer(-1), {})

    @property
    def _flash(self) -> bool:
        return "flash" in self.kernels.attention

    def _model(self) -> Any:
        # Flash attention exists in half precision only; elsewhere bf16 is autocast over float32.
        dtype = torch.bfloat16 if self._flash else torch.float32
        return load_model(self.base, self.kernels, dtype).to(self.processes.device)

    def _fit(
        self, trainer: Any, settings: Training, checkpoint: Path | None, writer: MetricWriter | None
    ) -> None:
        def measure() -> dict[str, float]:
            how = self.eval_plan.how
            return greedy_accuracy(
                trainer.model, self.tokenizer, self.eval_plan.curve, how.max_new_tokens
            )

        done = int(checkpoint.name[11:]) if checkpoint else 0
        if writer and not done:
            writer.log(0, trainer.budget, measure())
        trainer.remove_callback(PrinterCallback)
        title = str(self.run.manifest["arm"])
        with _quiet(), progress(title, settings.max_steps, done, self.console) as advance:
            if writer:
                every = settings.eval_every
                trainer.add_callback(Recorder(writer, trainer.budget, measure, every, advance))
            trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
        if writer:
            _show_samples(trainer, writer, settings)

    def _checkpoint(self) -> Path | None:
        with self.processes.main_process_first():
            # What a killed process was writing is of no use to anyone.
            shutil.rmtree(self.run.checkpoints / STAGED, ignore_errors=True)
            return newest_whole(self.run.checkpoints)

    def _writer(self, last_step: int) -> MetricWriter | None:
        """The metric writer on the main process, None on others."""
        if not self.processes.is_main_process:
            return None
        alone = self.run.manifest["arm"] == BASE
        places = (
            []
            if alone
            else [(eval_set.group, eval_set.level) for eval_set in self.eval_plan.eval_sets]
        )
        return MetricWriter(self.run.path, last_step, places)

    def _finish(self, model: Any, writer: MetricWriter | None, shown: dict[str, Any]) -> None:
        records = self._answers(model)
        if writer:
            self._record(records, writer, shown)
        self.processes.wait_for_everyone()

    def _answers(self, model: Any) -> list[dict[str, Any]]:
        """What `evaluate` finds; every process answers its share of each eval set."""
        eval_sets, how = self.eval_plan.eval_sets, self.eval_plan.how
        rank, world = self.processes.process_index, self.processes.num_processes
        mine = [replace(eval_set, tasks=eval_set.tasks[rank::world]) for eval_set in eval_sets]
        shares = gather_object([evaluate(model, self.tokenizer, mine, how, seed=rank)])
        records = [{**record, "tasks": [None] * len(eval_set.tasks)}
                   for record, eval_set in zip(shares[0], eval_sets, strict=True)]  # fmt: skip
        for first, share in enumerate(shares):
            for whole, part in zip(records, share, strict=True):
                whole["tasks"][first::world] = part["tasks"]
        return records

    def _record(
        self, records: list[dict[str, Any]], writer: MetricWriter, shown: dict[str, Any]
    ) -> None:
        found = {
            "eval_sets_digest": eval_sets_digest(self.eval_plan.eval_sets),
            "eval_sets": records,
        }
        write_json(self.run.path / "evaluation.json", found)
        results = {}
        for record in records:
            if tasks := graded(record):
                tag = f"final/{record['group']}/L{record['level']}"
                results[tag] = sum(task["greedy"] for task in tasks) / len(tasks)
        writer.hparams({"arm": self.run.manifest["arm"], **shown}, results)
        writer.close()
        self.run.finish()

    def _check(self, stream: TaskStream, settings: Training, model: Any) -> None:
        """Prompts must be encodable and fit, before anything is trained."""
        new = settings.max_new_tokens if isinstance(settings, RolloutSettings) else 0
        tasks = [
            source.env.task(source.split, source.level, index)
            for source in stream.sources.values()
            for index in range(4)
        ]
        check_prompts(tasks, self.tokenizer, model.config, new)
        self._check_eval_sets(model)

    def _check_eval_sets(self, model: Any) -> None:
        probed = [task for eval_set in self.eval_plan.eval_sets for task in eval_set.tasks[:4]]
        check_prompts(probed, self.tokenizer, model.config, self.eval_plan.how.max_new_tokens)


def open_run(
    path: Path, arm: str, config: dict[str, Any], seed: int, told: str, wanted: Kernels
) -> tuple[RunFolder, Kernels]:
    """The run folder, and the kernels that it began with.

    What a timing chose must not change when a run goes on, so the choice stands in the manifest.
    """
    with PartialState().main_process_first():
        run = RunFolder.open(path, arm=arm, config=config, seed=seed, information=told)
        if "kernels" not in run.manifest:
            run.note(kernels=asdict(kernel_room.resolve(wanted, kernel_room.default_device())))
    return run, Kernels(**run.manifest["kernels"])


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the libraries' notes to each other about their next major versions."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=FutureWarning, module=r"(transformers|trl)\.")
        yield


def _save_model(model: Any, tokenizer: Any, place: Path) -> None:
    beside = place.with_name("model.new")
    shutil.rmtree(beside, ignore_errors=True)
    model.save_pretrained(beside)
    tokenizer.save_pretrained(beside)
    shutil.rmtree(place, ignore_errors=True)
    beside.rename(place)


def _show_samples(trainer: Any, writer: MetricWriter, settings: Training) -> None:
    """A few of the last rollouts in TensorBoard's text tab."""
    rows = getattr(trainer, "samples", [])[:8]
    if rows:
        table = "| prompt | completion | reward |\n|---|---|---|\n" + "\n".join(
            f"| `{p[:300]}` | `{c[:300]}` | {score.reward:g} |" for p, c, score in rows
        )
        writer.text("train/samples", table.replace("\0", " "), settings.max_steps)
