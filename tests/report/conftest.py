"""Run folders with made-up numbers, for the tests of tables and plots."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pytest

Outcome: TypeAlias = tuple[bool, int, int]
"""(greedy, samples, correct) of one problem."""

BUDGETS = ("samples", "rollouts", "generated_tokens", "trained_tokens", "seconds")
ARMS = {
    "base": (0.92, 0.35, 0.03, 1.0, 0),
    "grpo": (0.99, 0.13, 0.07, 2.0, 11000),
    "rft": (0.95, 0.24, 0.06, 3.0, 11000),
    "sft_answers": (0.85, 0.22, 0.12, 6.0, 0),
    "sft_worked": (0.97, 0.11, 0.16, 8.0, 0),
}
"""Accuracy at level 1 of the first group, its fall by level and by group, speed, tokens a step."""


class Folders:
    """Writes run folders below `root`."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def write(
        self,
        arm: str,
        seed: int,
        eval_sets: Mapping[tuple[str, int], Sequence[Outcome]],
        records: Sequence[Mapping[str, object]] = (),
        name: str = "",
        **manifest: object,
    ) -> Path:
        """A run folder, called `<arm>-<seed>` unless it has a `name`."""
        folder = self.root / (name or f"{arm}-{seed}")
        folder.mkdir(parents=True)
        about: dict[str, object] = {"arm": arm, "seed": seed, "group": "demo", "config": {}}
        about |= {"supervision": "answers", "status": "complete", "base": None}
        (folder / "run.json").write_text(json.dumps(about | manifest))
        probed = [
            {"group": group, "level": level, "split": "test", "tasks": _tasks(group, level, rows)}
            for (group, level), rows in eval_sets.items()
        ]
        (folder / "evaluation.json").write_text(json.dumps({"eval_sets": probed}))
        (folder / "metrics.jsonl").write_text("".join(json.dumps(r) + "\n" for r in records))
        return folder

    def solved(self, share: float, problems: int, samples: int = 0) -> list[Outcome]:
        """An eval set of which the first `share` is solved, greedily and in every sample."""
        count = round(share * problems)
        return [(i < count, samples, samples if i < count else 0) for i in range(problems)]

    def curve(self, tag: str, values: Sequence[float], **rates: float) -> list[dict[str, Any]]:
        """Records at steps 0, 1, ...; every budget grows by 10 a step or by its rate."""
        return [
            {
                "step": step,
                **{name: rates.get(name, 10) * step for name in BUDGETS},
                "metrics": {tag: value},
            }
            for step, value in enumerate(values)
        ]

    def experiment(self, seeds: int, groups: Sequence[str], levels: Sequence[int]) -> Path:
        """Five arms whose curves rise at different speeds."""
        for arm in ARMS:
            for seed in range(seeds):
                self._arm(arm, seed, [(g, level) for g in groups for level in levels])
        return self.root

    def _arm(self, arm: str, seed: int, places: Sequence[tuple[str, int]], steps: int = 8) -> None:
        draw = np.random.default_rng([list(ARMS).index(arm), seed])
        groups = list(dict.fromkeys(group for group, _ in places))
        *_, speed, tokens = ARMS[arm]
        start = {(g, lv): _share("base", groups.index(g), lv) for g, lv in places}
        end = {(g, lv): _share(arm, groups.index(g), lv) for g, lv in places}
        eval_sets = {place: _answers(draw, share, 20) for place, share in end.items()}
        records = []
        for step in range(steps + 1) if arm != "base" else ():
            grown = 1 - np.exp(-speed * step / steps)
            noise = draw.normal(0, 0.01, size=len(places)) * (step > 0)
            values = [start[p] + (end[p] - start[p]) * grown for p in places] + noise
            tags = [f"eval/{group}/L{level}/greedy" for group, level in places]
            spent = {"samples": 1280 * step, "generated_tokens": tokens * step}
            spent |= {"trained_tokens": 9000 * step, "seconds": (21.5 if tokens else 3.2) * step}
            metrics = dict(zip(tags, np.clip(values, 0, 1).tolist(), strict=True))
            records.append({"step": step * 10, "rollouts": 0, **spent, "metrics": metrics})
        shown = "every step" if arm in ("base", "sft_worked") else "answers"
        self.write(arm, seed, eval_sets, records, supervision=shown, problems=4096)


def _share(arm: str, group: int, level: int) -> float:
    top, by_level, by_group, *_ = ARMS[arm]
    return max(0.0, top - by_level * (level - 1) - by_group * group)


def _answers(draw: np.random.Generator, share: float, problems: int) -> list[Outcome]:
    chance = draw.beta(4 * share + 0.02, 4 * (1 - share) + 0.02, size=problems)
    return [(bool(draw.random() < p), 8, int(draw.binomial(8, p))) for p in chance]


def _tasks(group: str, level: int, rows: Sequence[Outcome]) -> list[dict[str, Any]]:
    return [
        {"key": f"{group}{level}:{i}", "skills": ["F01"], "greedy": g, "samples": n, "correct": c}
        for i, (g, n, c) in enumerate(rows)
    ]


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    """A writer of run folders below a fresh folder."""
    return Folders(tmp_path / "runs")
