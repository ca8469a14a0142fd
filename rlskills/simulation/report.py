"""The benchmark's results as files: JSON and CSV with everything, Markdown to read."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from ..tables import bold, escape, markdown
from .box import BoxRegime
from .methods import BASELINE, REFERENCE
from .ranking import Score
from .record import SeedResult

Table = Mapping[str, Mapping[str, Score]]
"""Scores by regime and method."""

MEANS = ("auc", "tail", "retention", "worst_skill", "zero", "coin", "done", "zero_variance",
         "microseconds")  # fmt: skip


def means(results: Sequence[SeedResult]) -> dict[str, float | None]:
    """Mean over seeds of every measure; None where no seed has it."""
    averages: dict[str, float | None] = {}
    for name in MEANS:
        values = [value for result in results if (value := getattr(result, name)) is not None]
        averages[name] = float(np.mean(values)) if values else None
    return averages


def to_json(table: Table) -> str:
    """Every score and every seed, without the curves' points and the timing of the machine."""
    rows = []
    for regime, scores in table.items():
        for spec, score in scores.items():
            seeds = [
                {k: v for k, v in asdict(result).items() if k not in ("curve", "microseconds")}
                for result in score.cell.results
            ]
            rows.append(
                {
                    "regime": regime,
                    "method": spec,
                    "information": score.cell.information,
                    "options": score.cell.method.options,
                    "protocol": asdict(score.cell.protocol),
                    "speed_up": asdict(score.gain),
                    "solved": score.solved,
                    "first_or_tied": score.first,
                    "seeds": seeds,
                }
            )
    return json.dumps(_rounded(rows), indent=None, separators=(",", ":")).replace("},{", "},\n{")


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 5)
    if isinstance(value, dict):
        return {key: _rounded(part) for key, part in value.items()}
    return [_rounded(part) for part in value] if isinstance(value, list | tuple) else value


def to_csv(table: Table) -> str:
    """One row for each method in each regime, means over seeds."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    head = ("regime", "method", "information", "speed_up", "low", "high", "solved", "seeds")
    writer.writerow([*head, "first_or_tied", *MEANS])
    for regime, scores in table.items():
        for spec, score in scores.items():
            numbers = (score.gain.mean, score.gain.low, score.gain.high)
            average = means(score.cell.results)
            writer.writerow(
                [regime, spec, score.cell.information, *(f"{x:.4f}" for x in numbers),
                 score.solved, len(score.cell.results), int(score.first),
                 *("" if average[name] is None else f"{average[name]:.4f}" for name in MEANS)]
            )  # fmt: skip
    return out.getvalue()


def to_markdown(table: Table, default: str) -> str:
    """Speed-ups by regime within tiers, then what the default did in every regime."""
    units = {name: scores for name, scores in table.items() if not is_box(scores)}
    boxes = {name: scores for name, scores in table.items() if is_box(scores)}
    sections = []
    if units:
        sections.append(f"## Speed-up over uniform\n\n{_matrix(units)}{_NOTE_UNITS}")
        sections.append(f"## First or tied, by information\n\n{_firsts(units)}")
    if boxes:
        sections.append(f"## Boxes: gain in area over uniform\n\n{_matrix(boxes)}{_NOTE_BOXES}")
    for spec in (BASELINE, default):
        if any(spec in scores for scores in units.values()):
            sections.append(f"## What {escape(label(spec))} did\n\n{_profile(units, spec)}")
    sections.append(f"## Cost of the curriculum\n\n{_costs(table)}")
    return "\n\n".join(section.rstrip() for section in sections) + "\n"


_NOTE_UNITS = """
Geometric mean over paired seeds of rollouts to mastery, uniform's divided by the method's, with a
95 % bootstrap interval. In brackets behind: solved seeds, where not all were; an unsolved run
counts as the whole budget, so where uniform has some the figure is a lower bound. **Bold**: first
in its tier in this regime, or within noise of the first by the interval of paired differences."""

_NOTE_BOXES = """
Geometric mean over paired seeds of the area under the share of reachable cells mastered, divided
by that of uniform draws. In brackets: seeds that mastered half of the reachable cells."""


def is_box(scores: Mapping[str, Score]) -> bool:
    """Whether scores of one regime are of a box."""
    return isinstance(next(iter(scores.values())).cell.regime, BoxRegime)


def label(spec: str) -> str:
    """How a method is called in tables and pictures: a file without its folders."""
    return spec if ".py" not in spec else spec.rpartition("/")[2]


def order(table: Table) -> list[str]:
    """Methods: the reference, then tiers, and within a tier the fastest on average first."""
    logs: dict[str, list[float]] = {}
    tiers: dict[str, str] = {}
    for scores in table.values():
        for spec, score in scores.items():
            logs.setdefault(spec, []).append(float(np.log(score.gain.mean)))
            tiers[spec] = score.cell.information
    return sorted(logs, key=lambda s: (s != REFERENCE, _rank(tiers[s]), -np.mean(logs[s]), s))


def _rank(tier: str) -> tuple[int, str]:
    known = ("none", "level labels", "prerequisite graph")
    return (known.index(tier) if tier in known else len(known), tier)


def _matrix(table: Table) -> str:
    rows = []
    for spec in order(table):
        scores = [by_method.get(spec) for by_method in table.values()]
        tier = next(score.cell.information for score in scores if score)
        cells = (_entry(score) if score else "" for score in scores)
        rows.append([escape(label(spec)), escape(tier), *cells])
    return markdown(["method", "information", *table], rows, escaped=True)


def _entry(score: Score) -> str:
    seeds = len(score.cell.results)
    text = f"{score.gain:.2f}"
    text = bold(text) if score.first else escape(text)
    return text if score.solved == seeds else f"{text} ({score.solved}/{seeds})"


def _firsts(table: Table) -> str:
    tiers = dict.fromkeys(
        score.cell.information for scores in table.values() for score in scores.values()
    )
    rows = []
    for tier in sorted(tiers, key=_rank):
        for regime, scores in table.items():
            winners = [
                (-score.gain.mean, label(spec))
                for spec, score in scores.items()
                if score.cell.information == tier and score.first
            ]
            if winners:
                rows.append([tier, regime, ", ".join(name for _, name in sorted(winners))])
    return markdown(["information", "regime", "first or tied, fastest first"], rows)


def _profile(table: Table, spec: str) -> str:
    names = ("auc", "tail", "retention", "worst_skill", "zero", "coin", "done", "zero_variance")
    rows = []
    for regime, scores in table.items():
        if spec in scores:
            results = scores[spec].cell.results
            average = means(results)
            solved = [result.mastery for result in results if result.mastery is not None]
            median = f"{np.median(solved):,.0f}" if solved else "–"
            cells = ("–" if average[name] is None else f"{average[name]:.2f}" for name in names)
            rows.append([regime, f"{len(solved)}/{len(results)}", median, *cells])
    header = ["regime", "solved", "rollouts to mastery (median of solved)", "area",
              "tail mastered", "retention", "worst skill", "zero", "coin", "done",
              "zero-variance groups"]  # fmt: skip
    return markdown(header, rows, numbers_from=1)


def _costs(table: Table) -> str:
    spent: dict[str, list[float]] = {}
    for scores in table.values():
        for spec, score in scores.items():
            value = means(score.cell.results)["microseconds"]
            spent.setdefault(spec, []).append(value or 0.0)
    rows = [[label(spec), f"{np.mean(spent[spec]):.0f}"] for spec in order(table)]
    return markdown(["method", "microseconds per step of the learner"], rows, numbers_from=1)
