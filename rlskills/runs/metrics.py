"""What a run logs: JSON lines as the record, TensorBoard events as a view of it.

Every arm logs the same tags against the same budgets, so that curves of RL and supervised runs can
be laid over each other. On a resume the record is cut back to the checkpoint and the events are
written anew from it; so both hold what an undisturbed run would have written.
"""

from __future__ import annotations

import json
import math
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from typing import Any

from ..errors import UserError
from ..tables import markdown
from . import tags
from .budget import BUDGETS, Budget
from .files import lacking, parsed, read_bytes
from .hparams import write_levels, write_row
from .layout import layout
from .rollout_log import read_rollouts
from .tags import Address

__all__ = ["BUDGETS", "Budget", "MetricWriter", "NotFinite", "metric_lines", "records_to"]

FILE = "metrics.jsonl"

SAMPLES = 8
"""Rollouts in one entry of the text tab."""
SHOWN = 300
"""Characters of a prompt or completion there."""


class NotFinite(UserError):
    """Training has broken down: a number that must be finite is not."""

    def __init__(self, tag: str, value: float, step: int) -> None:
        self.tag, self.value, self.step = tag, value, step
        super().__init__(
            f"{tag} is {value} at step {step}: training stopped, the checkpoints before it are "
            "kept; a lower learning rate or max_grad_norm may help"
        )

    def __reduce__(self) -> tuple[Any, ...]:
        """An arm in a process of its own hands this to the one that started it."""
        return NotFinite, (self.tag, self.value, self.step)


class MetricWriter:
    """Appends records to `metrics.jsonl` and mirrors them to TensorBoard."""

    def __init__(
        self, folder: Path, last_step: int = -1, addresses: Sequence[Address] = ()
    ) -> None:
        """Open for a run that goes on behind `last_step`; later records are cut off.

        A damaged line among those that are kept is a `UserError`.

        `addresses` are the groups and levels whose curves are laid over those of other arms, by
        budget. A base model has none: what it spent is not an arm's budget.
        """
        from torch.utils.tensorboard.writer import SummaryWriter

        self.path = folder / FILE
        kept = records_to(self.path, last_step)
        write_records(self.path, kept)
        self.file = self.path.open("a")
        self.folder = folder / "tensorboard"
        shutil.rmtree(self.folder, ignore_errors=True)
        self.events = SummaryWriter(str(self.folder))
        self.shared = {tags.eval_greedy(address) for address in addresses}
        if addresses:
            self.events.add_custom_scalars(layout(addresses))
        for record in kept:
            self._show(record)
        self._show_logged(folder, kept)

    def log(self, step: int, budget: Budget, metrics: Mapping[str, float]) -> None:
        """One record: the optimizer step, the budgets spent by then, values by tag.

        What is undefined, such as the mean of nothing, is left out. A loss or gradient norm that
        is not finite is `NotFinite`.
        """
        for tag in sorted(tags.MUST_BE_FINITE & metrics.keys()):
            if not math.isfinite(metrics[tag]):
                raise NotFinite(tag, metrics[tag], step)
        finite = {tag: value for tag, value in metrics.items() if math.isfinite(value)}
        spent = asdict(budget) | {"seconds": round(budget.seconds, 3)}
        record = {"step": step, **spent, "time": time.time(), "metrics": finite}
        self.file.write(json.dumps(record, allow_nan=False) + "\n")
        self.file.flush()
        self._show(record)

    def samples(self, step: int, rollouts: Sequence[Mapping[str, Any]]) -> None:
        """The first rollout of each of some groups, for TensorBoard's text tab."""
        firsts = {rollout.get("group"): rollout for rollout in reversed(rollouts)}
        rows = [
            (
                str(rollout["prompt"])[:SHOWN],
                str(rollout["completion"])[:SHOWN],
                str(rollout["reward"]),
            )
            for rollout in reversed(firsts.values())
        ]
        table = markdown(("prompt", "completion", "reward"), rows[:SAMPLES], numbers_from=2)
        self.text(tags.SAMPLES, table, step)

    def text(self, tag: str, text: str, step: int) -> None:
        """A text for TensorBoard's text tab; not part of the record."""
        self.events.add_text(tag, text.encode("utf-8", "replace").decode(), step)

    def hparams(self, settings: Mapping[str, Any], results: Mapping[str, float]) -> None:
        """This run's row of TensorBoard's HParams tab: all its settings, and results by tag."""
        write_row(self.folder, settings, results)

    def failures(self, shares: Mapping[tuple[str, Address], float]) -> None:
        """How answers fail at the end: shares by kind and eval set."""
        write_levels(self.folder, shares)

    def close(self) -> None:
        """Flush everything to disk."""
        self.file.close()
        self.events.close()

    def _show(self, record: Mapping[str, Any]) -> None:
        at = record["time"]
        for tag, value in record["metrics"].items():
            self.events.add_scalar(tag, value, record["step"], walltime=at)
            if tag not in self.shared:
                continue
            # TensorBoard's only numeric axis is the step, so each budget has tags of its own.
            for budget in record.keys() & BUDGETS:
                by_budget = tags.by_budget(budget, tag)
                self.events.add_scalar(by_budget, value, int(record[budget]), walltime=at)

    def _show_logged(self, folder: Path, records: Sequence[Mapping[str, Any]]) -> None:
        """After a resume: samples of earlier evaluations, as far as the rollout log has them."""
        evaluated = {
            record["step"]
            for record in records
            if any(tags.parse_eval_greedy(tag) for tag in record["metrics"])
        }
        logged = read_rollouts(folder) if evaluated else ()
        # The rollout log says itself what is wrong with it, and this is a view of it.
        with suppress(UserError, KeyError):
            for step, rollouts in groupby(logged, key=lambda rollout: rollout["step"]):
                if step in evaluated:
                    self.samples(step, list(rollouts))


def metric_lines(path: Path) -> Iterator[dict[str, Any]]:
    """The records of a `metrics.jsonl`; a last line torn by a kill is passed over.

    A damaged line before it, and a file that cannot be read, are a `UserError`.
    """
    try:
        lines = read_bytes(path).split(b"\n")
    except FileNotFoundError:
        return
    last = len(lines) - (not lines[-1])
    record: Any
    for number, line in enumerate(lines[:last], start=1):
        try:
            record = parsed(line)
        except ValueError:
            record = None
            if number == last:
                return  # the run was killed while it wrote its last line
        why = lacking(record, {"step": int})
        if not isinstance(record, dict) or why or not isinstance(record.get("metrics", {}), dict):
            raise UserError(f"cannot understand line {number} of {path}")
        yield record


def records_to(path: Path, last_step: int) -> list[dict[str, Any]]:
    """The records up to `last_step`; what is behind it may be damaged."""
    kept: list[dict[str, Any]] = []
    for record in metric_lines(path) if last_step >= 0 else ():
        if record["step"] > last_step:
            break
        if why := lacking(record, {"time": (int, float), "metrics": dict}):
            raise UserError(f"{path}: in the record of step {record['step']} {why}")
        kept.append(record)
        if record["step"] == last_step:
            break
    return kept


def gap(records: Sequence[Mapping[str, Any]], last_step: int) -> str | None:
    """What records of a run lack to be those of steps 0 to `last_step`, one each."""
    steps = [record["step"] for record in records]
    if steps == list(range(last_step + 1)):
        return None
    missing = sorted(set(range(last_step + 1)).difference(steps))
    if not missing:
        return "has steps twice"
    return f"lacks {len(missing)} of the steps 0 to {last_step}, the first of them {missing[0]}"


def write_records(path: Path, records: Sequence[Mapping[str, Any]]) -> None:
    """Write a whole record in place of what is there."""
    beside = path.with_suffix(".new")
    beside.write_text("".join(json.dumps(record) + "\n" for record in records))
    beside.replace(path)
