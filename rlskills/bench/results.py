"""What was measured, as a file: every turn, the machine, and what follows from them."""

from __future__ import annotations

import json
import os
import platform
import re
import statistics
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from ..errors import UserError
from ..models.choose_kernels import default_device, use_threads
from ..planning.shapes import Shape
from ..runs.folder import git_state, write_json
from .accuracy import Learned
from .contestants import OURS, TUNED
from .options import TrainOptions
from .parts import PARTS
from .timing import Turn

TRAIN, ACCURACY = "train.json", "accuracy.json"
NOT_SETTINGS = ("output", "check", "tolerance", "profile")
"""Options that say nothing of what was measured."""
HOW_LONG = ("rounds", "updates", "warmup", "trl_defaults")
"""Settings that two runs that are compared need not share."""
FLAGS = ("avx2", "avx512f", "avx512_bf16", "amx_bf16", "sve", "asimd")


def about(options: TrainOptions, command: str) -> dict[str, Any]:
    """What a file says beside its numbers: how it was made, on what, and with which code."""
    use_threads(options.threads)
    git = git_state() or {}
    settings = {k: v for k, v in asdict(options).items() if k not in NOT_SETTINGS}
    return {
        "command": command,
        "commit": git.get("commit"),
        "changed": git.get("changed"),
        "machine": machine(),
        "versions": {name: version(name) for name in ("torch", "trl", "transformers")},
        "settings": json.loads(json.dumps(settings, default=str)),
    }


def machine() -> dict[str, Any]:
    """Processor, threads and GPU."""
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        text = ""
    name = re.search(r"^model name\s*: (.+)$", text, re.MULTILINE)
    found = set((re.search(r"^flags\s*: (.+)$", text, re.MULTILINE) or [""])[0].split())
    gpu = torch.cuda.get_device_name() if default_device() == "cuda" else None
    return {
        "processor": name[1] if name else platform.processor() or platform.machine(),
        "flags": [flag for flag in FLAGS if flag in found],
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "gpu": gpu,
    }


@dataclass(frozen=True)
class Timed:
    """A comparison of speed."""

    about: dict[str, Any]
    shape: Shape
    kernels: dict[str, str]
    """Attention, precision and type of matrix products, by contestant."""
    prompt_tokens: float
    rate: float
    """Operations per second that `utilisation` is a share of."""
    rate_source: str
    turns: list[Turn]

    @property
    def on_gpu(self) -> bool:
        """Whether wall time is what counts."""
        return bool(self.about["machine"]["gpu"])

    @property
    def names(self) -> list[str]:
        """The contestants, in their order."""
        return list(dict.fromkeys(turn.contestant for turn in self.turns if turn.round == 0))

    def of(self, name: str) -> list[Turn]:
        """The turns of a contestant, by round."""
        return sorted((t for t in self.turns if t.contestant == name), key=lambda t: t.round)

    def rates(self, name: str, cpu: bool) -> list[float]:
        """Completions per second of processor or wall time, of each round."""
        return [t.per_cpu_second if cpu else t.per_second for t in self.of(name)]

    def ratios(self, name: str, cpu: bool) -> list[float]:
        """To tuned TRL in the same round."""
        pairs = zip(self.rates(name, cpu), self.rates(TUNED, cpu), strict=True)
        return [ours / theirs for ours, theirs in pairs]

    def shares(self, name: str) -> dict[str, float]:
        """Seconds of an update by part, in the mean over all rounds."""
        turns = self.of(name)
        updates = sum(turn.updates for turn in turns)
        return {part: sum(turn.parts[part] for turn in turns) / updates for part in PARTS}

    def utilisation(self, name: str) -> float | None:
        """Model FLOPs over what the machine could do in that time; None of what skips rows.

        By the median turn; on a CPU by processor time on as many threads as were used.
        """
        if name == OURS:
            return None
        threads = self.about["machine"]["threads"]
        shares = [
            self.operations(t) / (t.wall if self.on_gpu else t.cpu / threads) / self.rate
            for t in self.of(name)
        ]
        return statistics.median(shares)

    def operations(self, turn: Turn) -> float:
        """Operations that the updates of a turn need on text alone, as the planner counts them.

        Each prompt is read once for its group and then in every row that is trained on, with three
        forward passes' worth for loss and gradients. What an implementation pads, or reads again,
        is not in it.
        """
        group = self.about["settings"]["group_size"]
        prompt, new = self.prompt_tokens, turn.tokens / turn.completions

        def forward(context: float) -> float:
            shape = self.shape
            return 2.0 * shape.multiplied + 4.0 * shape.layers * shape.queries * context

        sampled = prompt * forward(prompt / 2) / group + new * forward(prompt + new / 2)
        trained = 3 * (prompt + new) * forward((prompt + new) / 2)
        return turn.completions * (sampled + trained)

    def save(self, file: Path) -> None:
        """Write it as JSON."""
        file.parent.mkdir(parents=True, exist_ok=True)
        write_json(file, asdict(self))

    @classmethod
    def read(cls, file: Path) -> Timed:
        """One that was saved; a `UserError` for what is none."""
        data = _read(file)
        try:
            data["shape"] = Shape(**data["shape"])
            data["turns"] = [Turn(**each) for each in data["turns"]]
            found = cls(**data)
            found.ratios(TUNED, cpu=True)
            found.shares(TUNED)
            _ = found.on_gpu, found.about["settings"]["group_size"]
        except (AttributeError, KeyError, TypeError, ValueError, ZeroDivisionError) as error:
            raise UserError(f"{file} is no {TRAIN} of rlskills bench train") from error
        return found


@dataclass(frozen=True)
class Compared:
    """A comparison of what was learned."""

    about: dict[str, Any]
    learned: list[Learned]

    def save(self, file: Path) -> None:
        """Write it as JSON."""
        file.parent.mkdir(parents=True, exist_ok=True)
        write_json(file, asdict(self))

    @classmethod
    def read(cls, file: Path) -> Compared:
        """One that was saved; a `UserError` for what is none."""
        data = _read(file)
        try:
            return cls(data["about"], [Learned(**each) for each in data["learned"]])
        except (KeyError, TypeError) as error:
            raise UserError(f"{file} is no {ACCURACY} of rlskills bench train") from error


def _read(file: Path) -> dict[str, Any]:
    try:
        data = json.loads(file.read_text())
    except FileNotFoundError as error:
        raise UserError(f"there is no file {file}") from error
    except (ValueError, RecursionError) as error:
        raise UserError(f"{file} is not JSON") from error
    if not isinstance(data, dict):
        raise UserError(f"{file} is not what rlskills bench writes")
    return data


def check_same(file: Path, there: Timed, options: TrainOptions) -> None:
    """A `UserError` where a file was measured on another task than `options` name."""
    here = about(options, "")["settings"]
    kept: Mapping[str, Any] = there.about["settings"]
    for name, value in here.items():
        if name not in HOW_LONG and kept.get(name) != value:
            raise UserError(f"{file} was measured with {name} {kept.get(name)}, not {value}")


def slower(here: Timed, there: Timed, tolerance: float) -> list[str]:
    """What is slower here, beside tuned TRL, by more than `tolerance`: a clause for each."""
    cpu = not here.on_gpu
    found = []
    for name in here.names:
        if not name.startswith(OURS) or name not in there.names:
            continue
        now, before = (statistics.median(each.ratios(name, cpu)) for each in (here, there))
        if now < (1 - tolerance) * before:
            found.append(f"{name} {now:.2f} times as fast as {TUNED}, {before:.2f} there")
    return found
