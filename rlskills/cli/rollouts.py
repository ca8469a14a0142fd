"""`rlskills rollouts`: what a model wrote while it trained, and what it got for it."""

from __future__ import annotations

from pathlib import Path

import tyro

from ..console import Console
from ..errors import UserError
from ..report.rollouts import Filter, groups, log_of, pick, show, show_groups, steps_of

SHOWN = 10


def show_rollouts(
    run: tyro.conf.Positional[Path],
    /,
    step: str | None = None,
    level: int | None = None,
    skill: str | None = None,
    status: str | None = None,
    env: str | None = None,
    group: int | None = None,
    limit: int | None = None,
    whole: bool = False,
    json: bool = False,
) -> None:
    """Show the rollouts that a run logged while it trained.

    Args:
        run: A run folder, or a folder with one run that has a rollout log.
        step: Optimizer step, or a range: 40, 10-20.
        level: Level of the problem.
        skill: One of the problem's skills.
        status: How the grading went: correct, wrong, unparsed, ...
        env: Name of the environment.
        group: Number of a group within its round: its completions are shown side by side.
        limit: Rollouts (with --group, groups) to show; 0: all. Default: 10, with --json all.
        whole: Show long texts whole.
        json: Print one JSON object per rollout and line.
    """
    if limit is not None and limit < 0:
        raise UserError(f"--limit must not be negative, not {limit}")
    wanted = Filter(steps_of(step) if step else None, level, skill, status, env, group)
    picked = pick(log_of(run), wanted)
    if json:
        _print_json(picked[: limit or None])
        return
    console = Console()
    most = SHOWN if limit is None else limit or None
    if group is None:
        show(picked[:most], console, whole)
        _say_rest(len(picked), most, "rollouts", console)
    else:
        grouped = groups(picked)
        show_groups(grouped[:most], console, whole)
        _say_rest(len(grouped), most, "groups", console)


def _print_json(rollouts: list[dict]) -> None:
    from json import dumps

    for rollout in rollouts:
        print(dumps(rollout))


def _say_rest(count: int, most: int | None, what: str, console: Console) -> None:
    if most is not None and count > most:
        console.print(f"{most} of {count} {what}; --limit 0 shows all", style="dim")
