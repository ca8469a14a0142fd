"""A fixed data set of the policy's own right completions: sampled, filtered and kept on disk.

Rejection fine-tuning as in "From f(x) and g(x) to f(g(x))" (arXiv 2509.25123, section 3.2): what is
sampled may be shown more of a problem (there, the definitions of its functions) than the prompt
that is then trained on. `CollectSettings.shown` says what more.

The folder holds a file for every `problems_per_file` problems, whole or not there: a first line
with counts and the state behind it, then a JSON object for each kept completion. Killed at any
moment, collecting goes on behind the last file and ends with the same rows.
"""

from __future__ import annotations

import json
import os
import time
import warnings
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from accelerate import PartialState

from ..curricula import Choice
from ..environments import Environment, digest
from ..environments.failures import GradingFailures, failure_of
from ..errors import UserError
from ..generation.engine import Engine, SamplingParams
from ..models.loaded import LoadedModel
from ..runs.files import lacking, parsed
from ..runs.metrics import Budget
from .batch import Rollout, RolloutBatch
from .prompt_limit import Asked, Lengths, PromptLimit
from .resume import restore
from .sampler import Processes, Request, RolloutSampler
from .settings import CollectSettings
from .stream import Drawn, TaskStream
from .treatments.rft import RFT

FOLDER = "collected"
"""Of a run folder, where its data set is."""
COUNTS: tuple[str, ...] = ("problems", "rollouts", "right", "kept")


@dataclass(frozen=True)
class Row:
    """A kept completion behind the prompt that is trained on, as token ids."""

    prompt: array[int]
    completion: array[int]


def collect(
    loaded: LoadedModel,
    engine: Engine,
    stream: TaskStream,
    settings: CollectSettings,
    folder: Path,
    budget: Budget,
    advance: Callable[[int, str], None] = lambda done, text: None,
    failures: GradingFailures | None = None,
) -> dict[str, Any]:
    """Sample what is not in `folder` yet; the counts of all of it, and the digest of its rows.

    `stream` and `budget` are then where they stand behind the last problem; `advance` is told the
    number of files, `failures` of gradings that failed. Under several processes each samples its
    share and the main one writes.
    """
    group = PartialState()
    with group.main_process_first():
        files = _whole_files(folder)
    if files:
        restore(_header(files[-1])["state"], stream, budget)
    group.wait_for_everyone()
    processes = Processes.of(group.process_index, group.num_processes, engine.together)
    writer = _Writer(loaded, engine, stream, settings, processes, failures or GradingFailures())
    first = range(0, settings.problems, settings.problems_per_file)
    for number in range(len(files), len(first)):
        size = min(settings.problems_per_file, settings.problems - first[number])
        began = time.perf_counter()
        counts, rows = writer.rows(size, budget)
        budget.seconds += time.perf_counter() - began
        if group.is_main_process:
            state = {"stream": stream.state_dict(), "budget": asdict(budget)}
            header = {"counts": counts, "state": state, "rows": digest(rows)}
            _write(folder / _name(number), [header, *rows])
        group.wait_for_everyone()
        advance(number + 1, f"{counts['kept']} kept of {counts['rollouts']}")
    engine.rest()
    return _summary(folder)


def read_rows(folder: Path) -> list[Row]:
    """All rows of a data set, in the order in which they were sampled."""
    return [
        Row(array("i", row["prompt_ids"]), array("i", row["ids"]))
        for file in _files(folder)
        for row in rows_of(file)
    ]


def rows_of(file: Path) -> Iterator[dict[str, Any]]:
    """The rows of one file as they were written."""
    yield from _lines(file)[1:]


def kept_of(rollouts: Sequence[Rollout], settings: CollectSettings) -> list[Rollout]:
    """The rollouts of some problems that are trained on: the filter of the treatment `rft`."""
    batch = RolloutBatch(list(rollouts))
    RFT(max_per_prompt=settings.max_per_prompt, skip_solved=settings.skip_solved).select(batch)
    return batch.kept


class _Writer:
    """Samples problems of the stream and turns what is kept of them into rows."""

    def __init__(
        self,
        loaded: LoadedModel,
        engine: Engine,
        stream: TaskStream,
        settings: CollectSettings,
        processes: Processes,
        failures: GradingFailures,
    ) -> None:
        self.failures = failures
        if any(source.env.multi_turn for source in stream.sources.values()):
            raise UserError("completions are collected of problems with one reply, not of episodes")
        self.codec, self.stream, self.settings = loaded.codec, stream, settings
        self.sampler = RolloutSampler(loaded, engine, settings.seed, processes)
        self.params = SamplingParams(
            settings.max_new_tokens, settings.temperature, settings.samples
        )
        self.shown: Mapping[str, Environment] = {
            unit: source.env.with_options(**settings.shown)
            for unit, source in (stream.sources.items() if settings.shown else ())
        }
        self.limit = PromptLimit(settings, loaded.positions, self._measure)
        self._check(loaded)

    def rows(self, problems: int, budget: Budget) -> tuple[dict[str, int], list[dict[str, Any]]]:
        """Counts, and a JSON object for each kept completion of the next problems."""
        drawn = self.stream.draw(problems, accept=self.limit.accept)
        if not self.limit.accept:
            self.limit.check([(one.env, one.task) for one in drawn])
        requests = [
            Request(one.env, one.task, one.choice, i, self._messages(one))
            for i, one in enumerate(drawn)
        ]
        self.sampler.engine.sync(0)
        rollouts = self.sampler.sample(requests, self.params, budget.rollouts, episodes=False)
        texts = [text for rollout in rollouts if (text := failure_of(rollout.score))]
        self.failures.tell(texts, len(rollouts), "sampling the data set")
        outcomes = RolloutBatch(rollouts).outcomes()
        self.stream.observe([outcome for outcome in outcomes if outcome.pass_rates])
        budget.rollouts += len(rollouts)
        budget.samples += len(rollouts)
        budget.generated_tokens += sum(rollout.sampled for rollout in rollouts)
        kept = kept_of(rollouts, self.settings)
        prompts = self.codec.encode_tasks([rollout.task for rollout in kept]) if kept else []
        right = sum(rollout.score.correct for rollout in rollouts)
        counts = dict(zip(COUNTS, (len(drawn), len(rollouts), right, len(kept)), strict=True))
        return counts, [_row(each, ids) for each, ids in zip(kept, prompts, strict=True)]

    def _messages(self, drawn: Drawn) -> list[dict[str, str]] | None:
        """The prompt that is sampled, where it is another one than the task's own."""
        if drawn.choice.unit not in self.shown:
            return None
        task, unit = drawn.task, drawn.choice.unit
        env = self.shown[unit]
        other = replace(self.stream.sources[unit], env=env).task(task.index)
        if other.key != task.key:
            raise UserError(
                f"{env.name} draws other problems with {dict(self.settings.shown)} than without; "
                "an option that is shown for sampling must be off the stream (`off_stream`)"
            )
        return other.messages

    def _check(self, loaded: LoadedModel) -> None:
        """The prompts that are sampled must fit the model, with room for the completion."""
        asked = []
        for unit, source in self.stream.sources.items():
            source = replace(source, env=self.shown.get(unit, source.env))
            asked += [(source.env, source.task(index)) for index in range(4)]
        refuse = self.settings.long_prompts == "refuse"
        loaded.check(asked, self.settings.max_new_tokens, lengths=refuse)

    def _measure(self, asked: Asked) -> list[Lengths]:
        """Of the prompts that are sampled."""
        units = {id(source.env): unit for unit, source in self.stream.sources.items()}
        drawn = [Drawn(Choice(units[id(env)]), task, env) for env, task in asked]
        shown = [self._messages(one) or one.task.messages for one in drawn]
        prompts = self.codec.encode_openings(shown)
        return [(len(p), len(p) + self.settings.max_new_tokens) for p in prompts]


def _row(rollout: Rollout, prompt: list[int]) -> dict[str, Any]:
    task = rollout.task
    return {
        "key": task.key, "unit": rollout.choice.unit, "level": task.level, "index": task.index,
        "skills": list(task.skills), "prompt": task.text, "completion": rollout.text,
        "prompt_ids": prompt, "ids": rollout.ids,
    }  # fmt: skip


def _write(file: Path, lines: Sequence[Mapping[str, Any]]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    beside = file.with_suffix(".new")
    with beside.open("w", encoding="utf-8", errors="backslashreplace") as handle:
        handle.writelines(json.dumps(line) + "\n" for line in lines)
        handle.flush()
        os.fsync(handle.fileno())
    beside.replace(file)


def _files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.jsonl"))


def _whole_files(folder: Path) -> list[Path]:
    """The files up to the first damaged one, which is named and removed with those behind it.

    What is sampled in their place is the same: it follows from the state in the file before.
    """
    files = _files(folder)
    for number, file in enumerate(files):
        wrong = _damage(file) if file.name == _name(number) else f"{_name(number)} is not there"
        if wrong:
            warnings.warn(f"{file} is damaged: {wrong}; sampled again from there", stacklevel=2)
            for late in files[number:]:
                late.unlink()
            return files[:number]
    return files


def _damage(file: Path) -> str | None:
    """What is wrong with a file, or None."""
    try:
        header, *rows = _lines(file)
    except ValueError as error:
        return str(error)
    wrong = lacking(header, {"counts": dict, "state": dict})
    wrong = wrong or lacking(header["counts"], dict.fromkeys(COUNTS, int))
    wrong = wrong or lacking(header["state"], {"stream": dict, "budget": dict})
    if wrong:
        return f"in its first line {wrong}"
    if len(rows) != header["counts"]["kept"]:
        return f"it has {len(rows)} of {header['counts']['kept']} rows"
    if header.get("rows", digest(rows)) != digest(rows):  # earlier versions wrote no digest
        return "its rows have changed since they were written"
    return next(
        filter(None, (lacking(row, {"prompt_ids": list, "ids": list}) for row in rows)), None
    )


def _lines(file: Path) -> list[Any]:
    """What the lines of a file say; a `ValueError` where one is no JSON."""
    return [parsed(line) for line in file.read_bytes().rstrip(b"\n").split(b"\n")]


def _header(file: Path) -> dict[str, Any]:
    return _lines(file)[0]


def _name(number: int) -> str:
    return f"{number:05d}.jsonl"


def _summary(folder: Path) -> dict[str, Any]:
    files = _files(folder)
    counts = [_header(file)["counts"] for file in files]
    total = {name: sum(count[name] for count in counts) for name in COUNTS}
    rows = digest([digest(list(rows_of(file))) for file in files])
    return {**total, "digest": rows}
