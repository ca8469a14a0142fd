"""Rollouts of a run, picked from its log and shown on a terminal.

    rollouts = pick(log_of(Path("runs/grpo")), Filter(steps=(10, 20), status="wrong"))
    show(rollouts, console)

A model's text is shown and never obeyed: escape sequences and markup in it stay text.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from ..errors import UnknownName, UserError
from ..runs.files import Kind, lacking
from ..runs.rollout_log import FILE, read_rollouts
from ..tables import printable
from .reading import run_folders

if TYPE_CHECKING:
    from rich.text import Text

    from ..console import Console

Rollout: TypeAlias = Mapping[str, Any]

NARROWEST = 36
"""Least width in columns of a completion that stands beside another."""
SHOWN: Mapping[str, Kind] = {
    "level": int, "group": int, "round": int, "status": str, "env": str, "skills": list,
    "reward": (int, float), "advantage": (int, float),
}  # fmt: skip
"""What else is shown of a rollout, where it is there."""
PROMPT, COMPLETION = 600, 1200
"""Characters shown of each, unless all are wanted."""


@dataclass(frozen=True)
class Filter:
    """Which rollouts are wanted; None takes all. `steps` is (first, last)."""

    steps: tuple[int, int] | None = None
    level: int | None = None
    skill: str | None = None
    status: str | None = None
    env: str | None = None
    group: int | None = None

    def takes(self, rollout: Rollout) -> bool:
        """Whether a rollout is wanted."""
        if self.steps and not self.steps[0] <= rollout["step"] <= self.steps[1]:
            return False
        if self.skill is not None and self.skill not in rollout.get("skills", ()):
            return False
        return all(
            wanted is None or rollout.get(name) == wanted
            for name, wanted in (
                ("level", self.level),
                ("status", self.status),
                ("env", self.env),
                ("group", self.group),
            )
        )


def steps_of(text: str) -> tuple[int, int]:
    """`40` or `10-20` as (first, last)."""
    first, dash, last = text.partition("-")
    try:
        span = int(first), int(last if dash else first)
    except ValueError:
        raise UserError(f"--step takes a step or a range, as 40 or 10-20, not {text!r}") from None
    if span[0] > span[1]:
        raise UserError(f"--step {text}: the range ends before it begins")
    return span


def log_of(path: Path) -> Path:
    """The run folder in `path` that has a rollout log: `path` itself, or the only one below it."""
    folders = run_folders(path)
    logged = [folder for folder in folders if (folder / FILE).is_file()]
    if len(logged) == 1:
        return logged[0]
    if logged:
        raise UserError(f"several runs in {path} have a rollout log: {_listed(logged)}; name one")
    near = path.resolve().parent
    beside = [p.parent.name for p in sorted(near.glob(f"*/{FILE}"))] if folders == [path] else []
    others = f"; beside it these have one: {', '.join(beside)}" if beside else ""
    raise UserError(
        f"no rollout log ({FILE}) in {path}{others} (RL arms write one while they train, "
        "supervised ones do not)"
    )


def _listed(folders: Sequence[Path]) -> str:
    return ", ".join(map(str, folders))


def pick(folder: Path, wanted: Filter) -> list[dict[str, Any]]:
    """The rollouts of a run that a filter takes, in order; none at all is a `UserError`."""
    picked: list[dict[str, Any]] = []
    known: dict[str, set[Any]] = defaultdict(set)
    for rollout in read_rollouts(folder):
        check_shown(rollout, folder)
        for name in ("step", "level", "status", "env", "group"):
            known[name].add(rollout.get(name))
        known["skill"].update(rollout.get("skills", ()))
        if wanted.takes(rollout):
            picked.append(rollout)
    if picked:
        return picked
    if not known:
        raise UserError(f"the rollout log of {folder} is empty")
    for name in ("level", "skill", "status", "env"):
        value = getattr(wanted, name)
        if value is not None and value not in known[name]:
            raise UnknownName(name, value, sorted(known[name] - {None}))
    span = f"steps {min(known['step'])} to {max(known['step'])}"
    raise UserError(
        f"no rollout of {folder} is all of that; its log has {len(known['step'])} steps ({span}), "
        f"groups up to {max(known['group'] - {None}, default=0)}"
    )


def check_shown(rollout: Rollout, folder: Path) -> Rollout:
    """The rollout; a `UserError` for one of `folder` that was not logged as it is."""
    wrong = lacking(rollout, {"prompt": str, "completion": str})
    for name, kind in SHOWN.items():
        if wrong is None and rollout.get(name) is not None:
            wrong = lacking(rollout, {name: kind})
    if wrong:
        raise UserError(f"a rollout of step {rollout['step']} in {folder / FILE}: {wrong}")
    return rollout


def show(rollouts: Iterable[Rollout], console: Console, whole: bool = False) -> None:
    """Rollouts one below the other: what each is of, its prompt, how it went, its completion."""
    for rollout in rollouts:
        console.rule(_summary(rollout), align="left", style="dim")
        console.print(_text(rollout["prompt"], PROMPT, whole, style="dim"))
        console.print(_verdict(rollout))
        console.print(_text(rollout["completion"], COMPLETION, whole))


def groups(rollouts: Iterable[Rollout]) -> list[list[Rollout]]:
    """Rollouts of one problem in one round together."""
    together: dict[tuple[Any, ...], list[Rollout]] = defaultdict(list)
    for rollout in rollouts:
        together[rollout["step"], rollout.get("round"), rollout.get("group")].append(rollout)
    return list(together.values())


def show_groups(
    grouped: Iterable[Sequence[Rollout]], console: Console, whole: bool = False
) -> None:
    """Groups one below the other: the prompt once, then its completions side by side."""
    from rich.console import Group
    from rich.panel import Panel
    from rich.table import Table

    columns = max(1, min(4, console.width // NARROWEST))
    for group in grouped:
        console.rule(_summary(group[0]), align="left", style="dim")
        console.print(_text(group[0]["prompt"], PROMPT, whole, style="dim"))
        grid = Table.grid(expand=True, padding=0)
        for _ in range(columns):
            grid.add_column(ratio=1)
        panels = [
            Panel(
                Group(_verdict(rollout), _text(rollout["completion"], COMPLETION, whole)),
                border_style="green" if rollout.get("correct") else "red",
            )
            for rollout in group
        ]
        for first in range(0, len(panels), columns):
            grid.add_row(*panels[first : first + columns])
        console.print(grid)


def _summary(rollout: Rollout) -> Text:
    """What a rollout is of."""
    from rich.text import Text

    names = [f"step {rollout['step']}", f"group {rollout.get('group', '-')}"]
    if rollout.get("round"):
        names.append(f"round {rollout['round']}")
    names += [str(rollout.get("env", "")), f"L{rollout.get('level', '-')}"]
    names.append(" ".join(map(str, rollout.get("skills", ()))))
    return Text(printable(" · ".join(name for name in names if name)), style="bold")


def _verdict(rollout: Rollout) -> Text:
    """How it went."""
    from rich.text import Text

    words = [str(rollout.get("status", "-"))]
    words.append(f"reward {_number(rollout.get('reward'))}")
    if rollout.get("advantage") is not None:
        words.append(f"adv {rollout['advantage']:+.2f}")
    if rollout.get("truncated"):
        words.append("truncated")
    if rollout.get("kept") is False:
        words.append("not learned")
    style = "green" if rollout.get("correct") else "red"
    return Text(printable(" · ".join(words)), style=style)


def _number(value: Any) -> str:
    return "-" if value is None else f"{value:g}"


def _text(text: str, limit: int, whole: bool, style: str = "") -> Text:
    from rich.text import Text

    left = len(text) - limit
    if whole or left <= 0:
        return Text(printable(text, lines=True), style=style, overflow="fold")
    shown = Text(printable(text[:limit], lines=True), style=style, overflow="fold")
    return shown.append(f" ... {left} more characters", style="dim italic")
