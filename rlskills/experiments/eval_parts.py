"""An evaluation in parts, which processes share and which a kill does not lose.

A part is some tasks of one eval set. What it asks, and the seed of its samples, follow from its
place alone, so neither the number of processes nor a kill in between changes what is asked or
drawn.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from accelerate import PartialState
from accelerate.utils import gather_object

from ..environments import digest, seed_from
from ..errors import UserError
from ..evaluation.eval_sets import EvalSet
from ..evaluation.evaluate import evaluate
from ..evaluation.settings import EvalConfig
from ..generation.engine import Engine
from ..models.loaded import LoadedModel
from ..runs.files import lacking, parsed, read_bytes
from ..runs.folder import write_json
from ..training.sampler import Processes

ROWS = 1024
"""Completions of a part: enough to fill a batch, and what a kill costs at most."""
ABOUT = "about.json"
Outcomes: TypeAlias = list[dict[str, Any]]
"""Of the tasks of a part."""


@dataclass(frozen=True)
class Part:
    """Some tasks of the eval set of number `which`, from the task of number `start` on."""

    which: int
    start: int
    asked: EvalSet

    @property
    def file(self) -> str:
        """Where its outcomes are kept."""
        return f"{self.which}-{self.start}.json"


class PartFolder:
    """The outcomes of the parts that are done, beside the file that all of them will make."""

    def __init__(self, output: Path, about: Mapping[str, Any]) -> None:
        """A `UserError` where the folder holds parts of another evaluation than `about` says."""
        self.path = output.with_name(output.name + ".parts")
        self.about = json.loads(json.dumps(about))
        found = _read(self.path / ABOUT)
        self.known = found == self.about
        """Whether the parts that are there are known to be of this evaluation."""
        if isinstance(found, dict) and not self.known:
            other = next(k for k in {**found, **self.about} if found.get(k) != self.about.get(k))
            raise UserError(
                f"{self.path} holds a part of another evaluation ({other}: {found.get(other)} "
                f"there, {self.about.get(other)} now); remove it, or choose another --output"
            )

    def begin(self) -> None:
        """Say what the parts are of; those of an unknown evaluation are removed."""
        if not self.known and self.path.is_dir():
            self.remove()
        self.path.mkdir(parents=True, exist_ok=True)
        write_json(self.path / ABOUT, self.about)
        self.known = True

    def read(self, part: Part) -> Outcomes | None:
        """The outcomes of a part; None where they are not there or not whole."""
        found = _read(self.path / part.file) if self.known else None
        if not isinstance(found, dict) or lacking(found, {"digest": str, "tasks": list}):
            return None
        rows = found["tasks"]
        keys = [row.get("key") if isinstance(row, dict) else None for row in rows]
        whole = found["digest"] == digest(rows) and keys == [task.key for task in part.asked.tasks]
        return rows if whole else None

    def write(self, part: Part, outcomes: Outcomes) -> None:
        """Keep the outcomes of a part."""
        write_json(self.path / part.file, {"digest": digest(outcomes), "tasks": outcomes})

    def remove(self) -> None:
        """All parts are in the file that they make."""
        shutil.rmtree(self.path)


def parts_of(eval_sets: Sequence[EvalSet], how: EvalConfig) -> list[Part]:
    """All parts, in the order of their tasks."""
    size = max(1, ROWS // (1 + how.samples))
    return [
        Part(which, start, each.part(slice(start, start + size)))
        for which, each in enumerate(eval_sets)
        for start in range(0, len(each.tasks), size)
    ]


def evaluate_in_parts(
    loaded: LoadedModel,
    eval_sets: Sequence[EvalSet],
    how: EvalConfig,
    engine: Engine,
    folder: PartFolder | None,
    advance: Callable[[int], None],
) -> list[dict[str, Any]]:
    """The records of `evaluate`; every process answers its share and receives all.

    Parts that `folder` holds are not answered again. `advance` is told how many tasks are done, of
    all processes as far as this one can tell.
    """
    group, parts = PartialState(), parts_of(eval_sets, how)
    share = Processes.of(group.process_index, group.num_processes, engine.together)
    known = [folder.read(part) if folder else None for part in parts]
    group.wait_for_everyone()  # none may write before all have seen what is there
    if folder and group.is_main_process:
        folder.begin()
    group.wait_for_everyone()
    done = sum(len(each) for each in known if each)
    advance(done)
    pending = [i for i, each in enumerate(known) if each is None]
    mine: dict[int, Outcomes] = {}
    for turn, i in enumerate(pending[share.index :: share.count]):
        mine[i] = _answer(loaded, parts[i], how, engine)
        if folder and share.first:
            folder.write(parts[i], mine[i])
        at_once = pending[turn * share.count : (turn + 1) * share.count]
        done += sum(len(parts[j].asked.tasks) for j in at_once)
        advance(done)
    found = {i: outcomes for each in gather_object([mine]) for i, outcomes in each.items()}
    return _joined(eval_sets, parts, [each or found[i] for i, each in enumerate(known)])


def _answer(loaded: LoadedModel, part: Part, how: EvalConfig, engine: Engine) -> Outcomes:
    seed = seed_from("part", part.which, part.start)
    (record,) = evaluate(loaded, [part.asked], how, seed, engine)
    return record["tasks"]


def _joined(
    eval_sets: Sequence[EvalSet], parts: Sequence[Part], outcomes: Sequence[Outcomes]
) -> list[dict[str, Any]]:
    records = [
        {"group": each.group, "level": each.level, "split": each.split, "tasks": []}
        for each in eval_sets
    ]
    for part, tasks in zip(parts, outcomes, strict=True):
        records[part.which]["tasks"] += tasks
    return records


def _read(file: Path) -> Any:
    """What a JSON file holds; None where there is none, or half of one."""
    try:
        return parsed(read_bytes(file))
    except (FileNotFoundError, ValueError):
        return None
