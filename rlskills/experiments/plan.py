"""What is done of one seed of a study, and what has to be trained."""

from __future__ import annotations

from pathlib import Path

from ..errors import UserError
from ..runs.folder import OtherConfiguration, RunFolder
from .edited import check_code, earlier_code
from .identity import config_hash, configurations
from .mending import Condition, condition_of
from .records import Record, RecordShelf
from .study import ArmConfig, Study


class SeedPlan:
    """Every arm of one seed: complete in its folder, known from a record, or to be trained."""

    def __init__(
        self,
        study: Study,
        seed: int,
        folder: Path,
        shelf: RecordShelf,
        same_code: bool = False,
    ) -> None:
        """A `UserError`, before any training, for a run folder made with another configuration or
        damaged beyond what can be put back.

        `same_code` takes files that have changed (`file.py:Class`) as those of the runs that are
        in this folder and beside it.
        """
        self.study = study
        self.seed = seed
        self.folder = folder
        earlier = earlier_code(folder.parent, folder) if same_code else {}
        self.configs = configurations(study, seed, earlier)
        self.complete: dict[str, RunFolder] = {}
        self.conditions: dict[str, Condition] = {}
        """Of every arm that was complete once."""
        self.records: dict[str, Record] = {}
        for arm in study.arms:
            run = self._existing(arm)
            if run and run.complete:
                condition = self.conditions[arm.name] = condition_of(run)
                if not condition.lost:
                    self.complete[arm.name] = run
                    continue
            wanted = config_hash(arm.name, self.configs[arm.name])
            if record := shelf.find(wanted, folder / arm.name):
                self.records[arm.name] = record
        self.needed = self._needed()
        """Arms to train, and for each the arms that need its weights."""

    def source(self, name: str) -> str:
        """The arm whose weights an arm that starts from `name` gets; empty: the study's model."""
        arm = self.study.arm(name) if name else None
        while arm and arm.settings is None:
            arm = self.study.arm(arm.start) if arm.start else None
        return arm.name if arm else ""

    def model(self, name: str) -> Path:
        """Folder of the weights that an arm ends with."""
        return self.folder / name / "model"

    def _existing(self, arm: ArmConfig) -> RunFolder | None:
        path = self.folder / arm.name
        if not (path / "run.json").exists():
            return None
        check_code(RunFolder.read(path), self.configs[arm.name])
        try:
            return RunFolder.open(path, arm=arm.name, config=self.configs[arm.name])
        except OtherConfiguration as error:
            if error.differs != {"base"} or arm.start:
                raise
            model = self.study.model_of(self.seed)
            raise UserError(
                f"{path} started from another {model} than there is now ({error.difference}): put "
                "that model back, or choose another --output"
            ) from None

    def _needed(self) -> dict[str, list[str]]:
        to_train: dict[str, list[str]] = {}
        for arm in reversed(self.study.arms):
            children = [
                child.name
                for child in self.study.arms
                if child.name in to_train and arm.name in self._sources(child)
            ]
            done = arm.name in self.complete or arm.name in self.records
            if not done or (children and not self._has_weights(arm.name)):
                to_train[arm.name] = children
        return to_train

    def _sources(self, arm: ArmConfig) -> list[str]:
        """The arms whose weights it needs."""
        return [self.source(other) for other in (arm.start, arm.sampler) if other]

    def _has_weights(self, name: str) -> bool:
        return name in self.complete and self.conditions[name].weights
