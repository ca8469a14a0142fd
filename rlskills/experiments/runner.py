"""Carries out a study: one arm after the other, side by side, or under `accelerate launch`."""

from __future__ import annotations

import shutil
from contextlib import closing, nullcontext
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from accelerate import PartialState

from .. import stopping
from ..console import Console
from ..errors import UserError
from ..models.identity import identity_of
from ..models.loading import folder_of
from ..models.tiny import save_tiny
from ..runs.budget import Budget
from ..runs.disk import disk_errors, usable
from ..runs.ended import EVALUATION
from ..runs.files import read_evaluation
from ..runs.folder import RunFolder
from ..runs.owner import owned
from ..runs.study_file import CONFIG, StudyFile
from .again import evaluate_again
from .arm import ArmJob, run_arm
from .config_file import save_config
from .evaluator import Evaluator
from .fit import check_method
from .machine import Prepared, prepare
from .mending import Condition, mend, restore_arm
from .plan import SeedPlan
from .records import RecordShelf
from .settings import RunConfig
from .side_by_side import run_side_by_side
from .study import ArmConfig, Study


def run_study(study: Study, config: RunConfig, console: Console | None = None) -> None:
    """Run what is not done of `study`, seed by seed, in `config.output`/seedN/ARM.

    Arms that start from the same point run side by side where the machine has threads for them; an
    arm alone has all threads. The configuration, and what a page says of the study, are saved in
    its folder. A folder or disk that cannot be used is a `UserError`.
    """
    with disk_errors(config.output):
        prepared = prepare(config.machine, console or Console(outlives_reader=True))
        for arm in study.arms:
            if arm.settings:
                check_method(arm.settings, study.model_options)
        shelf = RecordShelf(config.records, prepared.console)
        plans = [
            SeedPlan(study, seed, config.output / f"seed{seed}", shelf, config.same_code)
            for seed in study.seeds
        ]
        # No process may write before all have seen what is there.
        PartialState().wait_for_everyone()
        if PartialState().is_main_process:
            to_train = any(plan.needed for plan in plans)
            _begin(study, config, to_train)
            if to_train:
                prepared.console.say(f"curves: tensorboard --logdir {config.output}")
        evaluator = Evaluator(study.eval_sets, study.evaluation, study.curve_tasks)
        stopping.doing(study.name)
        with closing(prepared.vllm):
            for plan in plans:
                _SeedRun(plan, evaluator, prepared).run()


def _begin(study: Study, config: RunConfig, to_train: bool) -> None:
    """Save the configuration; a `UserError` where that cannot be done and there is work to do."""
    if to_train:
        usable(config.output)
    try:
        save_config(replace(config, same_code=False), config.output / CONFIG, study.command)
        _about(study).save(config.output)
    except OSError:
        if to_train:
            raise  # else all is done: a folder that may only be read will do


def _about(study: Study) -> StudyFile:
    """What a page says of a study beside its runs."""
    starts = {arm.name: arm.start for arm in study.arms}
    return StudyFile(study.name, study.title, study.command, study.seeds, starts, study.minutes,
                     study.claims)  # fmt: skip


@dataclass(frozen=True)
class _SeedRun:
    plan: SeedPlan
    evaluator: Evaluator
    prepared: Prepared

    def run(self) -> None:
        for wave in self.plan.study.waves():
            pending = [arm for arm in wave if arm.name in self.plan.needed]
            for arm in wave:
                if arm not in pending:
                    self._reuse(arm)
            self._pass_gates(pending)
            jobs = [self._job(arm) for arm in pending]
            for arm, job in zip(pending, jobs, strict=True):
                self._make_way(job)
                self._check_base(job.open(), arm)
            # By the study and not by what is pending: the threads decide the last bits.
            if len(wave) == 1 or self.prepared.at_once == 1:
                for job in jobs:
                    run_arm(job, self.prepared.console, self.prepared.vllm)
            elif jobs:
                at_once = min(self.prepared.at_once, len(jobs))
                stopping.doing(" and ".join(job.arm for job in jobs))
                run_side_by_side([partial(run_arm, job) for job in jobs], at_once, threads=1)

    def _job(self, arm: ArmConfig) -> ArmJob:
        plan = self.plan
        return ArmJob(
            path=plan.folder / arm.name,
            arm=arm.name,
            supervision=arm.supervision,
            supervision_note=arm.supervision_note,
            seed=plan.seed,
            config=plan.configs[arm.name],
            base=self._base(arm),
            settings=arm.settings_of(plan.seed),
            stream=arm.stream_of(plan.seed),
            evaluator=self.evaluator,
            kernels=self.prepared.kernels,
            engine=plan.study.engine_of(arm),
            vllm=self.prepared.vllm.settings,
            options=plan.study.model_options,
            sampler=str(plan.model(source)) if (source := plan.source(arm.sampler)) else "",
            spent=self._spent(arm),
        )

    def _pass_gates(self, pending: list[ArmConfig]) -> None:
        """A `UserError` where an arm must not be trained yet; what is done stays."""
        for gate, start in dict.fromkeys((arm.gate, arm.start) for arm in pending):
            if gate and start:
                file = self.plan.folder / start / "evaluation.json"
                gate.check(read_evaluation(file), start, self.prepared.console)

    def _spent(self, arm: ArmConfig) -> dict[str, Any]:
        """The budgets that an arm begins with, by name: those of the iteration before it."""
        source = self.plan.source(arm.sampler or arm.start) if arm.continues else ""
        if not source:
            return {}
        run = RunFolder.read(self.plan.folder / source)
        return asdict(run.made("budget", Budget)) if "budget" in run.manifest else {}

    def _base(self, arm: ArmConfig) -> str:
        """Name or folder of the model that an arm starts from; `tiny` is made for this seed."""
        plan = self.plan
        if source := plan.source(arm.start):
            return str(plan.model(source))
        model = plan.study.model_of(plan.seed)
        if model != "tiny":
            return folder_of(model)
        folder = plan.folder / "untrained"
        with PartialState().main_process_first():
            if PartialState().is_main_process:
                save_tiny(folder, plan.seed)
        return str(folder)

    def _make_way(self, job: ArmJob) -> None:
        """Remove a finished run whose weights are missing and needed, or its results too."""
        condition = self.plan.conditions.get(job.arm)
        others = ", ".join(self.plan.needed[job.arm])
        if condition and condition.beyond:
            needed = f"{others} starts from its weights: " if others else ""
            self._say(job.path, f"{', '.join(condition.beyond)}; {needed}made anew")
        elif condition or job.arm in self.plan.records:
            self._say(job.path, f"its weights are not here and {others} starts from them: trained")
        if PartialState().is_main_process and condition:
            with owned(job.path):  # another process may have begun to make it anew
                shutil.rmtree(job.path)
        PartialState().wait_for_everyone()

    def _reuse(self, arm: ArmConfig) -> None:
        path, main = self.plan.folder / arm.name, PartialState().is_main_process
        run = self.plan.complete.get(arm.name)
        if run:
            self._say(path, "complete, reused")
            self._mend(arm, self.plan.conditions[arm.name])
        else:
            record = self.plan.records[arm.name]
            self._say(path, f"complete by {record.file}")
            run = restore_arm(record, path, self.evaluator.addresses) if main else None
        if run:
            self._check_base(run, arm)

    def _mend(self, arm: ArmConfig, condition: Condition) -> None:
        """Put back what a complete arm has lost."""
        run, main = condition.run, PartialState().is_main_process
        note = partial(self._say, run.path)
        for remark in condition.remarks():
            note(remark)
        try:
            with owned(run.path) if main and condition.mendable else nullcontext():
                if condition.evaluate:
                    evaluate_again(self._job(arm), run, note)
                if main:
                    mend(condition, self.evaluator.addresses, note)
        except OSError as error:
            if EVALUATION in condition.faults:
                raise
            if condition.mendable:  # else its record alone, in a folder that may only be read
                note(f"cannot be written to ({(error.strerror or str(error)).lower()})")

    def _check_base(self, run: RunFolder, arm: ArmConfig) -> None:
        """An arm must have started from the weights that are here now."""
        source = self.plan.source(arm.start)
        folder = self.plan.model(source) if source else None
        if not folder or not folder.is_dir() or self._named(source):
            return
        here = identity_of(str(folder))
        if run.manifest.get("base_weights", here) == here:
            return
        if run.manifest.get("recorded"):
            self._say(run.path, f"recorded from a {source} with other weights than {folder}")
            return
        raise UserError(
            f"{folder} holds other weights than {run.path} started from: put those back, choose "
            f"another --output, or remove {run.path} to train it from the weights that are there"
        )

    def _named(self, source: str) -> bool:
        """Whether an arm's weights are damaged and stay so, which was said."""
        condition = self.plan.conditions.get(source)
        return (
            source in self.plan.complete
            and source not in self.plan.needed
            and bool(condition and not condition.weights)
        )

    def _say(self, path: Path, text: str) -> None:
        self.prepared.console.say(f"{path}: {text}")
