"""Results as tables: cells that the terminal and the page share."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import TypeAlias

from .accuracy import differences
from .contestants import OURS, TUNED
from .parts import PARTS
from .results import Compared, Timed

GIB = 2**30
Cells: TypeAlias = tuple[tuple[str, ...], list[list[str]]]
"""A header and rows."""


def spread(values: Sequence[float], digits: int) -> str:
    """Median (lowest to highest)."""
    middle = statistics.median(values)
    return f"{middle:.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"


def _rate(values: Sequence[float]) -> str:
    return spread(values, 0 if min(values) >= 20 else 2)


def speed(timed: Timed) -> Cells:
    """Completions per second of processor and wall time."""
    header = ("contestant", "completions per CPU s", "per s", "tokens per s", "zero variance")
    rows = []
    for name in timed.names:
        turns = timed.of(name)
        tokens = statistics.median(turn.tokens / turn.wall for turn in turns)
        dead = statistics.fmean(turn.zero_variance for turn in turns)
        rows.append([name, _rate(timed.rates(name, True)), _rate(timed.rates(name, False)),
                     f"{tokens:,.0f}", f"{dead:.2f}"])  # fmt: skip
    return header, rows


def ratios(timed: Timed) -> Cells:
    """To tuned TRL, round by round."""
    header = (f"times as fast as {TUNED}", "by CPU time", "by wall time")
    names = [name for name in timed.names if name != TUNED]
    rows = [[name, *(spread(timed.ratios(name, cpu), 2) for cpu in (True, False))]
            for name in names]  # fmt: skip
    return header, rows


def resources(timed: Timed) -> Cells:
    """Kernels, memory and utilisation."""
    header = ("contestant", "kernels", "peak GiB", "MFU")
    rows = []
    for name in timed.names:
        peak = max(turn.peak for turn in timed.of(name))
        used = timed.utilisation(name)
        rows.append([name, timed.kernels[name], f"{peak / GIB:.2f}" if peak else "unknown",
                     "" if used is None else f"{used:.1%}"])  # fmt: skip
    return header, rows


def shares(timed: Timed) -> Cells:
    """Where the time of an update goes."""
    header = (f"{'wall' if timed.on_gpu else 'CPU'} ms of an update", *PARTS, "all")
    rows = []
    for name in timed.names:
        seconds = timed.shares(name)
        whole = sum(seconds.values())
        cells = [f"{1000 * seconds[part]:,.1f} ({seconds[part] / whole:.0%})" for part in PARTS]
        rows.append([name, *cells, f"{1000 * whole:,.0f}"])
    return header, rows


def accuracy(compared: Compared) -> Cells:
    """What was learned, and its difference to tuned TRL."""
    header = ("contestant", "greedy accuracy", f"minus {TUNED}", "completions per seed")
    against = dict(differences(compared.learned))
    rows = [
        [each.contestant, str(each.accuracy),
         f"{against[each.contestant]:+.3f}" if each.contestant in against else "",
         f"{each.completions:,}"]
        for each in compared.learned
    ]  # fmt: skip
    return header, rows


def setting(timed: Timed) -> str:
    """One line on what was measured."""
    s = timed.about["settings"]
    parts = timed.shape.parameters
    levels = " and ".join(map(str, s["levels"]))
    return (
        f"{parts:,} weights; {s['prompts_per_step']} problems x {s['group_size']} completions of "
        f"up to {s['max_new_tokens']} tokens, prompts of {timed.prompt_tokens:.0f}; {s['env']}, "
        f"level {levels}; {s['rounds']} rounds of {s['updates']} updates behind {s['warmup']} that "
        "are left out"
    )


def where(about: dict[str, object]) -> str:
    """One line on the machine and the code."""
    machine, versions = about["machine"], about["versions"]
    assert isinstance(machine, dict)
    assert isinstance(versions, dict)
    flags = f" ({', '.join(machine['flags'])})" if machine["flags"] else ""
    gpu = f"{machine['gpu']}, " if machine["gpu"] else ""
    commit = str(about["commit"] or "unknown")[:8] + (" with changes" if about["changed"] else "")
    return (
        f"{gpu}{machine['processor']}{flags}, threads: {machine['threads']}; "
        f"{', '.join(f'{name} {number}' for name, number in versions.items())}; commit {commit}"
    )


def notes(timed: Timed) -> list[str]:
    """What a reader of the tables should know."""
    found = [f"MFU: of {timed.rate / 1e9:,.0f} GFLOP/s ({timed.rate_source}); operations on text "
             "alone, every row trained on."]  # fmt: skip
    if OURS not in timed.names:
        found.append(
            "No group that was looked at before had right and wrong answers, so the default, which "
            "leaves out groups of zero variance, would have nothing to train on: it does not take "
            "part."
        )
    return found
