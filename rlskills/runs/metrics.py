"""What a run logs: JSON lines as the record, TensorBoard events as a view of it.

Every arm logs the same tags against the same budgets, so that curves of RL and supervised runs can
be laid over each other. On a resume the record is cut back to the checkpoint and the events are
written anew from it; so both hold what an undisturbed run would have written.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from ..report.reading import Address, eval_tag, metric_lines

AXES = ("samples", "rollouts", "generated_tokens", "trained_tokens", "seconds")


@dataclass
class Budget:
    """What an arm has spent since it left its base model.

    `samples` are sequences sampled or shown (rollouts for RL, demonstrations for SFT);
    `trained_tokens` are completion tokens that entered a loss; `seconds` leave out evaluation.
    """

    samples: int = 0
    rollouts: int = 0
    generated_tokens: int = 0
    trained_tokens: int = 0
    seconds: float = 0.0


class MetricWriter:
    """Appends records to `metrics.jsonl` and mirrors them to TensorBoard."""

    def __init__(self, folder: Path, last_step: int = -1, places: Sequence[Address] = ()) -> None:
        """Open for a run that goes on behind `last_step`; later records are cut off.

        `places` are the groups and levels whose curves are laid over those of other arms, by
        budget. A base model has none: what it spent is not an arm's budget.
        """
        from torch.utils.tensorboard.writer import SummaryWriter

        self.path = folder / "metrics.jsonl"
        kept = [record for record in metric_lines(self.path) if record["step"] <= last_step]
        beside = self.path.with_suffix(".new")
        beside.write_text("".join(json.dumps(record) + "\n" for record in kept))
        beside.replace(self.path)
        self.file = self.path.open("a")
        events = folder / "tensorboard"
        shutil.rmtree(events, ignore_errors=True)
        self.events = SummaryWriter(str(events))
        self.shared = {eval_tag(place) for place in places}
        if places:
            self.events.add_custom_scalars(_layout(places))
        for record in kept:
            self._show(record)

    def log(self, step: int, budget: Budget, metrics: Mapping[str, float]) -> None:
        """One record: the optimizer step, the budgets spent by then, values by tag."""
        spent = asdict(budget) | {"seconds": round(budget.seconds, 3)}
        record = {"step": step, **spent, "time": time.time(), "metrics": dict(metrics)}
        self.file.write(json.dumps(record) + "\n")
        self.file.flush()
        self._show(record)

    def text(self, tag: str, text: str, step: int) -> None:
        """A text for TensorBoard's text tab; not part of the record."""
        self.events.add_text(tag, text, step)

    def hparams(self, settings: Mapping[str, Any], results: Mapping[str, float]) -> None:
        """One row of TensorBoard's HParams tab."""
        from torch.utils.tensorboard.summary import hparams

        plain = {k: v for k, v in settings.items() if isinstance(v, bool | int | float | str)}
        assert self.events.file_writer is not None
        for summary in hparams(plain, dict(results)):
            self.events.file_writer.add_summary(summary)
        for tag, value in results.items():
            self.events.add_scalar(tag, value, 0)

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
            for axis in AXES:
                self.events.add_scalar(f"by_{axis}/{tag}", value, int(record[axis]), walltime=at)


def _layout(places: Sequence[Address]) -> dict[str, dict[str, list[Any]]]:
    """Opening view of TensorBoard's Custom Scalars tab: a chart for each group and level, arms as
    lines, against what they spent; then what training sees."""
    groups = dict.fromkeys(group for group, _ in places)
    charts = {
        f"{group.replace('_', ' ')}: accuracy by {axis.replace('_', ' ')}": {
            f"level {level}": ["Multiline", [f"by_{axis}/{eval_tag((group, level))}"]]
            for other, level in places
            if other == group
        }
        for axis in ("samples", "trained_tokens", "seconds")
        for group in groups
    }
    return charts | {
        "what training sees": {
            "accuracy of rollouts": ["Multiline", [r"train/accuracy", r"train/L\d+/accuracy"]],
            "dead groups": ["Multiline", [r"train/dead_groups"]],
            "response length": ["Multiline", [r"train/response_length"]],
            "entropy": ["Multiline", [r"train/entropy"]],
        },
        "what the teacher does": {
            "chance by level": ["Multiline", [r"curriculum/probability/L\d+"]],
            "chance by skill": ["Multiline", [r"curriculum/probability/skill/.*"]],
            "competence by level": ["Multiline", [r"curriculum/competence/L\d+"]],
            "learning progress by level": ["Multiline", [r"curriculum/progress/L\d+"]],
            "learning progress by skill": ["Multiline", [r"curriculum/progress/skill/.*"]],
            "where rollouts go": [
                "Multiline",
                [
                    r"curriculum/share/(zero_variance|mastered|out_of_reach)",
                    r"curriculum/share/kind/.*",
                ],
            ],
        },
    }


assert tuple(field.name for field in fields(Budget)) == AXES
