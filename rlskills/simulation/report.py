"""The benchmark's results as files: JSON and CSV with everything, Markdown to read."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

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
    found: dict[str, float | None] = {}
    for name in MEANS:
        values = [value for one in results if (value := getattr(one, name)) is not None]
        found[name] = float(np.mean(values)) if values else None
    return found


def to_json(table: Table) -> str:
    """Every score and every seed, without the curves' points and the timing of the machine."""
    rows = []
    for regime, scores in table.items():
        for spec, one in scores.items():
            seeds = [
                {k: v for k, v in asdict(result).items() if k not in ("curve", "microseconds")}
                for result in one.cell.results
            ]
            rows.append(
                {
                    "regime": regime,
                    "method": spec,
                    "information": one.cell.information,
                    "options": one.cell.method.options,
                    "protocol": asdict(one.cell.protocol),
                    "speed_up": asdict(one.gain),
                    "solved": one.solved,
                    "first_or_tied": one.first,
                    "seeds": seeds,
                }
            )
    return json.dumps(_rounded(rows), indent=None, separators=(",", ":")).replace("},{", "},\n{")


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 5)
    if isinstance(value, dict):
        return {key: _rounded(one) for key, one in value.items()}
    return [_rounded(one) for one in value] if isinstance(value, list | tuple) else value


def to_csv(table: Table) -> str:
    """One row for each method in each regime, means over seeds."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    head = ("regime", "method", "information", "speed_up", "low", "high", "solved", "seeds")
    writer.writerow([*head, "first_or_tied", *MEANS])
    for regime, scores in table.items():
        for spec, one in scores.items():
            numbers = (one.gain.value, one.gain.low, one.gain.high)
            average = means(one.cell.results)
            writer.writerow(
                [regime, spec, one.cell.information, *(f"{x:.4f}" for x in numbers),
                 one.solved, len(one.cell.results), int(one.first),
                 *("" if average[name] is None else f"{average[name]:.4f}" for name in MEANS)]
            )  # fmt: skip
    return out.getvalue()


def to_markdown(table: Table, default: str) -> str:
    """Speed-ups by regime within tiers, then what the default did in every regime."""
    units = {name: scores for name, scores in table.items() if not is_box(scores)}
    boxes = {name: scores for name, scores in table.items() if is_box(scores)}
    sections = []
    if units:
        sections.append(f"## Speed-up over uniform\n\n{_matrix(units)}\n{_NOTE_UNITS}")
        sections.append(f"## First or tied, by information\n\n{_firsts(units)}")
    if boxes:
        sections.append(f"## Boxes: gain in area over uniform\n\n{_matrix(boxes)}\n{_NOTE_BOXES}")
    for spec in (BASELINE, default):
        if any(spec in scores for scores in units.values()):
            sections.append(f"## What {_cell(label(spec))} did\n\n{_profile(units, spec)}")
    sections.append(f"## Cost of the curriculum\n\n{_costs(table)}")
    return "\n\n".join(sections) + "\n"


_NOTE_UNITS = """
Geometric mean over paired seeds of rollouts to mastery, uniform's divided by the method's, with a
95 % bootstrap interval. In brackets behind: solved seeds, where not all were; an unsolved run
counts as the whole budget, so where uniform has some the figure is a lower bound. **Bold**: first
in its tier in this regime, or not told from the first by the interval of paired differences."""

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
        for spec, one in scores.items():
            logs.setdefault(spec, []).append(float(np.log(one.gain.value)))
            tiers[spec] = one.cell.information
    return sorted(logs, key=lambda s: (s != REFERENCE, _rank(tiers[s]), -np.mean(logs[s]), s))


def _rank(tier: str) -> tuple[int, str]:
    known = ("none", "level labels", "prerequisite graph")
    return (known.index(tier) if tier in known else len(known), tier)


def _matrix(table: Table) -> str:
    rows = []
    for spec in order(table):
        found = [scores.get(spec) for scores in table.values()]
        tier = next(one.cell.information for one in found if one)
        rows.append([_cell(label(spec)), tier, *(_entry(one) if one else "" for one in found)])
    return _grid(["method", "told", *table], rows)


def _entry(one: Score) -> str:
    seeds = len(one.cell.results)
    text = f"**{one.gain}**" if one.first else str(one.gain)
    return text if one.solved == seeds else f"{text} ({one.solved}/{seeds})"


def _firsts(table: Table) -> str:
    tiers = dict.fromkeys(
        one.cell.information for scores in table.values() for one in scores.values()
    )
    rows = []
    for tier in sorted(tiers, key=_rank):
        for regime, scores in table.items():
            members = [(s, one) for s, one in scores.items() if one.cell.information == tier]
            winners = sorted((x for x in members if x[1].first), key=lambda x: -x[1].gain.value)
            if winners:
                rows.append(
                    [tier, _cell(regime), ", ".join(_cell(label(spec)) for spec, _ in winners)]
                )
    return _grid(["told", "regime", "first or tied, fastest first"], rows)


def _profile(table: Table, spec: str) -> str:
    names = ("auc", "tail", "retention", "worst_skill", "zero", "coin", "done", "zero_variance")
    rows = []
    for regime, scores in table.items():
        if spec in scores:
            one = scores[spec]
            average = means(one.cell.results)
            solved = [r.mastery for r in one.cell.results if r.mastery is not None]
            median = f"{np.median(solved):,.0f}" if solved else "–"
            shown = ("–" if average[name] is None else f"{average[name]:.2f}" for name in names)
            rows.append([_cell(regime), f"{one.solved}/{len(one.cell.results)}", median, *shown])
    head = ["regime", "solved", "rollouts to mastery (median of solved)", "area", "tail mastered",
            "retention", "worst skill", "zero", "coin", "done", "zero variance"]  # fmt: skip
    return _grid(head, rows)


def _costs(table: Table) -> str:
    spent: dict[str, list[float]] = {}
    for scores in table.values():
        for spec, one in scores.items():
            value = means(one.cell.results)["microseconds"]
            spent.setdefault(spec, []).append(value or 0.0)
    rows = [[_cell(label(spec)), f"{np.mean(spent[spec]):.0f}"] for spec in order(table)]
    return _grid(["method", "microseconds for a step of the learner"], rows)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("_", "\\_")


def _grid(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [[_cell(one) for one in head], ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
