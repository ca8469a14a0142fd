"""One arm of an experiment from start to end: train, evaluate, leave a complete run folder.

`train_arm` may be called again after anything, also a SIGKILL: it goes on where the last whole
checkpoint stands, and returns at once when the run is complete.
"""

from __future__ import annotations

import shutil
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from rich.console import Console
from transformers import PrinterCallback
from transformers.utils import logging as library_logging

from ..evaluation.evaluate import Evaluation, evaluate, greedy_accuracy
from ..evaluation.probes import Probe, probes_digest
from ..models import kernels as kernel_room
from ..models.kernels import Kernels
from ..models.loading import check_prompts, load_model, load_tokenizer
from ..runs.folder import RunFolder, write_json
from ..runs.metrics import Budget, MetricWriter
from ..runs.progress import progress
from .checkpoints import newest_whole
from .grpo import GRPO
from .recording import Recorder
from .resume import restore
from .rft import RFT
from .settings import GRPOSettings, RFTSettings, RolloutSettings, SFTSettings, Training
from .sft import SFT
from .stream import TaskStream

TRAINERS: dict[type[Training], type[Any]] = {SFTSettings: SFT, GRPOSettings: GRPO, RFTSettings: RFT}


@dataclass(frozen=True)
class Probing:
    """What to evaluate on while training (the first `curve_tasks` of each probe) and at the end."""

    probes: list[Probe]
    how: Evaluation
    curve_tasks: int = 48

    @property
    def curve(self) -> list[Probe]:
        """The smaller probes of the curve."""
        return [replace(probe, tasks=probe.tasks[: self.curve_tasks]) for probe in self.probes]


def train_arm(
    run: RunFolder,
    base: str,
    stream: TaskStream,
    settings: Training,
    probing: Probing,
    kernels: Kernels,
    console: Console,
) -> None:
    """Train `base` (a model name or folder) into `run` with the method that `settings` belong to.

    Leaves `model/` and `evaluation.json` in the run and marks it complete.
    """
    if run.complete:
        console.print(f"{run.path}: complete, reused", highlight=False)
        return
    library_logging.disable_progress_bar()
    kernels = _settled(run, kernels)
    tokenizer = load_tokenizer(base)
    model = load_model(base, kernels).to(kernel_room.default_device())
    _check(stream, probing, tokenizer, model, settings)
    budget = Budget()
    trainer = TRAINERS[type(settings)](
        model, tokenizer, stream, settings, run.checkpoints, budget=budget
    )
    # What a killed process was writing is of no use to anyone.
    shutil.rmtree(run.checkpoints / ".staged", ignore_errors=True)
    checkpoint = newest_whole(run.checkpoints)
    done = int(checkpoint.name[11:]) if checkpoint else 0
    writer = MetricWriter(run.path, done)

    def probe() -> dict[str, float]:
        return greedy_accuracy(model, tokenizer, probing.curve, probing.how.max_new_tokens)

    if done < settings.updates:
        if not done:
            writer.log(0, budget, probe())
        with progress(str(run.manifest["arm"]), settings.updates, done, console) as advance:
            recorder = Recorder(writer, budget, probe, settings.eval_every, advance)
            trainer.remove_callback(PrinterCallback)
            trainer.add_callback(recorder)
            trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
        _show_samples(trainer, writer, settings)
    elif checkpoint:
        model = load_model(str(checkpoint), kernels).to(model.device)
        restore(checkpoint, stream, budget)
    _save_model(model, tokenizer, run.model)
    run.note(final_state=stream.state_dict(), budget=asdict(budget))
    finish_arm(run, model, tokenizer, probing, writer, asdict(settings))


def measure_arm(
    run: RunFolder, base: str, probing: Probing, kernels: Kernels, console: Console
) -> None:
    """Evaluate a model without training it."""
    if run.complete:
        console.print(f"{run.path}: complete, reused", highlight=False)
        return
    kernels = _settled(run, kernels)
    tokenizer = load_tokenizer(base)
    model = load_model(base, kernels).to(kernel_room.default_device())
    _check_probes(probing, tokenizer, model)
    finish_arm(run, model, tokenizer, probing, MetricWriter(run.path), {})


def finish_arm(
    run: RunFolder, model: Any, tokenizer: Any, probing: Probing, writer: MetricWriter, shown: Any
) -> None:
    """Evaluate on all probes, record the results and mark the run complete."""
    records = evaluate(model, tokenizer, probing.probes, probing.how)
    digest = probes_digest(probing.probes)
    write_json(run.path / "evaluation.json", {"probes_digest": digest, "probes": records})
    results = {
        f"final/{record['group']}/L{record['level']}": sum(t["greedy"] for t in record["tasks"])
        / len(record["tasks"])
        for record in records
    }
    writer.hparams({"arm": run.manifest["arm"], **shown}, results)
    writer.close()
    run.finish()


def _settled(run: RunFolder, kernels: Kernels) -> Kernels:
    """The kernels this run began with: a probe's choice must not change in the middle."""
    if "kernels" in run.manifest:
        kernels = Kernels(**run.manifest["kernels"])
    else:
        kernels = kernel_room.resolve(kernels, kernel_room.default_device())
        run.note(kernels=asdict(kernels))
    kernel_room.apply(kernels)
    return kernels


def _check(
    stream: TaskStream, probing: Probing, tokenizer: Any, model: Any, settings: Training
) -> None:
    """Prompts must be encodable and fit, before anything is trained."""
    new = settings.max_new_tokens if isinstance(settings, RolloutSettings) else 0
    tasks = [
        source.env.task(source.split, source.level, index)
        for source in stream.sources.values()
        for index in range(4)
    ]
    check_prompts(tasks, tokenizer, model.config, new)
    _check_probes(probing, tokenizer, model)


def _check_probes(probing: Probing, tokenizer: Any, model: Any) -> None:
    probed = [task for probe in probing.probes for task in probe.tasks[:4]]
    check_prompts(probed, tokenizer, model.config, probing.how.max_new_tokens)


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
        writer.text("train/samples", table.replace("\0", " "), settings.updates)
