"""Many arms against one of them: differences at a few probes, with a correction for their number.

Arms are trained from the same base with the same seeds on the same budget; a probe is a mean of
accuracies over eval sets. Differences are paired by seed and problem (`stats.paired_difference`). A
mark stands where one is not chance over new seeds at 5 % after Holm's correction (1979,
Scandinavian Journal of Statistics 6:65) for all arms of a probe; below three seeds nothing is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..errors import UserError
from ..figures import EDGE, INK, Key, finish, new_figure, plain
from ..figures import header as header_of
from ..runs.folder import BASE
from ..runs.tags import Address
from ..stats import Array, Interval, holm, paired_difference, paired_p
from .comparison import outcomes
from .logged import mean_of
from .panels import arm_keys
from .run import Run
from .section import NONE, Section

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FAR = 0.25
"""Accuracy from the median of all arms beyond which a point is not drawn."""


@dataclass(frozen=True)
class Probe:
    """What is asked of each run: an accuracy over the problems of some eval sets."""

    name: str
    addresses: tuple[Address, ...]
    k: int = 0
    """Of pass@k; 0: the greedy answer."""

    def of(self, run: Run) -> Array:
        """The outcome of each problem; a `UserError` where the run was not asked that."""
        known = [run.eval_sets[address] for address in self.addresses if address in run.eval_sets]
        found = [row for each in known if (row := outcomes(each, self.k)) is not None]
        if len(found) < len(self.addresses):
            raise UserError(f"{run}: nothing to compute {self.name} of")
        return np.concatenate(found)


@dataclass(frozen=True)
class Logged:
    """What a run logged under a tag: its mean over the updates."""

    name: str
    tag: str

    def of(self, run: Run) -> Array:
        """The mean, as the only outcome."""
        return np.array([mean_of(run, self.tag)])


@dataclass(frozen=True)
class Rival:
    """One arm beside the reference, by probe."""

    arm: str
    supervision: str
    gains: Mapping[str, Interval]
    """Over the base."""
    leads: Mapping[str, Interval]
    """Over the reference; empty for itself."""
    marks: Mapping[str, bool]
    """Whether the lead, or the lag, is no chance by Holm's correction."""


def arena(
    pools: Mapping[str, Sequence[Run]], reference: str, probes: Sequence[Probe]
) -> list[Rival]:
    """Every arm but the base, in the order of `pools`; a `UserError` where seeds do not pair."""
    seeds = [run.seed for run in pools[reference]]
    names = [name for name in pools if name != BASE]
    values = {
        (name, probe.name): by_seed(pools[name], probe, seeds)
        for name in (BASE, *names)
        for probe in probes
    }
    certain: dict[tuple[str, str], bool] = {}
    for probe in probes:
        others = [name for name in names if name != reference]
        against = values[reference, probe.name]
        p = [paired_p(values[name, probe.name], against) for name in others]
        certain |= {(name, probe.name): yes for name, yes in zip(others, holm(p), strict=True)}
    rivals = []
    for name in names:
        at = {probe.name: values[name, probe.name] for probe in probes}
        gains = {key: paired_difference(found, values[BASE, key]) for key, found in at.items()}
        others = () if name == reference else at.items()
        leads = {key: paired_difference(found, values[reference, key]) for key, found in others}
        marks = {key: certain[name, key] for key in leads}
        shown = ", ".join(dict.fromkeys(str(run.supervision or "?") for run in pools[name]))
        rivals.append(Rival(name, shown, gains, leads, marks))
    return rivals


def arena_sections(
    rivals: Sequence[Rival],
    pools: Mapping[str, Sequence[Run]],
    reference: str,
    probes: Sequence[Probe],
    columns: Mapping[str, str],
) -> list[Section]:
    """Tables of leads, one for each supervision, and one of what was logged; `columns` has tags by
    title."""
    made = []
    for supervision in dict.fromkeys(rival.supervision for rival in rivals):
        group = [rival for rival in rivals if rival.supervision == supervision]
        rows = [
            (rival.arm, *(_cell(rival, probe.name, reference) for probe in probes))
            for rival in group
        ]
        methods = dict.fromkeys(
            _shown(rival, probe.name, reference).method for rival in group for probe in probes
        )
        line = f"* no chance at 5% after Holm's correction for {len(rivals) - 1} arms"
        line += f"; intervals: {'; '.join(methods)}"
        title = f"Shown {supervision}: difference to {reference} (of {reference}: to the base)"
        made.append(Section(title, ("arm", *(p.name for p in probes)), tuple(rows), 1, (line,)))
    logged = [
        (rival.arm, *(_number(value) for value in _logged(pools[rival.arm], columns)))
        for rival in rivals
    ]
    header = ("arm", *columns, "rollouts", "seconds")
    return [
        *made,
        Section("While training (means over updates and seeds)", header, tuple(logged), 1),
    ]


def sentences(rivals: Sequence[Rival], reference: str) -> list[str]:
    """One for each arm: what is certain of it against the reference, and nothing more."""
    said = []
    for rival in rivals:
        if rival.arm == reference:
            continue
        sure = [(key, rival.leads[key]) for key, certain in rival.marks.items() if certain]
        if not sure:
            said.append(f"{rival.arm}: no difference to {reference} is beyond chance.")
            continue
        parts = [f"{key} {'+' if lead.mean > 0 else ''}{lead}" for key, lead in sure]
        better = all(lead.mean > 0 for _, lead in sure)
        worse = all(lead.mean < 0 for _, lead in sure)
        word = "better" if better else "worse" if worse else "better and worse"
        said.append(f"{rival.arm}: {word} than {reference} at {'; '.join(parts)}.")
    return said


def plot_arena(rivals: Sequence[Rival], gain: str, forgetting: str, path: Path) -> Path:
    """Gain over the base at one probe against change at another, a point for each arm.

    Arms that are far from most others are named and not drawn, so that the others can be told
    apart.
    """
    far = [r for r in rivals if any(_is_far(r, rivals, probe) for probe in (gain, forgetting))]
    rivals = [rival for rival in rivals if rival not in far]
    keys = arm_keys([rival.arm for rival in rivals])
    height = 4.0 + header_of(list(keys.values()), 8.4)
    figure = new_figure(8.4, height)
    top = 1 - (header_of(list(keys.values()), 8.4) + 0.15) / height
    axes: Axes = figure.add_axes((0.1, 0.55 / height, 0.87, top - 0.55 / height))
    plain(axes, "both")
    axes.axhline(0, color=EDGE, linewidth=1)
    axes.axvline(0, color=EDGE, linewidth=1)
    for rival in rivals:
        x, y, key = rival.gains[forgetting], rival.gains[gain], keys[rival.arm]
        axes.errorbar(
            x.mean, y.mean, xerr=[[x.mean - x.low], [x.high - x.mean]],
            yerr=[[y.mean - y.low], [y.high - y.mean]], color=key.colour, marker=key.marker,
            markersize=6, elinewidth=0.7, alpha=0.9,
        )  # fmt: skip
    axes.set_xlabel(f"change at {forgetting}", fontsize=9.5, color=INK)
    axes.set_ylabel(f"change at {gain}", fontsize=9.5, color=INK)
    points = [Key(key.name, key.colour, key.marker, "") for key in keys.values()]
    text = "greedy accuracy minus the base's; bars: 95% intervals"
    if far:
        text += f"; far off: {', '.join(rival.arm for rival in far)}"
    return finish(figure, "Gain against forgetting", text, points, path)


def _is_far(rival: Rival, rivals: Sequence[Rival], probe: str) -> bool:
    middle = float(np.median([each.gains[probe].mean for each in rivals]))
    return abs(rival.gains[probe].mean - middle) > FAR


def by_seed(pool: Sequence[Run], probe: Probe | Logged, seeds: Sequence[int]) -> Array:
    """Outcomes (seeds, problems) of each of `seeds`; a `UserError` where there is none of one."""
    known = {run.seed: probe.of(run) for run in pool}
    if missing := [str(seed) for seed in seeds if seed not in known]:
        raise UserError(f"{pool[0].arm} has no run of seed {', '.join(missing)}")
    return np.stack([known[seed] for seed in seeds])


def _shown(rival: Rival, probe: str, reference: str) -> Interval:
    return rival.gains[probe] if rival.arm == reference else rival.leads[probe]


def _cell(rival: Rival, probe: str, reference: str) -> str:
    found = _shown(rival, probe, reference)
    sign = "+" if found.mean > 0 else ""
    return f"{sign}{found}{' *' if rival.marks.get(probe) else ''}"


def _logged(pool: Sequence[Run], columns: Mapping[str, str]) -> list[float]:
    means = [float(np.mean([mean_of(run, tag) for run in pool])) for tag in columns.values()]
    return [*means, _spent(pool, "rollouts"), _spent(pool, "seconds")]


def _spent(pool: Sequence[Run], budget: str) -> float:
    return float(np.mean([run.spent(budget) or 0.0 for run in pool]))


def _number(value: float) -> str:
    if np.isnan(value):
        return NONE
    return f"{value:,.0f}" if value == round(value) or abs(value) >= 100 else f"{value:.2f}"
